"""Check source, people and event frames before anything is written, and fix the plan of the run (rules Q1, T6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.errors import GateClosed
from include.frames import BOOKINGS, EVENTS, PEOPLE, TEXT
from include.mapping.events import booking_keys
from include.mapping.members import counting_pairs
from include.mapping.person_drafts import INSERT
from include.mapping.verdicts import waits_for_keys
from include.pipeline.accounting import add_counts, counted_calls
from include.pipeline.artifacts import (
    BOOKINGS_NAME,
    CHECK,
    EVENTS_NAME,
    EXTRACT,
    MAP_EVENTS,
    MAP_PEOPLE,
    PEOPLE_NAME,
    Manifest,
    chunk_name,
    read_chunk,
    read_org_fields,
)
from include.pipeline.campaigns import plan_campaigns, read_campaign_pairs
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.guard_changes import stage_planned_changes
from include.pipeline.map_people import read_owners
from include.pipeline.needed_people import refs_needed_by, stage_needed
from include.pipeline.plan_report import keep_plan
from include.quality.checks import Suite
from include.quality.gate import QualityGate, Verdict
from include.quality.guard import PlannedChanges
from include.reasons import REASONS, Action, Outcome
from include.settings.field_mapping import Sobject, of_sobject

if TYPE_CHECKING:
    import pandas as pd

    from include.mapping.owner import OwnerCheck

LOADED: Final = (Action.CREATE, Action.UPDATE, Action.DELETE)


def check_frames(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Stage the checked frames and the plan, and return its counts.

    A row that fails a check is quarantined with its reason. Checked are all frames of the run before the first write.

    Raises:
        GateClosed: wrong columns, or an implausible share of bad rows; nothing was written.
    """
    with counted_calls(run, wiring, CHECK):
        manifest = Manifest.read_from(run, wiring)
        settings = wiring.ledger.settings_at(manifest.settings_version).settings
        gate, owners = QualityGate(lengths=_lengths(run, wiring, manifest)), read_owners(run, wiring)
        people = wiring.staging.read_frame(run.run_id, MAP_PEOPLE, PEOPLE_NAME, PEOPLE)
        checked_people = _quarantine_people(people, gate.check_people(people))
        plan: dict[str, int] = {}
        counting: list[pd.DataFrame] = []
        needed_refs: set[str] = set()
        for chunk in range(manifest.chunks):
            events = _check_chunk(
                run, wiring, chunk, gate=gate, namespace=settings.key_namespace, owners=owners
            )
            events = _without_refused_people(events, checked_people, owners)
            counting.append(counting_pairs(read_campaign_pairs(run, wiring, chunk), events))
            needed_refs |= refs_needed_by(events)
            wiring.staging.write_frame(run.run_id, CHECK, chunk_name(EVENTS_NAME, chunk), events)
            plan = add_counts(plan, _count_plan(events))
        wiring.staging.write_frame(run.run_id, CHECK, PEOPLE_NAME, checked_people)
        wiring.staging.write_json(run.run_id, CHECK, "validation", gate.report())
        plan |= plan_campaigns(run, wiring, counting, settings)
        needed, _ = stage_needed(run, wiring, checked_people, needed_by_pairs=needed_refs)
        plan |= _count_people(needed)
        plan["events_to_load"] = sum(plan.get(action, 0) for action in LOADED)
        stage_planned_changes(run, wiring, _planned_changes(plan, known_events=wiring.ledger.known_events()))
        wiring.staging.write_json(run.run_id, CHECK, "plan", plan)
        if not gate.is_open:
            raise GateClosed(gate.sentence())
        if run.dry_run:
            told = keep_plan(run, wiring, manifest, events_to_load=plan["events_to_load"])
            _close_dry_run(run, wiring, manifest, plan)
            return {"read": manifest.read, **plan, **told}
        return {"read": manifest.read, **plan}


def _lengths(run: SyncRun, wiring: Wiring, manifest: Manifest) -> dict[Suite, dict[str, int]]:
    """Return the characters that the org lets mapped fields have, by suite."""
    mappings = wiring.ledger.mappings_at(manifest.mapping_version).mappings
    org_fields = read_org_fields(run, wiring)
    of_events = org_fields.lengths(of_sobject(mappings, Sobject.EVENT))
    of_people = org_fields.lengths(mapping for mapping in mappings if mapping.sobject is not Sobject.EVENT)
    return {
        Suite.NEW_PEOPLE: of_people,
        Suite.CHANGED_PEOPLE: of_people,
        Suite.NEW_EVENTS: of_events,
        Suite.CHANGED_EVENTS: of_events,
    }


