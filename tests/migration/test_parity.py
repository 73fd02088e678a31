"""The parity report sees what is amiss, and does not blame what people did (rule G9)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import sqlalchemy as sa

from include.errors import ConservationError
from include.ledger.tables import event_links
from include.legacy import Phase
from include.migration.parity import prove_parity
from include.pipeline.backfill import plan_windows, run_of_window
from include.pipeline.context import Selection, Trigger
from include.pipeline.run_stages import run_stages
from tests.migration.legacy_world import LegacyWorld
from tests.migration.stages import RUN, stage, until_synced

pytestmark = pytest.mark.rule("G9")


def findings(world: LegacyWorld) -> dict[str, int]:
    listed = world.staging.read_frame(RUN, "prove_parity", "findings")
    return {str(name): int(count) for name, count in listed["finding"].value_counts().items()}


def test_a_second_event_under_a_carried_pairs_key_and_a_lost_link_are_defects(legacy: LegacyWorld) -> None:
    until_synced(legacy)
    adopted = legacy.ledger.adopted_events_after(limit=1_000)
    first, second = adopted.loc[adopted["written_version"].isna(), "booking_key"].tolist()[:2]
    times = {"StartDateTime": "2026-06-05T10:00:00Z", "EndDateTime": "2026-06-05T11:00:00Z"}
    legacy.org.seed("Event", {"Subject": "Copy", "Coconut_Booking_Key__c": first, **times})
    with legacy.ledger.engine.begin() as connection:
        lost = sa.update(event_links).where(event_links.c.booking_key == second)
        connection.execute(lost.values(adopted_at=None, event_id=None))
    with pytest.raises(
        ConservationError, match="1 Events were carried over and are not in the ledger; 1 Events bear"
    ):
        stage(legacy, prove_parity)
    assert findings(legacy) == {"duplicate": 1, "not_adopted": 1}
    assert legacy.ledger.held_migration(RUN).phase is Phase.SYNCED


def test_what_users_moved_and_deleted_is_told_and_no_defect(legacy: LegacyWorld) -> None:
    until_synced(legacy)
    moved, deleted = legacy.upcoming()[:2]
    somebody = next(who for who in legacy.people.values() if who != legacy.event_of(moved)["WhoId"])
    legacy.user_edits(moved, WhoId=somebody)
    legacy.user_deletes(deleted)
    report = stage(legacy, prove_parity)
    assert findings(legacy) == {"moved_in_salesforce": 1, "deleted_in_salesforce": 1}
    assert report["carried_events"] == report["events_in_place"]


@pytest.mark.rule("G1")
def test_the_catch_up_gives_events_to_what_the_legacy_integration_never_synced(legacy: LegacyWorld) -> None:
    until_synced(legacy)
    waiting = legacy.ledger.quarantine_rows()
    waits = set(waiting.loc[waiting["waits_for"].eq("backfill"), "booking_key"])
    legacy.set(unassigned_events_owner=legacy.legacy_user_id, sync_from="2020-01-01")
    before = {row["Id"] for row in legacy.events()}
    catch_up(legacy, dry_run=True)
    assert {row["Id"] for row in legacy.events()} == before
    catch_up(legacy, dry_run=False)
    made = {row["Coconut_Booking_Key__c"] for row in legacy.events() if row["Id"] not in before}
    assert made
    assert made <= waits


def catch_up(world: LegacyWorld, *, dry_run: bool) -> None:
    conf: dict[str, Any] = {
        "from": "2026-05-30",
        "until": "2026-06-20",
        "days_per_window": 30,
        "catch_up": True,
    }
    run = world.run(
        Selection.BACKFILL, run_id=f"catch-up-{dry_run}", trigger=Trigger.MANUAL, dry_run=dry_run, conf=conf
    )
    for window in plan_windows(run):
        of_window = run_of_window(run, window, now=world.tick())
        run_stages(of_window, lambda: nullcontext(world.wiring()))
