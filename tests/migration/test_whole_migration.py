"""A whole migration of an organisation with 5,000 event links, 100 staff links and 60 field mappings."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from include.legacy import Attention, ItemKind, ItemOutcome, Phase
from include.pipeline.context import Selection
from tests.migration.conftest import BuildLegacy
from tests.migration.legacy_world import LegacyWorld
from tests.migration.migrating import Migration

LINKS, STAFF, MAPPINGS = 5_000, 100, 60
PAGE = 2_000


def items(world: LegacyWorld, kind: ItemKind) -> pd.DataFrame:
    """Return all items of a kind, read page by page."""
    migration = world.ledger.newest_migration()
    assert migration is not None
    pages: list[pd.DataFrame] = []
    after = ""
    while True:
        page = world.ledger.migration_items_after(migration.id, kind, after=after, limit=PAGE)
        pages.append(page)
        if len(page) < PAGE:
            return pd.concat(pages, ignore_index=True)
        after = str(page["item_key"].iloc[-1])


def attention(world: LegacyWorld, kind: ItemKind) -> dict[str, Attention]:
    """Return the reasons of the items of a kind that need attention, by key."""
    found = items(world, kind)
    needing = found[found["outcome"] == ItemOutcome.NEEDS_ATTENTION]
    return {str(key): Attention(why) for key, why in zip(needing["item_key"], needing["reason"], strict=True)}


@pytest.mark.rule("G5")
@pytest.mark.rule("G8")
@pytest.mark.rule("G9")
@pytest.mark.rule("G10")
@pytest.mark.timeout(600)
def test_everything_is_carried_or_told_and_no_event_comes_twice(build_legacy: BuildLegacy) -> None:
    world = build_legacy(events=LINKS, staff=STAFF, mappings=MAPPINGS, unlinked=20, drifted=10, faults=3)
    before = world.all_events()
    migration = Migration(world, conf={"relabel_legacy_events": "none"})
    migration.go()

    for kind, held in (
        (ItemKind.EVENT_LINK, LINKS),
        (ItemKind.STAFF_LINK, STAFF),
        (ItemKind.FIELD_MAPPING, MAPPINGS),
    ):
        found = items(world, kind)
        assert len(found) == held == found["item_key"].nunique()
        assert set(found["outcome"]) == set(map(str, ItemOutcome))
        assert attention(world, kind) == world.plan.expected(kind)

    now = world.all_events()
    assert set(now) == set(before), "an Event came, or went"
    links = world.ledger.event_links({str(world.booking_of(key)) for key in world.carried_keys})
    taken = links[links["event_id"].notna()].set_index("booking_key")["event_id"]
    assert taken.to_dict() == {key: world.event_ids[key] for key in world.carried_keys}

    integration_user = world.org.announcement["user_id"]
    written = {event_id for event_id, row in now.items() if row["LastModifiedById"] == integration_user}
    assert written == {world.event_ids[key] for key in world.plan.drifted}
    _expect_nothing_left_to_write(world)
    assert migration.finalise()
    assert migration.phase is Phase.FINALISED


def _expect_nothing_left_to_write(world: LegacyWorld) -> None:
    world.org.forget_calls()
    for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
        counts = Counter(world.sync(selection))
        assert counts["written"] == counts["quarantined"] == 0, counts
    assert world.written() == {}


@pytest.mark.rule("M1")
@pytest.mark.rule("S7")
def test_people_and_staff_stay_who_they_were(legacy: LegacyWorld) -> None:
    Migration(legacy).go()
    people = legacy.ledger.person_links({str(legacy.client_of(key)) for key in legacy.carried_keys})
    assert {
        int(client): record for client, record in zip(people["client_id"], people["record_id"], strict=True)
    }.items() <= legacy.people.items()
    assert len(people) == len({legacy.client_of(key) for key in legacy.carried_keys})
    faulty = legacy.plan.expected(ItemKind.STAFF_LINK)
    for staff_id, user_id in legacy.users.items():
        if str(staff_id) not in faulty:
            key = next(key for key in legacy.upcoming() if legacy.event_of(key)["OwnerId"] == user_id)
            legacy.edit(legacy.booking_of(key), starts_at=legacy.now.replace(hour=8))
            legacy.sync()
            assert legacy.event_of(key)["OwnerId"] == user_id
