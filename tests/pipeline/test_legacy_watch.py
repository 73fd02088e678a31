"""Legacy activity seen after cut-over stops all syncs (rule G8)."""

from __future__ import annotations

import pytest

from include.errors import ConfigurationError
from include.ledger.legacy_migrations import LegacyMigration
from include.legacy import Phase
from include.pipeline.context import Selection
from include.pipeline.legacy_watch import LEGACY_USER, NOTED_IN, watch_facts
from include.reconcile.compare_org import compare_org
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("G8")

LEASE = "migration"
STOPPED = "Nothing syncs, because the legacy integration is at work"


def link(world: World, booking_id: int, event_id: str) -> None:
    row = {"appointment_id": booking_id, "client_id": 1, "salesforce_event_id": event_id}
    world.insert("legacy_event_links", **row)


def migration(world: World) -> LegacyMigration:
    newest = world.ledger.newest_migration()
    assert newest is not None
    return newest


@pytest.fixture
def cut_over(world: World) -> World:
    """An organisation that was cut over, with one booking to sync and one link that legacy left behind."""
    world.client(1)
    world.booking(10, 1)
    link(world, 9, "00U000000000009AAA")
    world.ledger.begin_migration(LEASE, who="administrator", now=world.tick())
    noted = watch_facts(world.source, now=world.tick())
    world.ledger.advance_migration(LEASE, NOTED_IN, facts=noted)
    world.ledger.advance_migration(LEASE, Phase.CUT_OVER, facts={})
    return world


def test_as_long_as_nothing_is_seen_everything_syncs(cut_over: World) -> None:
    assert cut_over.sync()["written"] == 1
    assert migration(cut_over).stopped_at is None


def test_a_link_made_since_stops_every_sync_before_it_reads_and_until_it_is_released(cut_over: World) -> None:
    link(cut_over, 10, "00U000000000010AAA")
    for selection in (Selection.APPOINTMENTS, Selection.WALK_INS, Selection.CLIENTS, Selection.REPLAY):
        with pytest.raises(ConfigurationError, match=STOPPED):
            cut_over.sync(selection)
    with pytest.raises(ConfigurationError, match="event links in Coconut changed"):
        compare_org(cut_over.run(Selection.REPAIR), cut_over.wiring())
    assert cut_over.events() == []
    assert "event links" in str(migration(cut_over).stopped_why)
    facts = watch_facts(cut_over.source, now=cut_over.tick())
    cut_over.ledger.advance_migration(LEASE, NOTED_IN, facts=facts)
    cut_over.ledger.release_syncs(LEASE)
    assert cut_over.sync()["written"] == 1


def test_a_run_that_is_under_way_writes_nothing_more_once_syncs_are_stopped(cut_over: World) -> None:
    def stop() -> None:
        cut_over.ledger.stop_syncs(migration(cut_over).id, why="seen", now=cut_over.tick())

    with pytest.raises(ConfigurationError, match=STOPPED):
        cut_over.sync(before_loading=stop)
    assert cut_over.events() == []
    assert cut_over.org.records("Lead") == []


def test_an_event_that_the_legacy_user_changes_stops_the_syncs_and_ours_do_not(cut_over: World) -> None:
    legacy_user = cut_over.user("legacy@example.com")
    cut_over.insert("legacy_settings", name=LEGACY_USER, value=legacy_user)
    cut_over.sync()
    cut_over.edit(10, notes="New")
    assert cut_over.sync()["written"] == 1
    cut_over.org.control("POST", "clock", {"advance_seconds": 7200})
    (event,) = cut_over.events()
    rows = [{"Id": event["Id"], "Subject": "Advice"}]
    body = {"rows": rows, "operation": "update", "as_user": legacy_user}
    cut_over.org.control("POST", "records/Event", body)
    with pytest.raises(ConfigurationError, match="its User changed 1 Events in Salesforce"):
        cut_over.sync()


def test_a_dry_run_says_so_and_stops_nothing(cut_over: World) -> None:
    link(cut_over, 10, "00U000000000010AAA")
    with pytest.raises(ConfigurationError, match=STOPPED):
        cut_over.sync(dry_run=True)
    assert migration(cut_over).stopped_at is None


@pytest.mark.parametrize("phase", [Phase.FINALISED, Phase.ROLLED_BACK])
def test_after_the_migration_nobody_watches(cut_over: World, phase: Phase) -> None:
    cut_over.ledger.advance_migration(LEASE, phase, facts={})
    link(cut_over, 10, "00U000000000010AAA")
    assert cut_over.sync()["written"] == 1
