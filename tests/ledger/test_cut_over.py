"""What changes hands at cut-over, and on the way back, on both engines (rules G8, G9)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.errors import MigrationTakenOver
from include.ledger import contracts
from include.ledger.cut_over import CutOver
from include.ledger.repository import Ledger
from include.ledger.rolling_back import Before
from include.legacy import Phase
from include.settings.model import Integration, Settings
from tests.ledger.builders import at, frame, results, staff_links

pytestmark = [pytest.mark.rule("G8"), pytest.mark.rule("G9")]

RUN = "migration"
EVENT, OWNER, LEAD = "00U00000000000AAA0", "005000000000001AAA", "00Q000000000001AAA"


def adoptions(*rows: dict[str, Any]) -> pd.DataFrame:
    defaults = {
        "booking_key": "1-2",
        "appointment_id": "1",
        "client_id": "2",
        "event_id": EVENT,
        "who_id": LEAD,
        "owner_id": OWNER,
        "payload": '{"Coconut_Booking_Key__c":null,"Subject":"Legacy"}',
        "payload_hash": "hash",
        "settled_version": 7,
        "settled_digest": "digest",
        "adopted_digest": "digest",
        "kind": "appointment",
        "is_primary": True,
        "ends_at": at(100),
    }
    return frame(contracts.ADOPTIONS, list(rows), defaults)


def carried_people(*rows: dict[str, Any]) -> pd.DataFrame:
    defaults = {"client_id": "2", "sobject": "Lead", "record_id": LEAD, "who_id": LEAD}
    return frame(contracts.CARRIED_PEOPLE, list(rows), defaults)


def cut_over(ledger: Ledger, *adopted: dict[str, Any], staff: pd.DataFrame | None = None) -> dict[str, Any]:
    """Begin a migration and cut it over; return the facts of the phase."""
    ledger.begin_migration(RUN, who="Ada", now=at(1))
    new = CutOver(
        settings=Settings(integration=Integration.MODERN, unassigned_events_owner=OWNER),
        mappings=ledger.current_mappings().mappings,
        staff=staff_links({"set_by": "legacy"}) if staff is None else staff,
        people=carried_people({}),
        adoptions=[adoptions(*(adopted or ({},)))],
        who="Ada",
    )
    return dict(ledger.cut_over(RUN, new, now=at(2)).facts[Phase.CUT_OVER.value])


def go_back(ledger: Ledger, *gone: str) -> None:
    before = Before(Settings(integration=Integration.LEGACY), ledger.mappings_at(0).mappings, "Ada", gone)
    ledger.end_rolled_back(RUN, before, facts={}, now=at(50))


def test_cut_over_brings_everything_into_force_and_marks_adopted_pairs_to_be_read(ledger: Ledger) -> None:
    facts = cut_over(
        ledger, {}, {"booking_key": "3-4", "appointment_id": "3", "event_id": "00U00000000000AAA1"}
    )
    assert (facts["events"], facts["people"], facts["staff_links"]) == (2, 1, 1)
    assert ledger.current_settings().settings.integration is Integration.MODERN
    links = ledger.event_links(["1"])
    assert links[["event_id", "who_id", "owner_id", "settled_version"]].iloc[0].tolist() == [
        EVENT,
        LEAD,
        OWNER,
        7,
    ]
    assert links["is_adopted"].tolist() == [True]
    assert ledger.dirty_appointments(("appointment",)) == {1, 3}
    assert ledger.person_links(["2"])["evidence"].tolist() == ["legacy_event"]
    assert ledger.bound_namespace() == ""


def test_a_second_cut_over_is_none(ledger: Ledger) -> None:
    first = cut_over(ledger)
    assert cut_over(ledger, {"booking_key": "9-9", "appointment_id": "9"}) == first
    assert ledger.event_links(["9"]).empty


def test_nobody_cuts_over_without_the_lease(ledger: Ledger) -> None:
    ledger.begin_migration(RUN, who="Ada", now=at(1))
    ledger.begin_migration("other", who="Bob", now=at(2), takes_over=True)
    with pytest.raises(MigrationTakenOver):
        cut_over_as(ledger, RUN)
    assert ledger.current_settings().version == 0


def cut_over_as(ledger: Ledger, run_id: str) -> None:
    settings = Settings(integration=Integration.MODERN)
    mappings = ledger.current_mappings().mappings
    new = CutOver(settings, mappings, staff_links(), carried_people(), [adoptions({})], "Ada")
    ledger.cut_over(run_id, new, now=at(3))


def test_a_link_that_somebody_has_already_stays(ledger: Ledger) -> None:
    ledger.save_staff_links(
        staff_links({"set_by": "administrator", "salesforce_user_id": "005000000000009AAA"}), at(0)
    )
    facts = cut_over(ledger)
    assert facts["staff_links"] == 0
    assert ledger.staff_links()["set_by"].tolist() == ["administrator"]


def test_going_back_restores_settings_and_staff_and_lets_events_and_people_leave(ledger: Ledger) -> None:
    email = staff_links({"salesforce_user_id": "005000000000009AAA"})
    ledger.save_staff_links(email, at(0))
    new_and_old = staff_links({"set_by": "legacy"}, {"set_by": "legacy", "staff_id": "6"})
    cut_over(ledger, staff=new_and_old)
    go_back(ledger)
    assert ledger.staff_links().equals(email)
    assert ledger.person_links(["2"]).empty
    assert ledger.event_links(["1"])["event_id"].isna().all()
    assert ledger.carried_in_force() == {"events": 0, "staff_links": 0}
    assert ledger.current_settings().settings == Settings(integration=Integration.LEGACY)
    migration = ledger.newest_migration()
    assert migration is not None
    assert migration.phase is Phase.ROLLED_BACK
    assert migration.ended_at is not None


def test_events_since_are_those_that_neither_legacy_nor_the_ledger_had_at_cut_over(ledger: Ledger) -> None:
    own = {"booking_key": "5-5", "appointment_id": "5", "client_id": "5", "event_id": "00U00000000000AAA5"}
    made = {"booking_key": "6-6", "appointment_id": "6", "client_id": "6", "event_id": "00U00000000000AAA6"}
    write(ledger, own)
    ledger.begin_migration(RUN, who="Ada", now=at(1))
    image = {"event_id": EVENT, "booking_key": "1-2", "client_id": "2"}
    ledger.save_migration_images(1, frame(contracts.MIGRATION_IMAGES, [image], {}), taken_at=at(1))
    cut_over(ledger)
    write(ledger, made)
    since = ledger.events_since_cut_over(1, limit=10)
    assert since["booking_key"].tolist() == ["6-6"]
    go_back(ledger, "6-6")
    assert ledger.event_links(["6"])["event_id"].isna().all()
    assert ledger.event_links(["5"])["event_id"].tolist() == ["00U00000000000AAA5"]


def write(ledger: Ledger, row: dict[str, Any]) -> None:
    ledger.record_event_results("run-1", results(row), settings_version=0, mapping_version=0, now=at(5))


def labelled(**row: Any) -> pd.DataFrame:
    defaults = {
        "booking_key": "1-2",
        "event_id": EVENT,
        "payload": "labelled",
        "payload_hash": "other",
        "source_version": 7,
    }
    return frame(contracts.LABELLED_EVENTS, [row], defaults)


def test_a_label_is_noted_as_what_the_event_holds_and_the_pair_stays_unwritten(ledger: Ledger) -> None:
    cut_over(ledger)
    ledger.note_labels(labelled(), now=at(4))
    links = ledger.event_links(["1"])
    assert links["payload"].tolist() == ["labelled"]
    assert links["is_adopted"].tolist() == [True]


def test_a_label_beside_a_newer_claim_leaves_unknown_what_the_event_holds(ledger: Ledger) -> None:
    cut_over(ledger)
    pair = {"booking_key": "1-2", "appointment_id": "1", "client_id": "2", "kind": "appointment"}
    newer = frame(contracts.PAIRS_TO_CLAIM, [{**pair, "source_version": 8}], {})
    ledger.claim_versions("sync", newer)
    ledger.note_labels(labelled(), now=at(4))
    assert ledger.event_links(["1"])["payload"].isna().all()
    assert 1 in ledger.dirty_appointments(("appointment",))
