"""Prove that what was carried over is what is there, and that no booking lost its Event or got two (rule G9)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from include.errors import ConservationError
from include.ledger.reports import Report, ReportKind
from include.ledger.staff import ADMINISTRATOR
from include.legacy import ItemKind, Phase
from include.migration.adoptions import carried_items
from include.migration.carried_events import event_ids
from include.migration.carried_mappings import carried_mapping_set
from include.migration.carried_staff import user_ids
from include.migration.event_parity import FOUND, EventFinding, find_duplicates, judge_events
from include.migration.label_events import count_unlabelled
from include.migration.tally import Tally
from include.migration.verify import tallies_by_outcome
from include.pipeline.accounting import counted_calls
from include.reasons import REASONS, Reason, WaitsFor

if TYPE_CHECKING:
    from include.ledger.legacy_migrations import LegacyMigration
    from include.pipeline.context import SyncRun, Wiring

STAGE: Final = "prove_parity"
_FOUND: Final = "findings"

_DEFECTS: Final = frozenset(finding for finding in EventFinding if finding.is_defect)


def prove_parity(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Compare inventory, ledger and org, keep the report, and pass only where nothing is amiss.

    What people did since cut-over (an Event that a user deleted, a booking that was) is reported and no defect.

    Returns:
        The report's counts: ``events`` by finding, ``duplicates``, what else differs, ``unlabelled``, and ``catch_up``:
        how many pairs wait for a backfill, because the legacy integration never synced them.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConservationError: something differs that nobody changed; the message says what, in counts.
    """
    migration = wiring.ledger.held_migration(run.run_id)
    with counted_calls(run, wiring, STAGE):
        found, tallies = _compare_events(wiring, migration)
        duplicates = find_duplicates(wiring)
        found = FOUND.conform(pd.concat([found, duplicates], ignore_index=True))
    counts = Counter(found["finding"])
    summary: dict[str, Any] = {
        **{kind.value: _items(wiring, migration, kind) for kind in ItemKind},
        "carried_events": tallies["carried"].to_json(),
        "events_in_place": tallies["in_place"].to_json(),
        "events_changed_since": tallies["since"].to_json(),
        "findings": {finding.value: counts[finding.value] for finding in EventFinding},
        "staff_links_missing": _missing_staff(wiring, migration),
        "mappings_missing": _missing_mappings(wiring, migration),
        "unlabelled": count_unlabelled(wiring.ledger),
        "catch_up": _waiting_for_backfill(wiring),
    }
    problems = _problems(summary, tallies)
    wiring.staging.clear(run.run_id, STAGE)
    wiring.staging.write_frame(run.run_id, STAGE, _FOUND, found)
    wiring.ledger.save_report(
        Report(run.run_id, ReportKind.MIGRATION_PARITY, run.now, summary, rows_kept_in=_FOUND)
    )
    if problems:
        msg = (
            f"Parity is not proved: {'; '.join(problems)}. The rows are in the run's report; mend what they name "
            'and clear the task, or go back with {"rollback": true}.'
        )
        raise ConservationError(msg)
    wiring.ledger.advance_migration(run.run_id, Phase.PARITY_PROVED, facts=summary)
    return summary


def _compare_events(wiring: Wiring, migration: LegacyMigration) -> tuple[pd.DataFrame, dict[str, Tally]]:
    """Return what is not as it was carried over, and the tallies of all carried, those in place and those changed."""
    findings = [FOUND.empty()]
    tallies = dict.fromkeys(("carried", "in_place", "since"), Tally())
    namespace = wiring.ledger.current_settings().settings.key_namespace
    for items in carried_items(wiring.ledger, migration.id, ItemKind.EVENT_LINK):
        carried = pd.DataFrame(
            {"booking_key": namespace + items["item_key"], "event_id": event_ids(items["legacy_value"])}
        )
        judged = judge_events(wiring, carried)
        links = judged["link_event_id"]
        is_since = judged["is_changed_since"]
        tallies["carried"] += Tally.of(carried["booking_key"], carried["event_id"])
        tallies["in_place"] += Tally.of(judged.loc[~is_since, "booking_key"], links[~is_since])
        tallies["since"] += Tally.of(judged.loc[is_since, "booking_key"], judged.loc[is_since, "event_id"])
        findings.append(judged.dropna(subset=["finding"])[list(FOUND.columns)])
    return FOUND.conform(pd.concat(findings, ignore_index=True)), tallies


def _items(wiring: Wiring, migration: LegacyMigration, kind: ItemKind) -> dict[str, object]:
    """Return the inventory of one kind, and what became of it, by count and checksum."""
    noted = migration.facts.get(Phase.INVENTORIED_AGAIN.value, {}).get("tallies", {}).get(kind.value)
    tallies = tallies_by_outcome(wiring.ledger, migration.id, kind)
    whole = sum(tallies.values(), Tally())
    return {
        "inventory": noted,
        **{outcome.value: tally.to_json() for outcome, tally in tallies.items()},
        "adds_up": noted is None or Tally.from_json(noted) == whole,
    }


def _missing_staff(wiring: Wiring, migration: LegacyMigration) -> int:
    """Count the carried staff links that are not in force, unless an administrator has set another."""
    links = wiring.ledger.staff_links().set_index("staff_id")
    missing = 0
    for items in carried_items(wiring.ledger, migration.id, ItemKind.STAFF_LINK):
        now = links.reindex(items["item_key"])
        is_same = now["salesforce_user_id"].to_numpy() == user_ids(items["legacy_value"]).to_numpy()
        missing += int((~(is_same | now["set_by"].eq(ADMINISTRATOR).to_numpy())).sum())
    return missing


def _missing_mappings(wiring: Wiring, migration: LegacyMigration) -> int:
    """Count the carried field mappings that the version saved at cut-over lacks."""
    version = migration.facts.get(Phase.CUT_OVER.value, {}).get("mapping_version", 0)
    saved = {(one.sobject, one.target) for one in wiring.ledger.mappings_at(version).mappings}
    wanted = (
        carried_mapping_set(items, ())
        for items in carried_items(wiring.ledger, migration.id, ItemKind.FIELD_MAPPING)
    )
    return sum((one.sobject, one.target) not in saved for part in wanted for one in part)


def _waiting_for_backfill(wiring: Wiring) -> dict[str, int]:
    """Return by reason how many pairs only a backfill releases."""
    counts = wiring.ledger.quarantine_counts().dropna(subset=["reason"])
    by_reason = dict(zip(counts["reason"], counts["rows"], strict=True))
    waits = {reason for reason in Reason if REASONS[reason].waits_for is WaitsFor.BACKFILL}
    return {
        reason.value: int(by_reason[reason]) for reason in Reason if reason in waits and reason in by_reason
    }


def _problems(summary: dict[str, Any], tallies: dict[str, Tally]) -> list[str]:
    """Return in words what is amiss."""
    found = summary["findings"]
    problems = [
        f"{found[one.value]} Events {one.words}"
        for one in EventFinding
        if one in _DEFECTS and found[one.value]
    ]
    if tallies["carried"] != tallies["in_place"] + tallies["since"]:
        problems.append("the checksums of carried Events and of those in the ledger differ")
    for name, what in (("staff_links_missing", "staff links"), ("mappings_missing", "field mappings")):
        if summary[name]:
            problems.append(f"{summary[name]} carried {what} are not in force")
    problems += [
        f"the inventory of the kind {kind.value} does not add up"
        for kind in ItemKind
        if not summary[kind.value]["adds_up"]
    ]
    return problems
