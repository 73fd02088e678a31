"""The sync of an organisation that is on the legacy integration (rule G1)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.errors import ConfigurationError, SkipRun
from include.mapping.fields import CLIENT_KEY, default_mappings
from include.pipeline.context import Selection
from include.pipeline.legacy_mode import integration_in_force
from include.reasons import Reason
from include.reconcile.compare_org import compare_org
from include.settings.model import Integration
from include.source import tables
from tests.local_org import LocalOrg
from tests.pipeline.world import NOW, World

pytestmark = pytest.mark.rule("G1")

START, END = NOW + timedelta(days=3), NOW + timedelta(days=3, minutes=30)


def wire(at: Any) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"


@pytest.fixture
def legacy(world: World) -> World:
    """An organisation on the legacy integration, one staffed booking of which has its Event."""
    world.set(integration="legacy")
    world.client(1)
    world.staff(1, "sam@example.com")
    world.booking(10, 1, staff_id=1)
    return world


def legacy_event(world: World, booking_id: int, client_id: int, **values: Any) -> str:
    """Make an Event as the legacy integration did, with its link, and return its Id."""
    event = {
        "Subject": "Advice",
        "StartDateTime": wire(START),
        "EndDateTime": wire(END),
        "WhoId": world.lead(),
        **values,
    }
    (event_id,) = world.org.seed("Event", event)
    link(world, booking_id, client_id, event_id)
    return event_id


def link(world: World, booking_id: int, client_id: int, event_id: str) -> None:
    row = {"appointment_id": booking_id, "client_id": client_id, "salesforce_event_id": event_id}
    world.insert("legacy_event_links", **row)


def held(world: World, event_id: str) -> dict[str, Any]:
    (event,) = world.events(Id=event_id)
    return event


def test_an_event_that_says_what_the_booking_says_is_not_touched(legacy: World) -> None:
    event_id = legacy_event(legacy, 10, 1)
    legacy.org.forget_calls()
    counts = legacy.sync()
    assert (counts["read"], counts["unchanged"], counts["written"]) == (1, 1, 0)
    assert legacy.written() == {}
    link_row = legacy.ledger.event_links(["10"])
    assert link_row["event_id"].isna().all()
    assert held(legacy, event_id)["Coconut_Booking_Key__c"] is None


def test_a_moved_booking_moves_its_event_and_nothing_else_of_it(legacy: World) -> None:
    event_id = legacy_event(legacy, 10, 1)
    before = held(legacy, event_id)
    legacy.edit(10, starts_at=START + timedelta(hours=1), ends_at=END + timedelta(hours=1))
    counts = legacy.sync()
    assert (counts["written"], counts["updated"]) == (1, 1)
    after = held(legacy, event_id)
    changed = {name for name in before if before[name] != after[name]}
    times = {"StartDateTime", "EndDateTime", "ActivityDate", "ActivityDateTime"}
    stamps = {"LastModifiedDate", "LastModifiedById", "SystemModstamp"}
    assert changed - stamps <= times
    assert after["StartDateTime"] == wire(START + timedelta(hours=1))
    assert len(legacy.events()) == 1
    known = legacy.ledger.event_links(["10"])
    assert known[["event_id", "payload", "written_version"]].isna().all(axis=None)


def test_a_cancelled_booking_shows_as_free_and_a_second_run_changes_nothing(legacy: World) -> None:
    event_id = legacy_event(legacy, 10, 1)
    legacy.edit(10, status="cancelled")
    legacy.sync()
    assert held(legacy, event_id)["ShowAs"] == "Free"
    legacy.edit(10, notes="Bring the papers")
    legacy.org.forget_calls()
    assert legacy.sync()["unchanged"] == 1
    assert legacy.written() == {}


def test_what_the_legacy_integration_does_not_sync_is_held_and_nobody_is_made(legacy: World) -> None:
    legacy.booking(11, 1)  # without staff
    legacy_event(legacy, 11, 1)
    legacy.booking(12, 1, kind="walk_in", staff_id=1)
    legacy_event(legacy, 12, 1)
    leads = len(legacy.org.records("Lead"))
    assert legacy.sync()["held"] == 2
    assert legacy.walk_ins()["held"] == 1
    for key in ("10-1", "11-1", "12-1"):
        waiting = legacy.waiting(key)
        assert (waiting["reason"], waiting["waits_for"]) == (Reason.NOT_SYNCED_BY_LEGACY, "backfill")
    assert len(legacy.org.records("Lead")) == leads
    assert legacy.ledger.person_links(["1"]).empty


@pytest.mark.parametrize("event_id", ["nonsense", "00U000000000999AAA"])
def test_a_link_to_no_event_holds_its_pair(legacy: World, event_id: str) -> None:
    link(legacy, 10, 1, event_id)
    assert legacy.sync()["held"] == 1


def test_a_link_to_an_event_that_was_deleted_holds_its_pair(legacy: World) -> None:
    legacy.org.delete("Event", legacy_event(legacy, 10, 1))
    assert legacy.sync()["held"] == 1
    assert legacy.events() == []


def test_an_event_deleted_between_plan_and_write_is_not_made_again(legacy: World) -> None:
    event_id = legacy_event(legacy, 10, 1)
    legacy.edit(10, status="cancelled")
    counts = legacy.sync(before_loading=lambda: legacy.org.delete("Event", event_id))
    assert counts["held"] == 1
    assert legacy.waiting("10-1")["reason"] == Reason.NOT_SYNCED_BY_LEGACY
    assert legacy.events() == []


@pytest.mark.rule("S9")
def test_a_deleted_booking_and_a_removed_attendee_lose_their_events(legacy: World) -> None:
    legacy.client(2)
    legacy.booking(11, 1, 2, staff_id=1)
    gone, kept, removed = (
        legacy_event(legacy, 10, 1),
        legacy_event(legacy, 11, 1),
        legacy_event(legacy, 11, 2),
    )
    legacy.sync()
    legacy.edit(10, deleted_at=legacy.now)
    legacy.change("attendees", {"appointment_id": 11, "client_id": 2}, deleted_at=legacy.now)
    counts = legacy.sync()
    assert (counts["deleted"], counts["unchanged"]) == (2, 1)
    assert [event["Id"] for event in legacy.events()] == [kept]
    assert {gone, removed}.isdisjoint(event["Id"] for event in legacy.events())
    legacy.edit(10, notes="still deleted")
    assert legacy.sync()["unchanged"] == 1


def test_an_event_that_serves_two_attendees_goes_with_the_last_of_them(legacy: World) -> None:
    legacy.client(2)
    legacy.booking(11, 1, 2, staff_id=1)
    event_id = legacy_event(legacy, 11, 1)
    link(legacy, 11, 2, event_id)
    legacy.change("attendees", {"appointment_id": 11, "client_id": 1}, deleted_at=legacy.now)
    counts = legacy.sync()
    assert counts["deleted"] == 0
    assert held(legacy, event_id)["Id"] == event_id
    legacy.change("attendees", {"appointment_id": 11, "client_id": 2}, deleted_at=legacy.now)
    assert legacy.sync()["deleted"] == 1


@pytest.mark.rule("T4")
def test_a_disabled_client_is_not_touched(legacy: World) -> None:
    legacy_event(legacy, 10, 1)
    legacy.change("clients", {"id": 1}, sync_disabled=True)
    legacy.edit(10, status="cancelled")
    assert legacy.sync()["disabled"] == 1
    assert legacy.events()[0]["ShowAs"] == "Busy"


@pytest.mark.rule("T6")
def test_a_dry_run_tells_what_would_move(legacy: World) -> None:
    legacy_event(legacy, 10, 1)
    legacy.edit(10, status="cancelled")
    plan = legacy.sync(dry_run=True)
    assert plan["update"] == 1
    assert legacy.events()[0]["ShowAs"] == "Busy"
    assert legacy.sync()["updated"] == 1


def test_clients_are_registered_only_on_the_modern_integration(legacy: World) -> None:
    counts = legacy.sync(Selection.CLIENTS, conf={"client_ids": [1]})
    assert counts["clients_held"] == 1
    assert legacy.org.records("Lead") == []


def test_while_no_settings_were_saved_the_legacy_links_decide_and_then_the_setting_does(
    org: LocalOrg, ledger_template: Path, tmp_path: Path
) -> None:
    source = sa.create_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    tables.create_all(source)
    with World.unsettled(org, source, tmp_path, ledger_template) as world:
        assert integration_in_force(world.wiring()) is Integration.MODERN
        link(world, 10, 1, "00U000000000001AAA")
        assert integration_in_force(world.wiring()) is Integration.LEGACY
        world.set(integration="modern")
        assert integration_in_force(world.wiring()) is Integration.MODERN


def test_a_backfill_before_the_migration_releases_nothing(legacy: World) -> None:
    legacy.booking(11, 1)
    day = {"from": f"{START:%Y-%m-%d}", "until": f"{START:%Y-%m-%d}"}
    assert legacy.sync(Selection.BACKFILL, conf=day)["held"] == 2
    assert not legacy.ledger.event_links(["10", "11"])["is_backfilled"].any()


OURS = [mapping.target for mapping in default_mappings() if mapping.target.endswith("__c")]


def grant(world: World, fields: dict[str, dict[str, str]]) -> None:
    """Restrict what our user may do with fields."""
    world.set_up_org(users={world.org.announcement["username"]: {"fields": fields}})


def hidden(names: list[str]) -> dict[str, str]:
    return dict.fromkeys(names, "hidden")


def test_an_org_without_any_of_our_fields_is_kept_current_all_the_same(legacy: World) -> None:
    event_id = legacy_event(legacy, 10, 1)
    sobjects = ("Event", "Lead", "Contact", "Account")
    fields = {sobject: hidden([name for name in OURS if _is_of(name, sobject)]) for sobject in sobjects}
    grant(legacy, fields)
    legacy.edit(10, status="cancelled")
    assert legacy.sync()["updated"] == 1
    legacy.edit(10, deleted_at=legacy.now)
    assert legacy.sync()["deleted"] == 1
    assert event_id not in [event["Id"] for event in legacy.events()]


def _is_of(name: str, sobject: str) -> bool:
    return (name == CLIENT_KEY) is (sobject != "Event")


@pytest.mark.rule("F3")
def test_a_time_that_our_user_may_not_change_stops_the_run_before_it_writes(legacy: World) -> None:
    legacy_event(legacy, 10, 1)
    grant(legacy, {"Event": {"ShowAs": "read"}})
    with pytest.raises(ConfigurationError, match=r"may not change these fields .* Event\.ShowAs"):
        legacy.sync()


@pytest.mark.rule("Q7")
def test_reconcile_leaves_legacy_events_alone(legacy: World) -> None:
    legacy_event(legacy, 10, 1)
    with pytest.raises(SkipRun, match="on the legacy integration"):
        compare_org(legacy.run(Selection.REPAIR), legacy.wiring())


@pytest.mark.rule("S13")
def test_a_client_who_waited_for_the_modern_integration_is_registered_on_it(legacy: World) -> None:
    legacy.set(client_scope="all")
    assert legacy.sync(Selection.CLIENTS)["clients_held"] == 1
    legacy.set(integration="modern")
    assert legacy.sync(Selection.CLIENTS)["clients_written"] == 1
