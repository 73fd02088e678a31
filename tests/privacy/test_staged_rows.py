"""Rows about a person are told by any column that names them, in every kind of file; the others stay as they were."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from include.ledger.erasing import ClientTraces
from include.privacy.staged_rows import Subjects, remove_rows
from include.staging import Staging

pytestmark = pytest.mark.rule("Q11")

RUN, STAGE = "run-1", "match_people"

SEVEN = Subjects.of(
    [
        ClientTraces(
            client_id="7",
            appointment_ids=frozenset({"12"}),
            booking_keys=frozenset({"eu:12-7"}),
            record_ids=frozenset({"00Q000000000001AAA"}),
            event_ids=frozenset({"00U000000000001AAA"}),
            claim_keys=frozenset({"eu:7"}),
            also_linked=(),
        )
    ]
)


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(f"file://{tmp_path}/staged")


@pytest.mark.parametrize(
    ("column", "theirs", "others"),
    [
        ("client_id", ["7"], ["70", "12", None]),
        ("appointment_id", ["12"], ["7", "120"]),
        ("booking_key", ["eu:12-7", "eu:12-8", "eu:12-"], ["12-7", "eu:120-7", "eu:1-12"]),
        ("key", ["eu:12-7", "00Q000000000001AAA", "eu:7"], ["12", "eu:12", "new:70"]),
        ("person_ref", ["new:7", "00Q000000000001AAA"], ["new:70", "7"]),
        ("record_id", ["00Q000000000001AAA"], ["00Q000000000002AAA", None]),
        ("WhoId", ["00Q000000000001AAA"], ["7"]),
        ("event_id", ["00U000000000001AAA"], [None]),
        ("Coconut_Client_Key__c", ["eu:7"], ["7", "eu:70"]),
        ("City", [], ["7", "12", "eu:12-7"]),
    ],
)
def test_a_row_goes_where_a_column_names_the_person_or_their_booking(
    staging: Staging, column: str, theirs: list[str], others: list[str | None]
) -> None:
    frame = pd.DataFrame({column: pd.Series([*theirs, *others], dtype="str"), "Phone": "416"})
    staging.write_frame(RUN, STAGE, "frame", frame)

    assert remove_rows(staging, RUN, SEVEN) == len(theirs)

    left = staging.read_frame(RUN, STAGE, "frame")
    pd.testing.assert_frame_equal(left, frame.iloc[len(theirs) :].reset_index(drop=True))


def test_a_csv_file_loses_the_row_and_keeps_quoted_lines_of_others(staging: Staging) -> None:
    text = 'Coconut_Booking_Key__c,Description\neu:12-7,gone\neu:13-8,"kept, ""so""\nit is"\n'
    with staging.open_output(RUN, STAGE, "sent.csv") as file:
        file.write(text.encode())

    assert remove_rows(staging, RUN, SEVEN) == 1

    with staging.open_input(RUN, STAGE, "sent.csv") as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode())))
    assert rows == [{"Coconut_Booking_Key__c": "eu:13-8", "Description": 'kept, "so"\nit is'}]


def test_a_json_file_loses_objects_in_lists_however_deep(staging: Staging) -> None:
    staging.write_json(RUN, STAGE, "rows", {"a": [{"client_id": "7"}, {"client_id": "8"}], "clients": [7, 8]})

    assert remove_rows(staging, RUN, SEVEN) == 1

    assert staging.read_json(RUN, STAGE, "rows") == {"a": [{"client_id": "8"}], "clients": [7, 8]}


def test_lists_that_no_column_parts_by_client_are_emptied_where_the_run_was_about_the_person(
    staging: Staging,
) -> None:
    companies = pd.DataFrame({"account_id": ["001000000000001AAA"], "name": ["Seven's Works"]})
    for run_id, client_id in ((RUN, "7"), ("run-2", "8")):
        staging.write_frame(run_id, STAGE, "company_accounts", companies)
        staging.write_frame(run_id, STAGE, "clients", pd.DataFrame({"client_id": [client_id]}))
        remove_rows(staging, run_id, SEVEN)

    assert list(staging.read_frame(RUN, STAGE, "company_accounts").columns) == ["account_id", "name"]
    assert len(staging.read_frame(RUN, STAGE, "company_accounts")) == 0
    assert len(staging.read_frame("run-2", STAGE, "company_accounts")) == 1


def test_files_without_a_row_of_theirs_are_not_written_again(staging: Staging) -> None:
    staging.write_frame(RUN, STAGE, "others", pd.DataFrame({"client_id": ["8"]}))
    before = staging.files(RUN)

    assert remove_rows(staging, RUN, SEVEN) == 0

    assert staging.files(RUN) == before


def test_counting_leaves_every_file_alone(staging: Staging) -> None:
    staging.write_frame(RUN, STAGE, "theirs", pd.DataFrame({"client_id": ["7", "8"]}))

    assert remove_rows(staging, RUN, SEVEN, only_count=True) == 1

    assert len(staging.read_frame(RUN, STAGE, "theirs")) == 2
