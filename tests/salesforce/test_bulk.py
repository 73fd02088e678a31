from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from requests.utils import super_len

from include.errors import (
    ConfigurationError,
    FatalError,
    OrgExhaustedError,
    RequestRefusedError,
    SalesforceUnavailableError,
)
from include.frames import RESULTS
from include.salesforce.bulk_csv import write_bulk_csv
from include.salesforce.bulk_jobs import BulkJob, JobState
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway
from include.staging import Staging
from tests.local_org import LocalOrg

KEY = "Coconut_Booking_Key__c"
NOTES = 'He said: "tomorrow, maybe"\r\nnew line, comma\rold Mac 😀 — ' + "ß" * 10


def events(count: int, **fields: str) -> pd.DataFrame:
    rows = [
        {
            KEY: f"{number}-1",
            "Subject": f"Visit {number} [Appointment]",
            "StartDateTime": "2026-03-01T09:00:00.000Z",
            "EndDateTime": "2026-03-01T10:00:00.000Z",
            **fields,
        }
        for number in range(count)
    ]
    return pd.DataFrame(rows).astype("str")


def as_csv(rows: pd.DataFrame) -> io.BytesIO:
    file = io.BytesIO()
    write_bulk_csv(rows, list(rows.columns), file)
    return file


def submit(gateway: SalesforceGateway, rows: pd.DataFrame, operation: Any = "upsert") -> str:
    key = KEY if operation == "upsert" else None
    job = gateway.bulk_create_job(sobject="Event", operation=operation, external_id_field=key)
    gateway.bulk_upload(job.id, as_csv(rows))
    gateway.bulk_close(job.id)
    return job.id


def finished(
    gateway: SalesforceGateway, rows: pd.DataFrame, *, operation: str = "upsert", key_column: str = KEY
) -> tuple[BulkJob, pd.DataFrame]:
    job = gateway.bulk_wait(submit(gateway, rows, operation))
    results = list(gateway.bulk_results(job.id, key_columns=(key_column,)))
    return job, pd.concat([RESULTS.empty(), *results], ignore_index=True)


def test_a_job_writes_every_row_and_results_are_joined_by_our_key(gateway: SalesforceGateway) -> None:
    job, results = finished(gateway, events(300, Description=NOTES))
    assert (job.state, job.records_processed, job.records_failed) == (JobState.JOB_COMPLETE, 300, 0)
    assert results["is_success"].all()
    assert results["is_created"].all()
    assert set(results["job_id"]) == {job.id}
    stored = gateway.query_frame(f"SELECT Id, {KEY}, Description FROM Event").set_index(KEY)
    assert results.set_index("key")["record_id"].to_dict() == stored["Id"].to_dict()
    assert set(stored["Description"]) == {NOTES.replace("\r\n", "\n").replace("\r", "\n")}


@pytest.mark.rule("Q4")
def test_a_job_that_is_sent_twice_lands_once(gateway: SalesforceGateway) -> None:
    _, once = finished(gateway, events(20))
    _, twice = finished(gateway, events(20))
    assert not twice["is_created"].any()
    assert twice.set_index("key")["record_id"].to_dict() == once.set_index("key")["record_id"].to_dict()


@pytest.mark.rule("Q3")
def test_refused_rows_tell_their_code_and_the_others_stand(gateway: SalesforceGateway) -> None:
    rows = events(6)
    rows.loc[2, "Subject"] = "x" * 300
    rows.loc[4, "StartDateTime"] = "no time"
    job, results = finished(gateway, rows)
    refused = results[~results["is_success"]].set_index("key")
    assert (job.records_processed, job.records_failed) == (6, 2)
    assert refused.loc["2-1", ["error_code", "error_fields"]].tolist() == ["STRING_TOO_LONG", "Subject"]
    assert sorted(refused.index) == ["2-1", "4-1"]
    assert not refused["is_unprocessed"].any()
    assert len(results) == 6


