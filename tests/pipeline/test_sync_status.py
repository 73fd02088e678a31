"""Where each booking stands, as analysts and the console read it: the view ``sync_status`` (rule T5)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text

from include.ledger.contracts import READ_AGAIN
from include.reasons import CampaignNote
from tests.pipeline.world import NOW, World

pytestmark = pytest.mark.rule("T5")


def status(world: World) -> dict[str, dict[str, Any]]:
    with world.ledger.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM sync_status")).mappings()
        return {row["booking_key"]: dict(row) for row in rows}


def test_every_pair_is_synced_held_quarantined_disabled_or_pending(world: World) -> None:
    world.booking(1, world.client(11))
    world.booking(2, world.client(12), kind="walk_in", status="arrived")
    world.booking(3, world.client(13), ends_at=NOW)
    world.booking(4, world.client(14))
    world.change("clients", {"id": 14}, sync_disabled=True)
    world.booking(5, world.client(15))
    world.sync()
    world.walk_ins()
    again = pd.DataFrame([{"booking_key": "5-15", "appointment_id": "5"}])
    world.ledger.mark_dirty(
        READ_AGAIN.conform(again), reason=str(CampaignNote.TRANSIENT_EXHAUSTED), now=world.tick()
    )

    found = status(world)
    assert {key: row["status"] for key, row in found.items()} == {
        "1-11": "synced",
        "2-12": "held",
        "3-13": "quarantined",
        "4-14": "disabled",
        "5-15": "pending",
    }
    event = world.event("1-11")
    assert (found["1-11"]["event_id"], found["1-11"]["who_id"]) == (event["Id"], event["WhoId"])
    assert (found["2-12"]["reason"], found["2-12"]["kind"]) == ("walk_in_not_final", "walk_in")
    assert found["3-13"]["reason"] == "ends_before_start"
    assert (found["4-14"]["reason"], found["4-14"]["waits_for"]) == ("client_disabled", "client")


def test_a_pair_whose_run_was_cut_off_is_pending_until_a_run_settles_it(world: World) -> None:
    world.booking(1, world.client(11))
    world.sync()
    world.edit(1, status="complete")
    claimed = {"booking_key": "1-11", "appointment_id": "1", "client_id": "11", "kind": "appointment"}
    version = int(world.now.timestamp()) * 1_000_000
    world.ledger.claim_versions("killed", pd.DataFrame([{**claimed, "source_version": version}]))
    assert status(world)["1-11"]["status"] == "pending"
    world.sync()
    assert status(world)["1-11"]["status"] == "synced"


def test_a_deleted_booking_is_synced_without_an_event_and_says_why(world: World) -> None:
    world.booking(1, world.client(11))
    world.sync()
    world.edit(1, deleted_at=NOW)
    world.sync()
    row = status(world)["1-11"]
    assert (row["status"], row["event_id"]) == ("synced", None)
    world.booking(2, world.client(12), deleted_at=NOW)
    world.sync()
    assert status(world)["2-12"]["last_reason"] == "deleted_without_event"
