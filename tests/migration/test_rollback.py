"""There is a way back: exact before cut-over, and as far as nobody else wrote meanwhile after it (rule G9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.legacy import Phase
from include.pipeline.context import Selection
from include.settings.model import Integration
from tests.migration.conftest import BuildLegacy
from tests.migration.legacy_plan import healthy_staff
from tests.migration.legacy_state import differences, legacy_state
from tests.migration.legacy_world import LegacyWorld
from tests.migration.migrating import Migration, prefixes, roll_back_from

pytestmark = pytest.mark.rule("G9")

DAY = timedelta(days=1)


def test_going_back_after_any_step_before_cut_over_leaves_everything_row_by_row(
    build_legacy: BuildLegacy,
) -> None:
    world = build_legacy(events=24, unlinked=1)
    before = legacy_state(world)
    for number, stages in enumerate(prefixes()):
        migration = Migration(world, f"migration{number}")
        for stage in stages:
            migration.do(stage)
            assert differences(before, legacy_state(world)) == [], stage
        roll_back_from(world, f"rollback{number}")
        assert migration.phase is Phase.ROLLED_BACK
        assert differences(before, legacy_state(world)) == [], f"after {stages[-1]}"


def test_what_users_do_while_a_migration_waits_stays_when_it_goes_back(legacy: LegacyWorld) -> None:
    migration = Migration(legacy)
    migration.go(until="carry_over")
    key = legacy.upcoming()[0]
    legacy.user_edits(key, Subject="A user's", Location="Upstairs")
    legacy.legacy_books(500_000, legacy.client_of(key), staff_id=1)
    before = legacy_state(legacy)
    migration.go(since="verify", until="inventory_again")
    roll_back_from(legacy)
    assert differences(before, legacy_state(legacy)) == []


MOVED_BY_CONVERSION = ("AccountId", "WhatId")
"""What Salesforce itself sets on the activities of a Lead that is converted; no sync writes it."""

AUDIT = frozenset({"LastModifiedDate", "SystemModstamp", "LastModifiedById", "attributes"})


def changed_fields(before: dict[str, Any], now: dict[str, Any]) -> set[str]:
    return {name for name in before if name not in AUDIT and before[name] != now[name]}


@pytest.mark.parametrize("choice", ["left", "deleted", "exported"])
def test_after_cut_over_each_difference_that_stays_is_listed_and_no_other(
    build_legacy: BuildLegacy, choice: str
) -> None:
    world = build_legacy(events=40, converted=1)
    before = world.all_events()
    Migration(world, conf={"relabel_legacy_events": "all", "stamp_legacy_events": "upcoming"}).go()
    made = what_happens_meanwhile(world)
    people = {sobject: {row["Id"] for row in world.org.records(sobject)} for sobject in ("Lead", "Contact")}

    roll_back_from(world, events_since=choice)

    listed = world.staging.read_frame("rollback", "roll_back", "exceptions")
    told = {
        (str(event_id), str(name))
        for event_id, name in zip(listed["event_id"], listed["field"].fillna(""), strict=True)
    }
    now = world.all_events()
    stays = {
        (event_id, name)
        for event_id, row in before.items()
        for name in changed_fields(row, now[event_id])
        if not now[event_id]["IsDeleted"]
    } | {
        (event_id, "")
        for event_id, row in before.items()
        if now[event_id]["IsDeleted"] and not row["IsDeleted"]
    }
    by_conversion = {(event_id, name) for event_id, _ in told for name in MOVED_BY_CONVERSION}
    assert stays <= told | by_conversion, stays - told
    assert told <= stays, f"listed, and yet as before: {told - stays}"
    still_there = {event_id for event_id in set(now) - set(before) if not now[event_id]["IsDeleted"]}
    assert still_there == (set() if choice == "deleted" else made)
    for sobject, ids in people.items():
        assert {row["Id"] for row in world.org.records(sobject)} == ids, "people are never deleted"
    assert world.ledger.current_settings().settings.integration is Integration.LEGACY


def what_happens_meanwhile(world: LegacyWorld) -> set[str]:
    """Let users and clients do what they do after cut-over, and return the Events that were made for it."""
    before = set(world.all_events())
    first, second, third, deleted, moved, *others = world.upcoming()
    world.user_edits(first, Subject="Mine [Appointment]", Description="A user's note")
    world.user_edits(second, Location="Upstairs")
    world.user_edits(third, OwnerId=world.legacy_user_id)
    world.user_deletes(deleted)
    lead = next(key for key in others if world.people[world.client_of(key)].startswith("00Q"))
    world.user_converts(world.client_of(lead))
    row = next(row for row in world.plan.bookings if row["id"] == world.booking_of(moved))
    world.edit(row["id"], starts_at=row["starts_at"] + DAY, ends_at=row["ends_at"] + DAY, notes="Later")
    world.client(700_001)
    staff_id = healthy_staff(world.plan)[0]
    world.booking(700_001, 700_001, staff_id=staff_id)
    world.booking(700_002, world.client_of(first), staff_id=staff_id)
    world.booking(700_003, world.client_of(second), kind="walk_in", staff_id=staff_id)
    for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
        world.sync(selection)
    made = set(world.all_events()) - before
    assert len(made) == 3
    return made


@pytest.mark.rule("G10")
def test_after_going_back_a_second_migration_ends_as_the_first_would_have(legacy: LegacyWorld) -> None:
    before = {row["Id"] for row in legacy.events()}
    Migration(legacy, "first").go()
    roll_back_from(legacy, events_since="deleted")
    again = Migration(legacy, "again")
    again.go()
    again.finalise()
    assert again.phase is Phase.FINALISED
    assert {row["Id"] for row in legacy.events()} == before
