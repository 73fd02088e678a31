"""A field returns only where Salesforce still holds what we wrote; every other difference is listed (rule G9)."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from include.frames import CLEAR
from include.mapping.plan import BOOKING_KEY
from include.migration.before_images import IMAGED_EVENTS, NotRestored, Restoration, Restoring, restore

pytestmark = pytest.mark.rule("G9")

NAMES = (BOOKING_KEY, "Subject", "Location")
BEFORE = {BOOKING_KEY: None, "Subject": "Legacy", "Location": None}
OURS = {BOOKING_KEY: "1-2", "Subject": "Ours [Appointment]", "Location": None}
USER, OTHER, LEAD, CONTACT = "005A", "005B", "00QA", "003A"


def event(**changes: Any) -> pd.DataFrame:
    row = {
        "booking_key": "1-2",
        "event_id": "00U1",
        "known_event_id": "00U1",
        "before_who_id": LEAD,
        "before_owner_id": USER,
        "image": json.dumps(BEFORE),
        "known_who_id": LEAD,
        "known_owner_id": USER,
        "payload": json.dumps(OURS),
    }
    return IMAGED_EVENTS.conform(pd.DataFrame([row | changes]))


def org(**changes: Any) -> pd.DataFrame:
    row = {"is_found": True, "is_deleted": False, "WhoId": LEAD, "OwnerId": USER, **OURS}
    frame = pd.DataFrame([row | changes])
    names = [name for name in frame if not str(name).startswith("is_")]
    return frame.astype(dict.fromkeys(names, "str"))


def go_back(events: pd.DataFrame, held: pd.DataFrame, **terms: Any) -> Restoration:
    live = {"active_owners": frozenset({USER}), "live_people": frozenset({LEAD}), **terms}
    return restore(events, held, Restoring(names=NAMES, facts={}, **live))


def sent(found: Restoration) -> dict[str, str]:
    (row,) = found.wire.to_dict("records")
    return {
        str(name): value
        for name, value in row.items()
        if isinstance(value, str) and name not in ("Id", "booking_key")
    }


def listed(found: Restoration) -> set[tuple[str | None, str]]:
    rows = found.exceptions
    return set(
        zip(rows["field"].astype(object).where(rows["field"].notna(), None), rows["reason"], strict=True)
    )


def test_what_we_wrote_returns_and_what_was_empty_is_emptied() -> None:
    found = go_back(event(), org())
    assert sent(found) == {BOOKING_KEY: CLEAR, "Subject": "Legacy"}
    assert not listed(found)


def test_what_is_as_before_is_not_sent_again() -> None:
    found = go_back(event(), org(**BEFORE))
    assert found.wire.empty
    assert found.is_as_before == 2
    assert not listed(found)


def test_what_a_user_changed_stays_and_is_listed() -> None:
    found = go_back(event(), org(Subject="A user's", Location="Upstairs"))
    assert sent(found) == {BOOKING_KEY: CLEAR}
    assert listed(found) == {(name, NotRestored.CHANGED_IN_SALESFORCE) for name in ("Subject", "Location")}


def test_an_event_that_we_never_wrote_is_left_alone() -> None:
    found = go_back(event(payload=json.dumps(BEFORE)), org(**{**BEFORE, "Subject": "A user's"}))
    assert found.wire.empty
    assert listed(found) == {("Subject", NotRestored.CHANGED_IN_SALESFORCE)}


def test_owner_and_person_return_where_they_are_still_ours() -> None:
    found = go_back(event(known_owner_id=OTHER, known_who_id=CONTACT), org(OwnerId=OTHER, WhoId=CONTACT))
    assert {name: sent(found)[name] for name in ("OwnerId", "WhoId")} == {"OwnerId": USER, "WhoId": LEAD}


def test_an_owner_who_is_not_active_any_more_is_not_put_back() -> None:
    found = go_back(event(known_owner_id=OTHER), org(OwnerId=OTHER), active_owners=frozenset())
    assert "OwnerId" not in sent(found)
    assert listed(found) == {("OwnerId", NotRestored.OWNER_INACTIVE)}


def test_an_event_stays_with_whom_its_person_became() -> None:
    found = go_back(event(known_who_id=CONTACT), org(WhoId=CONTACT), live_people=frozenset())
    assert "WhoId" not in sent(found)
    assert listed(found) == {("WhoId", NotRestored.PERSON_MOVED_ON)}


@pytest.mark.parametrize(
    ("known", "reason"),
    [("00U1", NotRestored.DELETED_IN_SALESFORCE), (None, NotRestored.DELETED_BY_SYNC)],
)
def test_an_event_that_is_gone_stays_so_and_is_listed(known: str | None, reason: NotRestored) -> None:
    found = go_back(event(known_event_id=known), org(is_deleted=True))
    assert found.wire.empty
    assert listed(found) == {(None, reason)}


def test_where_nobody_knows_what_was_written_only_our_own_fields_are_emptied() -> None:
    found = go_back(event(payload=None), org())
    assert sent(found) == {BOOKING_KEY: CLEAR}
    assert listed(found) == {("Subject", NotRestored.CHANGED_IN_SALESFORCE)}


@pytest.mark.rule("Q11")
def test_nothing_is_put_back_of_a_client_who_was_erased() -> None:
    found = go_back(event(image=None), org())
    assert found.wire.empty
    assert listed(found) == {(None, NotRestored.CLIENT_ERASED)}