def _check_chunk(
    run: SyncRun, wiring: Wiring, chunk: int, *, gate: QualityGate, namespace: str, owners: OwnerCheck
) -> pd.DataFrame:
    bookings = read_chunk(run, wiring, EXTRACT, BOOKINGS_NAME, chunk, BOOKINGS)
    events = read_chunk(run, wiring, MAP_EVENTS, EVENTS_NAME, chunk, EVENTS)
    source = bookings.assign(booking_key=booking_keys(bookings, namespace=namespace))
    for verdict in (gate.check_source(source), gate.check_events(events)):
        events = _quarantine_events(events, verdict, owners)
    return events


def _quarantine_events(events: pd.DataFrame, verdict: Verdict, owners: OwnerCheck) -> pd.DataFrame:
    """Quarantine the failing pairs that would otherwise be written; a held or disabled pair stays what it is."""
    failing = verdict.failing.drop_duplicates("key").set_index("key")
    is_failing = events["booking_key"].isin(failing.index) & events["outcome"].isna()
    is_failing &= events["action"] != Action.DELETE
    return _quarantine(events, is_failing, events["booking_key"].map(failing["reason"]).astype(TEXT), owners)


def _quarantine_people(people: pd.DataFrame, verdict: Verdict) -> pd.DataFrame:
    failing = verdict.failing.drop_duplicates("key").set_index("key")
    is_failing = people["person_ref"].isin(failing.index) & people["outcome"].isna()
    return people.assign(
        outcome=people["outcome"].mask(is_failing, str(Outcome.QUARANTINED)),
        reason=people["reason"].mask(is_failing, people["person_ref"].map(failing["reason"]).astype(TEXT)),
    )


def _without_refused_people(events: pd.DataFrame, people: pd.DataFrame, owners: OwnerCheck) -> pd.DataFrame:
    """Quarantine the pairs whose person cannot be created, with the person's reason."""
    refused = people[people["outcome"].notna()].drop_duplicates("person_ref").set_index("person_ref")
    is_refused = (
        events["person_ref"].isin(refused.index)
        & events["needs_person"]
        & (events["action"] != Action.DELETE)
    )
    return _quarantine(events, is_refused, events["person_ref"].map(refused["reason"]).astype(TEXT), owners)


def _quarantine(
    events: pd.DataFrame, is_failing: pd.Series, reasons: pd.Series, owners: OwnerCheck
) -> pd.DataFrame:
    import pandas as pd

    waits_for = reasons.map({str(reason): str(text.waits_for) for reason, text in REASONS.items()}).astype(
        TEXT
    )
    keys = waits_for_keys(
        pd.DataFrame({"reason": reasons, "waits_for": waits_for}, index=events.index),
        events["client_id"],
        scope_settings=pd.Series(index=events.index, dtype=TEXT),
        owners=owners,
    )
    return events.assign(
        outcome=events["outcome"].mask(is_failing, str(Outcome.QUARANTINED)),
        reason=events["reason"].mask(is_failing, reasons),
        waits_for=events["waits_for"].mask(is_failing, waits_for),
        waits_for_key=events["waits_for_key"].mask(is_failing, keys),
        action=events["action"].mask(is_failing, str(Action.NONE)),
        needs_person=events["needs_person"] & ~is_failing,
    )


def _count_plan(events: pd.DataFrame) -> dict[str, int]:
    planned = events.loc[events["outcome"].isna(), "action"].value_counts()
    others = events["outcome"].value_counts()
    return {str(name): int(number) for counts in (planned, others) for name, number in counts.items()}


def _count_people(people: pd.DataFrame) -> dict[str, int]:
    is_new = people["operation"] == INSERT
    return {"people_to_create": int(is_new.sum()), "people_to_update": int((~is_new).sum())}


def _planned_changes(plan: dict[str, int], *, known_events: int) -> PlannedChanges:
    return PlannedChanges(
        events_to_delete=plan.get(Action.DELETE, 0),
        events_to_create=plan.get(Action.CREATE, 0),
        people_to_create=plan["people_to_create"],
        known_events=known_events,
    )


def _close_dry_run(run: SyncRun, wiring: Wiring, manifest: Manifest, plan: dict[str, int]) -> None:
    wiring.ledger.settle(
        run,
        (),
        counts={"read": manifest.read, **plan},
        watermark=None,
        cleared_dirty=(),
        settings_version=manifest.settings_version,
        state="dry_run",
        now=run.now,
    )
