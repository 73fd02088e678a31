"""What another run wrote after this run planned its own write (rules S12, Q4)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.frames import CLEAR, TEXT
from include.mapping.overlapping_writes import is_no_longer_so, with_missed_fields
from include.mapping.plan import BOOKING_KEY, OWNER, PERSON, format_payloads

pytestmark = pytest.mark.rule("Q4")

NAMES = [BOOKING_KEY, "Subject", "Location"]


def payload(**fields: str | None) -> str:
    values = {BOOKING_KEY: "1-7", "Subject": "Cut", "Location": None, **fields}
    return str(format_payloads(pd.DataFrame([values], dtype=TEXT)).iloc[0])


def rows(*, wire: dict[str, str] | None = None, **values: str | None) -> pd.DataFrame:
    """Return one pair that sends ``wire``."""
    row: dict[str, Any] = dict.fromkeys([*NAMES, PERSON, OWNER])
    row |= {"payload": payload(), "desired_who_id": "003A", "desired_owner_id": "005A"}
    return pd.DataFrame([row | (wire or {}) | values], dtype=TEXT)


def links(**values: str | None) -> pd.DataFrame:
    row = {"payload": payload(), "who_id": "003A", "owner_id": "005A", "event_id": "00UA"}
    return pd.DataFrame([row | values], dtype=TEXT)


def sent(planned: pd.DataFrame, known: pd.DataFrame) -> dict[str, str]:
    """Return the fields that travel."""
    return with_missed_fields(planned, known, names=NAMES).iloc[0].dropna().to_dict()


def test_nothing_is_added_where_the_ledger_still_says_what_the_plan_was_made_of() -> None:
    assert sent(rows(wire={"Subject": "Cut"}), links(payload=payload(Subject="Colour"))) == {"Subject": "Cut"}
    assert not is_no_longer_so(rows(), links(), names=NAMES).any()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param({"payload": payload(Subject="Colour")}, {"Subject": "Cut"}, id="another value"),
        pytest.param(
            {"payload": payload(Location="Main Street")}, {"Location": CLEAR}, id="a value that is empty now"
        ),
        pytest.param({"owner_id": "005B"}, {OWNER: "005A"}, id="another owner"),
        pytest.param({"who_id": "003B"}, {PERSON: "003A"}, id="another person"),
    ],
)
def test_what_another_run_wrote_is_written_over(known: dict[str, str], expected: dict[str, str]) -> None:
    assert sent(rows(), links(**known)) == expected
    assert is_no_longer_so(rows(), links(**known), names=NAMES).all()


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"payload": None}, id="nobody knows what was written"),
        pytest.param({"who_id": None, "owner_id": None}, id="nobody knows whose it is"),
    ],
)
def test_what_is_unknown_is_left_to_the_mark_that_says_so(known: dict[str, str | None]) -> None:
    assert sent(rows(), links(**known)) == {}


def test_a_pair_whose_event_is_gone_stays_as_it_is() -> None:
    assert not is_no_longer_so(
        rows(), links(payload=payload(Subject="Colour"), event_id=None), names=NAMES
    ).any()


@pytest.mark.rule("S12")
def test_a_field_that_is_mapped_no_more_makes_no_difference() -> None:
    known = links(payload=payload(Subject="Cut", Description="old"))
    assert not is_no_longer_so(rows(), known, names=NAMES).any()
