"""Clients keep the record that all their legacy Events stand on (rules M1, M7)."""

from __future__ import annotations

import pandas as pd
import pytest

from include.migration.carried_people import agreed_people

pytestmark = [pytest.mark.rule("M1"), pytest.mark.rule("G8")]

RECORDS = pd.DataFrame(
    {
        "fate": ["live", "followed", "live", "deleted", "live"],
        "sobject": ["Lead", "Contact", "Contact", None, "Account"],
        "target_id": ["00QA", "003A", "003A", None, "001A"],
        "who_id": ["00QA", "003A", "003A", None, "003P"],
    },
    index=["00QA", "00QB", "003A", "003D", "003P"],
).astype("str")


def agreed(*rows: tuple[str, str]) -> dict[str, str]:
    standing = pd.DataFrame(rows, columns=["client_id", "who_id"], dtype="str")
    found = agreed_people(standing, RECORDS)
    return dict(zip(found["client_id"], found["record_id"], strict=True))


def test_a_client_whose_events_agree_is_that_record() -> None:
    assert agreed(("1", "00QA"), ("2", "003A")) == {"1": "00QA", "2": "003A"}


def test_a_client_whose_events_stand_on_two_people_is_nobody() -> None:
    assert agreed(("1", "00QA"), ("1", "003A")) == {}


@pytest.mark.rule("M7")
def test_a_lead_and_the_contact_it_became_are_one_person() -> None:
    assert agreed(("1", "00QB"), ("1", "003A")) == {"1": "003A"}


@pytest.mark.rule("M7")
def test_a_record_that_is_gone_says_nothing() -> None:
    assert agreed(("1", "003D"), ("1", "00QA"), ("2", "003D")) == {"1": "00QA"}


@pytest.mark.rule("M4")
def test_the_contact_of_a_person_account_stands_for_its_account() -> None:
    assert agreed(("1", "003P")) == {"1": "001A"}
