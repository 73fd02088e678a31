"""From preflight to review: everything is noted, judged and proved, and nothing is touched."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from include.errors import ConservationError
from include.ledger.contracts import MIGRATION_ITEMS
from include.ledger.reports import ReportKind
from include.legacy import ItemKind, ItemOutcome, Phase
from include.mapping.plan import parse_payloads
from include.migration.activation import check_activation
from include.migration.authorise import authorise
from include.migration.carry_over import carry_over
from include.migration.holdings import kept_holdings
from include.migration.inventory import inventory
from include.migration.preflight import preflight
from include.migration.verify import verify
from include.pipeline.context import Selection, SyncRun, Trigger
from tests.migration.legacy_world import LegacyWorld

STAGES = (preflight, inventory, authorise, check_activation, carry_over, verify)


def migration_run(world: LegacyWorld, run_id: str = "migration-1", **changes: Any) -> SyncRun:
    values: dict[str, Any] = {
        "run_id": run_id,
        "dag_id": "migrate_legacy_integration",
        "selection": Selection.MIGRATION,
        "trigger": Trigger.MANUAL,
        "dry_run": False,
        "now": world.tick(),
    }
    return SyncRun(**{**values, **changes})


def do(world: LegacyWorld, run: SyncRun, *stages: Any) -> list[dict[str, Any]]:
    return [stage(run, world.wiring()) for stage in stages]


def verified(world: LegacyWorld, **changes: Any) -> SyncRun:
    run = migration_run(world, **changes)
    do(world, run, *STAGES)
    return run


def items(world: LegacyWorld, kind: ItemKind) -> Any:
    migration = world.ledger.newest_migration()
    assert migration is not None
    return kept_holdings(world.ledger, migration.id).items[kind].set_index("item_key")


def image(world: LegacyWorld, key: str) -> dict[str, Any]:
    """Return the before-image of a link's Event with its fields; without any where nothing was kept."""
    migration = world.ledger.newest_migration()
    assert migration is not None
    images = world.ledger.migration_images_of(migration.id, [world.event_ids[key]])
    (row,) = images.fillna("").to_dict("records")
    return {**row, **json.loads(row["image"] or "{}")}


@pytest.mark.rule("G5")
def test_every_item_is_carried_or_needs_attention_for_the_reason_that_is_true(legacy: LegacyWorld) -> None:
    run = verified(legacy)

    migration = legacy.ledger.held_migration(run.run_id)
    for kind, found in kept_holdings(legacy.ledger, migration.id).items.items():
        reasons = found.set_index("item_key")["reason"]
        assert reasons.dropna().to_dict() == legacy.plan.expected(kind), kind
        assert len(found) > len(reasons.dropna())
    assert migration.phase is Phase.VERIFIED


@pytest.mark.rule("G9")
def test_the_inventory_keeps_every_field_that_the_sync_may_write_as_it_is(legacy: LegacyWorld) -> None:
    run = migration_run(legacy)
    do(legacy, run, preflight, inventory)
    key = legacy.carried_keys[0]
    event, kept = legacy.event_of(key), image(legacy, key)

    assert (kept["who_id"], kept["owner_id"], kept["booking_key"]) == (event["WhoId"], event["OwnerId"], key)
    mapped = {
        "Subject",
        "StartDateTime",
        "EndDateTime",
        "ShowAs",
        "Location",
        "Description",
        "Coconut_Kind__c",
    }
    assert mapped <= set(kept)
    assert kept["Subject"] == event["Subject"]
    assert kept["Coconut_Kind__c"] is None
    read = parse_payloads(legacy.ledger.migration_images_after(1, limit=500)["image"], ["Subject"])
    assert read["Subject"].notna().all()


@pytest.mark.rule("G5")
def test_again_inventory_and_verdicts_are_the_same_and_follow_what_changed(legacy: LegacyWorld) -> None:
    run = verified(legacy)
    first = {kind: items(legacy, kind) for kind in ItemKind}
    facts = legacy.ledger.held_migration(run.run_id).facts
    do(legacy, run, *STAGES)
    for kind, found in first.items():
        assert items(legacy, kind).equals(found), kind
    assert legacy.ledger.held_migration(run.run_id).facts == facts

    key = legacy.carried_keys[0]
    legacy.user_deletes(key)
    do(legacy, run, *STAGES)
    assert items(legacy, ItemKind.EVENT_LINK).loc[key, "reason"] == "event_deleted"


def restore(world: LegacyWorld, record_id: str) -> None:
    """Take a record out of the recycle bin, as a Salesforce user would."""
    space = "urn:partner.soap.sforce.com"
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<e:Header><SessionHeader xmlns="{space}"><sessionId>{world.org.token}</sessionId></SessionHeader></e:Header>'
        f'<e:Body><undelete xmlns="{space}"><ids>{record_id}</ids></undelete></e:Body></e:Envelope>'
    )
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    answer = world.org.raw("POST", "/services/Soap/u/59.0", data=envelope.encode(), headers=headers)
    assert "<success>true</success>" in answer.text


