"""Who owns the people we create (rule M11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mapping.builders import booking, staff_link
from tests.mapping.people import BANKER, USER, Around, creates, mapped, rows_of
from tests.matching.builders import client

BY_STAFF = {"new_record_owner": "booking_staff"}


def owners(around: Around | None = None, **settings: object) -> list[object]:
    found = mapped([client("1")], around=around, **settings)
    return [row["OwnerId"] or row["reason"] for row in rows_of(found.people)]


def booked(*bookings: dict[str, Any], **changes: Any) -> Around:
    return Around(bookings=bookings, staff_links=[staff_link(7, USER), staff_link(8, BANKER)], **changes)


@pytest.mark.rule("M11")
def test_a_new_person_belongs_to_the_staff_of_its_newest_booking() -> None:
    around = booked(
        booking(1, 1, staff_id="7", booked_at="2026-01-01T00:00:00Z"),
        booking(2, 1, staff_id="8", booked_at="2026-03-01T00:00:00Z"),
        booking(3, 1, staff_id="7", booked_at="2026-02-01T00:00:00Z"),
    )
    assert owners(around, **BY_STAFF) == [BANKER]


@pytest.mark.rule("M11")
def test_of_bookings_made_at_once_the_greatest_id_is_the_newest() -> None:
    around = booked(booking(9, 1, staff_id="7"), booking(10, 1, staff_id="8"))
    assert owners(around, **BY_STAFF) == [BANKER]


@pytest.mark.rule("M11")
@pytest.mark.parametrize("gone", ["booking_deleted", "attendee_deleted"])
def test_a_booking_that_is_gone_only_counts_where_there_is_no_other(gone: str) -> None:
    newest = booking(2, 1, staff_id="8", **{gone: True})
    assert owners(booked(booking(1, 1, staff_id="7"), newest), **BY_STAFF) == [USER]
    assert owners(booked(newest), **BY_STAFF) == [BANKER]


@pytest.mark.rule("M11")
@pytest.mark.rule("M8")
def test_the_bookings_of_all_client_rows_of_a_person_count() -> None:
    around = booked(booking(1, 1, staff_id="7"), booking(2, 2, staff_id="8"))
    decisions = [creates("1"), creates("2", "new:1")]
    found = mapped([client("1"), client("2")], decisions, around, **BY_STAFF)
    assert found.people["OwnerId"].tolist() == [BANKER]


@pytest.mark.rule("M11")
@pytest.mark.parametrize(
    "staff", [[], [staff_link(7, None)], [staff_link(7, BANKER, is_active=False)], [staff_link(9)]]
)
def test_without_a_usable_link_the_default_owner_owns(staff: list[dict[str, Any]]) -> None:
    around = Around(bookings=[booking(1, 1, staff_id="7")], staff_links=staff)
    assert owners(around, **BY_STAFF, default_owner=USER) == [USER]
    assert owners(around, **BY_STAFF) == [None]
    assert owners(around, **BY_STAFF, default_owner="nobody") == ["default_owner_malformed"]


@pytest.mark.rule("M11")
def test_a_default_owner_of_no_use_matters_only_to_those_who_need_it() -> None:
    around = booked(booking(1, 1, staff_id="8"))
    assert owners(around, **BY_STAFF, default_owner="nobody") == [BANKER]


@pytest.mark.rule("M11")
@pytest.mark.parametrize(
    ("entity_type", "owner"), [("lead", None), ("contact", USER), ("person_account", USER)]
)
def test_an_assignment_rule_decides_over_leads_the_default_owner_over_what_has_no_such_rules(
    entity_type: str, owner: str | None
) -> None:
    settings = {"new_record_owner": "assignment_rule", "default_owner": USER, "entity_type": entity_type}
    assert owners(**settings) == [owner]
