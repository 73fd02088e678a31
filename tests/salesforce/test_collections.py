from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from include.errors import (
    ConfigurationError,
    FrameContractError,
    OrgExhaustedError,
    SalesforceUnavailableError,
)
from include.frames import RESULTS
from include.salesforce.gateway import SalesforceGateway
from tests.local_org import LocalOrg

KEY = "Coconut_Booking_Key__c"
CLIENT_KEY = "Coconut_Client_Key__c"


def wire(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype("str")


def events(count: int, **fields: str) -> pd.DataFrame:
    times = {"StartDateTime": "2026-03-01T09:00:00.000Z", "EndDateTime": "2026-03-01T10:00:00.000Z"}
    return wire(
        [
            {KEY: f"{number}-1", "Subject": f"Visit {number} [Walk-In]", **times, **fields}
            for number in range(count)
        ]
    )


def leads(count: int) -> pd.DataFrame:
    return wire(
        [
            {CLIENT_KEY: f"key-{number}", "LastName": f"Lead {number}", "Company": "-"}
            for number in range(count)
        ]
    )


def collected(frames: Iterator[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def test_rows_travel_200_a_call_and_results_come_call_by_call(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    frames = list(
        gateway.write_collections("upsert", "Event", events(450), key_column=KEY, external_id_field=KEY)
    )
    assert [len(frame) for frame in frames] == [200, 200, 50]
    assert all(
        frame.dtypes.astype("str").to_dict() == RESULTS.empty().dtypes.astype("str").to_dict()
        for frame in frames
    )
    results = pd.concat(frames)
    assert results["is_success"].all()
    assert results["is_created"].all()
    assert results["key"].tolist() == [f"{number}-1" for number in range(450)]
    assert org.calls()["collections_upsert"] == 3
    stored = gateway.query_frame(f"SELECT Id, {KEY} FROM Event")
    assert dict(zip(stored[KEY], stored["Id"], strict=True)) == dict(
        zip(results["key"], results["record_id"], strict=True)
    )


@pytest.mark.rule("Q4")
def test_what_is_upserted_twice_lands_once(gateway: SalesforceGateway) -> None:
    rows = events(3)
    once = collected(
        gateway.write_collections("upsert", "Event", rows, key_column=KEY, external_id_field=KEY)
    )
    twice = collected(
        gateway.write_collections("upsert", "Event", rows, key_column=KEY, external_id_field=KEY)
    )
    assert twice["record_id"].tolist() == once["record_id"].tolist()
    assert not twice["is_created"].any()
    assert gateway.count("SELECT COUNT() FROM Event") == 3


@pytest.mark.rule("F4")
def test_an_update_carries_what_is_there_clears_what_says_so_and_leaves_the_rest(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    (event,) = org.seed(
        "Event",
        {
            "Subject": "Before",
            "Location": "Here",
            "Description": "Notes",
            "StartDateTime": "2026-03-01T09:00:00Z",
            "EndDateTime": "2026-03-01T10:00:00Z",
        },
    )
    row = pd.DataFrame(
        {
            "booking_key": ["7-1"],
            "Id": [event],
            "Subject": ["After"],
            "Location": ["#N/A"],
            "Description": [None],
        }
    )
    results = collected(
        gateway.write_collections("update", "Event", row.astype("str"), key_column="booking_key")
    )
    assert results[["key", "record_id", "is_success", "is_created"]].iloc[0].tolist() == [
        "7-1",
        event,
        True,
        False,
    ]
    stored = gateway.query_frame("SELECT Subject, Location, Description FROM Event").iloc[0]
    assert (stored["Subject"], stored["Description"]) == ("After", "Notes")
    assert pd.isna(stored["Location"])


def test_an_update_may_be_known_by_its_id(org: LocalOrg, gateway: SalesforceGateway) -> None:
    (lead,) = org.seed("Lead", {"LastName": "Before", "Company": "-"})
    row = wire([{"Id": lead, "LastName": "After", "not_sent": "x"}])
    results = collected(
        gateway.write_collections("update", "Lead", row, key_column="Id", fields=("LastName",))
    )
    assert results["error_code"].isna().all()
    assert results["key"].tolist() == [lead]
    assert gateway.query_frame("SELECT LastName FROM Lead")["LastName"].tolist() == ["After"]


def test_booleans_and_numbers_travel_as_such(org: LocalOrg, gateway: SalesforceGateway) -> None:
    rows = events(2, IsAllDayEvent="false", DurationInMinutes="60", Coconut_Is_Primary__c="true").drop(
        columns="EndDateTime"
    )
    results = collected(
        gateway.write_collections("upsert", "Event", rows, key_column=KEY, external_id_field=KEY)
    )
    assert results["is_success"].all()
    stored = gateway.query_frame("SELECT DurationInMinutes, IsAllDayEvent, Coconut_Is_Primary__c FROM Event")
    assert stored.iloc[0].tolist() == ["60", "false", "true"]


@pytest.mark.rule("S9")
def test_deleting_goes_by_id_and_says_when_a_record_was_gone_already(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    ids = org.seed("Lead", *({"LastName": f"Lead {number}", "Company": "-"} for number in range(2)))
    rows = wire([{"booking_key": f"{number}-1", "Id": record_id} for number, record_id in enumerate(ids)])
    first = collected(gateway.write_collections("delete", "Lead", rows, key_column="booking_key"))
    again = collected(gateway.write_collections("delete", "Lead", rows, key_column="booking_key"))
    assert first["is_success"].all()
    assert again["error_code"].tolist() == ["ENTITY_IS_DELETED"] * 2
    assert again["key"].tolist() == ["0-1", "1-1"]


def test_a_refused_row_tells_code_and_fields_and_leaves_its_neighbours(gateway: SalesforceGateway) -> None:
    rows = leads(3)
    rows.loc[1, "LastName"] = "#N/A"
    results = collected(gateway.write_collections("insert", "Lead", rows, key_column=CLIENT_KEY))
    assert results["is_success"].tolist() == [True, False, True]
    assert results.loc[1, ["error_code", "error_fields"]].tolist() == ["REQUIRED_FIELD_MISSING", "LastName"]
    assert pd.isna(results.loc[1, "record_id"])
    assert results["is_created"].tolist() == [True, False, True]


@pytest.mark.rule("Q6")
def test_only_the_rows_that_met_a_lock_are_sent_again(
    org: LocalOrg, gateway: SalesforceGateway, waits: list[float]
) -> None:
    org.script({"type": "lock_rows", "sobject": "Event", "field": KEY, "values": ["3-1", "5-1"], "times": 2})
    frames = list(
        gateway.write_collections("upsert", "Event", events(8), key_column=KEY, external_id_field=KEY)
    )
    assert [frame["key"].tolist() for frame in frames] == [
        ["0-1", "1-1", "2-1", "4-1", "6-1", "7-1"],
        ["3-1", "5-1"],
    ]
    assert pd.concat(frames)["is_success"].all()
    assert len(waits) == 2
    assert org.calls()["collections_upsert"] == 3


@pytest.mark.rule("Q6")
def test_a_lock_that_lasts_is_reported_with_its_code(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.script({"type": "lock_rows", "sobject": "Event", "field": KEY, "values": ["0-1"], "times": None})
    results = collected(
        gateway.write_collections("upsert", "Event", events(1), key_column=KEY, external_id_field=KEY)
    )
    assert results["error_code"].tolist() == ["UNABLE_TO_LOCK_ROW"]
    assert org.calls()["collections_upsert"] == 4


@pytest.mark.rule("Q4")
@pytest.mark.parametrize("fault", [{"type": "respond", "status": 503}, {"type": "drop", "when": "after"}])
def test_an_unanswered_upsert_is_sent_again_and_lands_once(
    org: LocalOrg, gateway: SalesforceGateway, fault: dict[str, object]
) -> None:
    org.script({**fault, "kind": "collections_upsert"})
    results = collected(
        gateway.write_collections("upsert", "Event", events(2), key_column=KEY, external_id_field=KEY)
    )
    assert results["is_success"].all()
    assert gateway.count("SELECT COUNT() FROM Event") == 2


@pytest.mark.rule("M8")
def test_an_unanswered_insert_with_a_unique_key_says_that_it_had_landed(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    org.script({"type": "drop", "when": "after", "kind": "collections_create"})
    results = collected(
        gateway.write_collections(
            "insert", "Lead", leads(2), key_column=CLIENT_KEY, external_id_field=CLIENT_KEY
        )
    )
    assert results["error_code"].tolist() == ["DUPLICATE_VALUE"] * 2
    assert gateway.count("SELECT COUNT() FROM Lead") == 2


@pytest.mark.rule("Q4")
def test_an_unanswered_insert_without_a_unique_key_is_not_sent_again(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    org.script({"type": "drop", "when": "after", "kind": "collections_create"})
    rows = leads(2).drop(columns=CLIENT_KEY).assign(person_ref=["a", "b"])
    with pytest.raises(SalesforceUnavailableError):
        collected(gateway.write_collections("insert", "Lead", rows, key_column="person_ref"))
    assert gateway.count("SELECT COUNT() FROM Lead") == 2


@pytest.mark.rule("Q6")
def test_an_exhausted_org_stops_the_load_and_keeps_what_was_yielded(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    frames = gateway.write_collections("upsert", "Event", events(250), key_column=KEY, external_id_field=KEY)
    assert len(next(frames)) == 200
    org.script({"type": "exhaust_quota"})
    with pytest.raises(OrgExhaustedError):
        next(frames)


@pytest.mark.rule("F3")
def test_a_column_that_is_no_field_of_the_org_is_named(gateway: SalesforceGateway) -> None:
    rows = leads(1).assign(Absent__c="x")
    with pytest.raises(ConfigurationError, match="no field Absent__c on Lead"):
        collected(gateway.write_collections("insert", "Lead", rows, key_column=CLIENT_KEY))


@pytest.mark.parametrize(
    ("operation", "column"), [("update", "Id"), ("delete", "Id"), ("upsert", CLIENT_KEY)]
)
def test_rows_without_what_the_operation_goes_by_are_refused_before_any_call(
    gateway: SalesforceGateway, operation: Any, column: str
) -> None:
    rows = wire([{"person_ref": "a", "LastName": "x"}])
    with pytest.raises(FrameContractError, match=f"need a value in the column {column}"):
        collected(
            gateway.write_collections(
                operation, "Lead", rows, key_column="person_ref", external_id_field=CLIENT_KEY
            )
        )
    assert "collections" not in gateway.usage.calls


def test_no_rows_make_no_call(gateway: SalesforceGateway) -> None:
    assert list(gateway.write_collections("insert", "Lead", leads(2).head(0), key_column=CLIENT_KEY)) == []
    assert "collections" not in gateway.usage.calls