@pytest.mark.rule("G9")
def test_an_event_restored_since_the_inventory_is_carried_with_an_image(legacy: LegacyWorld) -> None:
    (key,) = [key for key, why in legacy.plan.expected(ItemKind.EVENT_LINK).items() if why == "event_deleted"]
    run = migration_run(legacy)
    do(legacy, run, preflight, inventory, authorise, check_activation)
    restore(legacy, legacy.event_ids[key])
    do(legacy, run, carry_over, verify)
    assert items(legacy, ItemKind.EVENT_LINK).loc[key, "outcome"] == ItemOutcome.CARRIED
    assert image(legacy, key)["Subject"]


@pytest.mark.rule("G9")
def test_whose_primary_attendee_changed_since_the_inventory_has_the_image_under_the_new_key(
    legacy: LegacyWorld,
) -> None:
    (key,) = [
        key for key, why in legacy.plan.expected(ItemKind.EVENT_LINK).items() if why == "event_serves_several"
    ]
    run = migration_run(legacy)
    do(legacy, run, preflight, inventory, authorise, check_activation)
    booking, client = legacy.booking_of(key), legacy.client_of(key)
    legacy.change("attendees", {"appointment_id": booking}, is_primary=False)
    legacy.change("attendees", {"appointment_id": booking, "client_id": client}, is_primary=True)
    do(legacy, run, carry_over, verify)
    assert items(legacy, ItemKind.EVENT_LINK).loc[key, "outcome"] == ItemOutcome.CARRIED
    assert image(legacy, key)["booking_key"] == key


@pytest.mark.rule("G5")
@pytest.mark.parametrize("damage", ["dropped", "without reason", "another value", "unjudged"])
def test_verify_finds_whatever_was_dropped_or_changed_on_the_way(legacy: LegacyWorld, damage: str) -> None:
    run = verified(legacy)
    migration_id = legacy.ledger.held_migration(run.run_id).id
    found = items(legacy, ItemKind.EVENT_LINK).reset_index()
    one = found[found["outcome"].eq("needs_attention")].iloc[[0]]
    if damage == "dropped":
        legacy.ledger.remove_migration_items(migration_id, ItemKind.EVENT_LINK, list(one["item_key"]))
    changes = {
        "dropped": None,
        "without reason": {"reason": None},
        "another value": {"legacy_value": "00U000000000001EAA"},
        "unjudged": {"outcome": None, "reason": None, "legacy_value": "00U000000000001EAA"},
    }[damage]
    if changes is not None:
        legacy.ledger.save_migration_items(migration_id, MIGRATION_ITEMS.conform(one.assign(**changes)))
    with pytest.raises(ConservationError, match="event_link"):
        verify(run, legacy.wiring())


@pytest.mark.rule("G9")
def test_verify_finds_an_event_without_before_image(legacy: LegacyWorld) -> None:
    run = verified(legacy)
    with legacy.ledger.engine.begin() as connection:
        event_id = legacy.event_ids[legacy.carried_keys[0]]
        connection.exec_driver_sql("DELETE FROM migration_images WHERE event_id = ?", (event_id,))
    with pytest.raises(ConservationError, match="1 Events that are to be taken over have no before-image"):
        verify(run, legacy.wiring())


@pytest.mark.rule("Q11")
def test_nothing_is_kept_of_what_events_of_an_erased_client_held(legacy: LegacyWorld) -> None:
    key = legacy.carried_keys[0]
    legacy.ledger.begin_erasure([str(legacy.client_of(key))], who="Pat", now=legacy.now)
    run = verified(legacy)
    assert legacy.ledger.held_migration(run.run_id).phase is Phase.VERIFIED
    assert image(legacy, key)["image"] == ""
    assert image(legacy, legacy.carried_keys[-1])["image"]


@pytest.mark.rule("T6")
def test_a_dry_run_tells_the_counts_of_the_real_one_and_keeps_nothing(legacy: LegacyWorld) -> None:
    rehearsal = migration_run(legacy, "rehearsal", dry_run=True)
    told = do(legacy, rehearsal, *STAGES)
    assert legacy.ledger.newest_migration() is None
    assert legacy.ledger.count_migration_items(1).empty
    report = legacy.ledger.report("rehearsal", ReportKind.MIGRATION_CARRY_OVER)
    assert report is not None
    assert told[5] == report.summary
    why = legacy.plan.expected(ItemKind.STAFF_LINK).values()
    assert report.summary["reasons"]["staff_link"] == dict.fromkeys(map(str, why), 1)
    real = do(legacy, migration_run(legacy), *STAGES)
    assert told[4] == real[4]
    assert told[1].items() <= real[1].items()


@pytest.mark.rule("Q8")
def test_the_calls_of_every_stage_are_counted(legacy: LegacyWorld) -> None:
    run = verified(legacy)
    assert sum(legacy.ledger.api_calls(run.run_id).values()) > 0


@pytest.mark.rule("Q8")
def test_few_calls_read_all_events_whatever_their_number(legacy: LegacyWorld) -> None:
    run = migration_run(legacy)
    do(legacy, run, preflight)
    legacy.org.forget_calls()
    do(legacy, run, inventory)
    assert legacy.org.calls() - Counter({"login": 1}) == {"describe": 1, "query": 1}
    do(legacy, run, authorise, check_activation)
    legacy.org.forget_calls()
    do(legacy, run, carry_over, verify)
    assert legacy.org.calls()["query"] == 3  # Events, Users, converted Leads
