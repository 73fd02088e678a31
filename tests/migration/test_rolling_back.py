"""Parity, the end of a migration, and the way back (rules G9, G10)."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError, MigrationTakenOver
from include.ledger.reports import ReportKind
from include.legacy import Phase
from include.migration.finalise import finalise, is_finalisable
from include.migration.label_events import label_events
from include.migration.parity import prove_parity
from include.migration.resume import resume_syncs
from include.migration.roll_back import roll_back
from include.settings.model import Integration
from tests.migration.legacy_world import LegacyWorld
from tests.migration.stages import RUN, migration_run, stage, until_review, until_synced

pytestmark = pytest.mark.rule("G9")

STAMPS = {"LastModifiedDate", "SystemModstamp", "LastModifiedById"}


def go_back(world: LegacyWorld, **conf: Any) -> dict[str, Any]:
    return stage(world, roll_back, run_id="back", rollback=True, **conf)


def exceptions(world: LegacyWorld) -> set[tuple[str, str, str]]:
    listed = world.staging.read_frame("back", "roll_back", "exceptions")
    return set(zip(listed["event_id"], listed["field"].fillna(""), listed["reason"], strict=True))


def values(events: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what Events hold, but for who changed them when."""
    return {key: {name: event[name] for name in event if name not in STAMPS} for key, event in events.items()}


def until_proved(world: LegacyWorld, **choices: str) -> dict[str, Any]:
    until_synced(world, **{"relabel_legacy_events": "upcoming", **choices})
    stage(world, label_events)
    return stage(world, prove_parity)


def test_parity_is_proved_by_count_and_checksum_and_offers_the_catch_up(legacy: LegacyWorld) -> None:
    report = until_proved(legacy)
    carried = report["carried_events"]
    assert carried["count"] == len(legacy.carried_keys)
    assert report["events_in_place"] == carried
    assert report["findings"]["duplicate"] == 0
    assert report["event_link"]["adds_up"]
    assert sum(report["catch_up"].values()) > 0
    kept = legacy.ledger.report(RUN, ReportKind.MIGRATION_PARITY)
    assert kept is not None
    assert kept.summary == report


@pytest.mark.rule("G10")
def test_the_flag_switched_off_closes_the_migration_and_nobody_goes_back_then(legacy: LegacyWorld) -> None:
    until_proved(legacy)
    assert not is_finalisable(migration_run(legacy), legacy.wiring())
    with pytest.raises(ConfigurationError, match="switched off"):
        stage(legacy, finalise)
    legacy.offer_upgrade(is_on=False)
    assert is_finalisable(migration_run(legacy), legacy.wiring())
    stage(legacy, finalise)
    assert stage(legacy, finalise)["before_images"] > 0
    with pytest.raises(ConfigurationError, match="finalised"):
        go_back(legacy)


def test_going_back_before_cut_over_ends_the_migration_and_takes_the_lease(legacy: LegacyWorld) -> None:
    until_review(legacy)
    before = legacy.all_events()
    result = go_back(legacy)
    assert result["phase"] == Phase.REVIEWED
    assert result["in_force"]["events"] == 0
    assert legacy.all_events() == before
    assert legacy.ledger.current_settings().version == 0
    with pytest.raises(MigrationTakenOver):
        legacy.ledger.held_migration(RUN)


def test_going_back_restores_every_event_that_nobody_else_touched(legacy: LegacyWorld) -> None:
    before = legacy.all_events()
    until_proved(legacy, stamp_legacy_events="all")
    result = go_back(legacy)
    assert values(legacy.all_events()) == values(before)
    assert result["restored"] > 0
    assert result["exceptions"] == {}
    assert result["in_force"] == {**result["in_force"], "events": 0, "staff_links": 0}
    assert legacy.ledger.current_settings().settings.integration is Integration.LEGACY
    assert go_back(legacy) == result


def test_what_users_changed_converted_and_deleted_stays_and_is_listed(legacy: LegacyWorld) -> None:
    until_proved(legacy)
    edited, deleted, *others = legacy.upcoming()
    converted = next(key for key in others if legacy.people.get(legacy.client_of(key), "").startswith("00Q"))
    legacy.user_edits(edited, Subject="Ours now")
    legacy.user_deletes(deleted)
    legacy.user_converts(legacy.client_of(converted))
    go_back(legacy)
    listed = exceptions(legacy)
    assert (legacy.event_ids[edited], "Subject", "changed_in_salesforce") in listed
    assert (legacy.event_ids[deleted], "", "deleted_in_salesforce") in listed
    assert (legacy.event_ids[converted], "WhoId", "person_moved_on") in listed
    assert legacy.event_of(edited)["Subject"] == "Ours now"
    assert legacy.event_of(edited)["Coconut_Booking_Key__c"] is None


@pytest.mark.parametrize("choice", ["left", "deleted", "exported"])
def test_events_made_since_are_left_deleted_or_exported_as_legacy_links(
    legacy: LegacyWorld, choice: str
) -> None:
    until_synced(legacy)
    client_id = legacy.client_of(legacy.carried_keys[0])
    legacy.booking(900_002, client_id, staff_id=min(legacy.users))
    legacy.sync()
    made = legacy.event(f"900002-{client_id}")
    result = go_back(legacy, events_since=choice)
    assert result["events_since"]["made"] == 1
    still_there = made["Id"] in {event["Id"] for event in legacy.events()}
    assert still_there is (choice != "deleted")
    if choice == "exported":
        with legacy.staging.open_input("back", "roll_back", result["exported_as"]) as exported:
            text = exported.read().decode()
        assert text.splitlines()[1:] == [f'"900002","{client_id}","{made["Id"]}"']


def test_a_booking_edited_since_cut_over_reaches_its_legacy_event_after_going_back(
    legacy: LegacyWorld,
) -> None:
    until_synced(legacy)
    key = legacy.upcoming()[0]
    starts_at = legacy.event_of(key)["StartDateTime"]
    row = next(one for one in legacy.plan.bookings if one["id"] == legacy.booking_of(key))
    later = {name: row[name] + (row["ends_at"] - row["starts_at"]) for name in ("starts_at", "ends_at")}
    legacy.edit(legacy.booking_of(key), **later)
    legacy.sync()
    go_back(legacy)
    assert legacy.event_of(key)["StartDateTime"] == starts_at
    legacy.sync()
    assert legacy.event_of(key)["StartDateTime"] != starts_at
    assert legacy.event_of(key)["Coconut_Booking_Key__c"] is None


@pytest.mark.rule("G8")
def test_syncs_that_legacy_activity_stopped_go_on_with_the_links_made_since(legacy: LegacyWorld) -> None:
    until_synced(legacy)
    key = legacy.legacy_books(900_003, legacy.client_of(legacy.carried_keys[0]), staff_id=min(legacy.users))
    with pytest.raises(ConfigurationError, match="legacy integration is at work"):
        legacy.sync()
    result = stage(legacy, resume_syncs, run_id="again", resume=True)
    assert (result["found"], result["adopted"]) == (1, 1)
    before = legacy.event_of(key)
    legacy.sync()
    assert legacy.event_of(key) == before
    assert stage(legacy, prove_parity)["findings"]["duplicate"] == 0