@pytest.mark.rule("Q3")
def test_a_job_that_fails_midway_accounts_for_every_row(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.script({"type": "fail_job", "after_rows": 10})
    job, results = finished(gateway, events(25))
    assert job.state is JobState.FAILED
    assert sorted(results["key"]) == sorted(f"{number}-1" for number in range(25))
    assert results["is_unprocessed"].sum() > 0
    assert results["is_success"].sum() == 25 - results["is_unprocessed"].sum()
    assert results.loc[results["is_unprocessed"], "record_id"].isna().all()


@pytest.mark.rule("F3")
def test_an_unknown_column_fails_the_job_with_its_code(gateway: SalesforceGateway) -> None:
    job, results = finished(gateway, events(3, Absent__c="x"))
    assert (job.state, job.error_code) == (JobState.FAILED, "InvalidBatch")
    assert results["is_unprocessed"].all() or results.empty
    assert not job.is_exhausted


def test_updates_and_deletes_are_known_by_their_id(gateway: SalesforceGateway) -> None:
    _, created = finished(gateway, events(5))
    rows = pd.DataFrame({"Id": created["record_id"], "Subject": "Moved [Appointment]"}).astype("str")
    _, updated = finished(gateway, rows, operation="update", key_column="Id")
    assert updated["is_success"].all()
    assert not updated["is_created"].any()
    assert sorted(updated["key"]) == sorted(created["record_id"])
    _, deleted = finished(gateway, rows[["Id"]], operation="delete", key_column="Id")
    assert deleted["is_success"].all()
    assert gateway.count("SELECT COUNT() FROM Event") == 0


@pytest.mark.rule("F4")
def test_an_empty_cell_leaves_alone_and_clear_sets_null(gateway: SalesforceGateway) -> None:
    _, created = finished(gateway, events(1, Location="Here", Description="Notes"))
    row = pd.DataFrame({"Id": created["record_id"], "Location": ["#N/A"], "Description": [None]}).astype(
        "str"
    )
    finished(gateway, row, operation="update", key_column="Id")
    stored = gateway.query_frame("SELECT Location, Description FROM Event").iloc[0]
    assert pd.isna(stored["Location"])
    assert stored["Description"] == "Notes"


def test_a_path_is_uploaded_too(gateway: SalesforceGateway, tmp_path: Path) -> None:
    (tmp_path / "part.csv").write_bytes(as_csv(events(2)).getvalue())
    job = gateway.bulk_create_job(sobject="Event", operation="upsert", external_id_field=KEY)
    assert job.state is JobState.OPEN
    gateway.bulk_upload(job.id, tmp_path / "part.csv")
    gateway.bulk_close(job.id)
    assert gateway.bulk_wait(job.id).records_processed == 2


def test_a_staged_file_is_streamed_with_its_length(gateway: SalesforceGateway, tmp_path: Path) -> None:
    staging = Staging(f"file://{tmp_path}")
    with staging.open_output("run", "load_events", "part.csv") as output:
        write_bulk_csv(events(2_500), list(events(1).columns), output)
    job = gateway.bulk_create_job(sobject="Event", operation="upsert", external_id_field=KEY)
    with staging.open_input("run", "load_events", "part.csv") as source:
        assert super_len(source) == (tmp_path / "run/load_events/part.csv").stat().st_size
        gateway.bulk_upload(job.id, source)
    gateway.bulk_close(job.id)
    assert gateway.bulk_wait(job.id).records_processed == 2_500


@pytest.mark.rule("Q4")
def test_closing_twice_does_no_harm(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.script({"type": "drop", "when": "after", "kind": "bulk_ingest_close"})
    job_id = submit(gateway, events(3))
    gateway.bulk_wait(job_id)
    assert gateway.bulk_close(job_id).state is JobState.JOB_COMPLETE
    assert gateway.count("SELECT COUNT() FROM Event") == 3


@pytest.mark.rule("Q4")
def test_an_open_job_can_be_aborted_and_has_had_no_effect(gateway: SalesforceGateway) -> None:
    job = gateway.bulk_create_job(sobject="Event", operation="upsert", external_id_field=KEY)
    gateway.bulk_upload(job.id, as_csv(events(3)))
    assert gateway.bulk_abort(job.id).state is JobState.ABORTED
    assert gateway.bulk_abort(job.id).state is JobState.ABORTED
    assert gateway.count("SELECT COUNT() FROM Event") == 0


def test_a_finished_job_is_not_aborted(gateway: SalesforceGateway) -> None:
    job, _ = finished(gateway, events(1))
    assert gateway.bulk_abort(job.id).state is JobState.JOB_COMPLETE


@pytest.mark.rule("Q4")
@pytest.mark.parametrize(
    "fault",
    [
        {"type": "respond", "status": 503, "times": 9},
        {"type": "drop", "when": "before", "times": 9},
        {"type": "expire_sessions", "times": 1},
    ],
)
def test_trouble_while_waiting_says_nothing_about_the_job(
    org: LocalOrg, gateway: SalesforceGateway, fault: dict[str, Any]
) -> None:
    org.script({**fault, "kind": "bulk_ingest_poll"})
    job_id = submit(gateway, events(3))
    assert gateway.bulk_wait(job_id).state is JobState.JOB_COMPLETE
    assert "bulk_ingest_abort" not in org.calls()
    assert org.calls()["bulk_ingest_create"] == 1


@pytest.mark.rule("Q4")
def test_a_job_that_outlasts_our_patience_is_left_running(
    org: LocalOrg, connect: Callable[..., SalesforceGateway], credentials: SalesforceCredentials
) -> None:
    impatient = connect(credentials, timeout_seconds=0.0)
    org.script({"type": "stick_job"})
    job_id = submit(impatient, events(3))
    with pytest.raises(SalesforceUnavailableError, match=job_id):
        impatient.bulk_wait(job_id)
    org.control("DELETE", "faults")
    org.control("POST", "drain")
    assert impatient.bulk_job(job_id).state is JobState.JOB_COMPLETE


@pytest.mark.rule("Q6")
def test_waiting_stops_when_the_org_is_exhausted(org: LocalOrg, gateway: SalesforceGateway) -> None:
    job_id = submit(gateway, events(3))
    org.script({"type": "exhaust_quota"})
    with pytest.raises(OrgExhaustedError):
        gateway.bulk_wait(job_id)


@pytest.mark.rule("Q4")
def test_an_upload_whose_answer_is_lost_is_either_repeated_or_declared_unknown(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    org.script({"type": "drop", "when": "after", "kind": "bulk_ingest_upload"})
    job = gateway.bulk_create_job(sobject="Event", operation="upsert", external_id_field=KEY)
    with pytest.raises(SalesforceUnavailableError, match="begin it afresh"):
        gateway.bulk_upload(job.id, as_csv(events(3)))


@pytest.mark.rule("Q6")
@pytest.mark.parametrize("fault", [{"type": "respond", "status": 503}, {"type": "expire_sessions"}])
def test_an_upload_that_did_not_arrive_is_repeated_from_its_start(
    org: LocalOrg, gateway: SalesforceGateway, fault: dict[str, Any]
) -> None:
    org.script({**fault, "kind": "bulk_ingest_upload"})
    job = gateway.bulk_wait(submit(gateway, events(30)))
    assert job.records_processed == 30


def test_a_second_upload_is_refused(gateway: SalesforceGateway) -> None:
    job = gateway.bulk_create_job(sobject="Event", operation="upsert", external_id_field=KEY)
    gateway.bulk_upload(job.id, as_csv(events(3)))
    with pytest.raises(RequestRefusedError):
        gateway.bulk_upload(job.id, as_csv(events(3)))


def test_a_job_that_salesforce_forgot_is_refused_by_name(gateway: SalesforceGateway) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        gateway.bulk_job("750000000000001AAA")
    assert refusal.value.code == "NOT_FOUND"


@pytest.mark.rule("Q6")
def test_results_that_break_off_are_fetched_again(org: LocalOrg, gateway: SalesforceGateway) -> None:
    job = gateway.bulk_wait(submit(gateway, events(40)))
    org.script({"type": "drop", "kind": "bulk_ingest_results", "times": 2})
    assert len(pd.concat(gateway.bulk_results(job.id, key_columns=(KEY,)))) == 40


def test_results_without_our_key_cannot_be_joined(gateway: SalesforceGateway) -> None:
    job = gateway.bulk_wait(submit(gateway, events(2)))
    with pytest.raises(FatalError, match="lack the column booking_key"):
        list(gateway.bulk_results(job.id, key_columns=("booking_key",)))


def test_a_bulk_query_for_a_missing_field_is_a_matter_of_configuration(gateway: SalesforceGateway) -> None:
    with pytest.raises((ConfigurationError, RequestRefusedError)):
        list(gateway.bulk_query_frame("SELECT Id, Absent__c FROM Lead"))


@pytest.mark.rule("Q8")
def test_a_job_costs_the_calls_that_the_org_counts(org: LocalOrg, gateway: SalesforceGateway) -> None:
    finished(gateway, events(3))
    assert gateway.usage.calls["bulk_ingest"] == sum(
        number for kind, number in org.calls().items() if kind.startswith("bulk_ingest")
    )
