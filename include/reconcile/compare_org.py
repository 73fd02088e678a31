"""Compare the booking database, the ledger and the org, report what differs, and order its repair (rule Q7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.errors import SkipRun
from include.ledger.contracts import EVENT_CORRECTIONS
from include.ledger.reports import Report, ReportKind
from include.mapping.event_fields import left_alone
from include.pipeline.accounting import counted_calls
from include.pipeline.check_org import check_org, known_questions
from include.pipeline.extract_changes import refuse_another_namespace
from include.pipeline.legacy_mode import integration_in_force, legacy_until
from include.pipeline.legacy_watch import refuse_while_stopped
from include.pipeline.match_people import check_staff_and_owners
from include.pipeline.repairs import GONE_PAIRS, RepairOrder
from include.reconcile.comparison import Terms, compare, own_keys
from include.reconcile.corrections import corrections
from include.reconcile.findings import FOUND, Remedy
from include.reconcile.lost_people import LostPeople, find_lost_people
from include.reconcile.repair_order import gone_pairs, repair_order, within_guard
from include.reconcile.report import FIELDS, counts_of, field_counts
from include.reconcile.request import ReconcileRequest
from include.reconcile.streams import COMPARE, PAIRS_PER_PART, Part, read_parts
from include.reconcile.sweep import Slip
from include.reconcile.wanted_events import RulesInForce, disabled_among, touchable_clients
from include.settings.field_mapping import Sobject
from include.settings.model import Integration, OnEventDeleted

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring

FINDINGS_NAME: Final = "findings"
COMPARED: Final = "compared"


def compare_org(
    run: SyncRun,
    wiring: Wiring,
    *,
    swept: Mapping[str, object] | None = None,
    pairs_per_part: int = PAIRS_PER_PART,
) -> dict[str, object]:
    """Keep a report of what differs, order its repair if the run asks for one, and return the counts.

    Memory holds one part of ``pairs_per_part`` pairs, and the findings, whatever the total. ``swept`` are the counts of
    ``sweep``, which the report repeats.

    Returns:
        ``compared`` (pairs in Coconut), a count per ``Finding``, ``to_repair`` and ``for_a_person``; and
        ``is_repair_due``, whether the run goes on to mend something.

    Raises:
        ConfigurationError: a parameter is wrong; or credentials are, or the org lacks fields the sync writes; or
            ``key_namespace`` changed after the first write.
        SkipRun: the organisation is on the legacy integration.
        LedgerConflictError: the ledger belongs to another org (rule Q10).
        SourceUnavailableError, SalesforceUnavailableError: a database or Salesforce does not answer.
    """
    request = ReconcileRequest.from_conf(run.conf)
    refuse_while_stopped(wiring.ledger)
    with counted_calls(run, wiring, COMPARE):
        in_force = _in_force(run, wiring)
        wiring.ledger.open_run(run, settings_version=in_force.settings.version)
        wiring.staging.clear(run.run_id, COMPARE)
        people = find_lost_people(wiring)
        compared, found, order = _compare(
            run, wiring, in_force, request, people, pairs_per_part=pairs_per_part
        )
    wiring.staging.clear(
        run.run_id, COMPARE
    )  # what was compared holds values of people; what was found does not
    wiring.staging.write_frame(run.run_id, COMPARE, FINDINGS_NAME, found)
    counts = {COMPARED: compared, **counts_of(found)} | _slips(swept or {})
    summary = {**counts, FIELDS: field_counts(found)}
    wiring.ledger.save_report(
        Report(run.run_id, ReportKind.RECONCILIATION, run.now, summary, rows_kept_in=FINDINGS_NAME)
    )
    is_repair_due = request.repairs and not (order.is_empty and not _is_marked(run, wiring))
    if is_repair_due:
        order.write(run, wiring)
    else:
        _close(run, wiring, counts, settings_version=in_force.settings.version)
    return {**counts, "is_repair_due": is_repair_due}


def _in_force(run: SyncRun, wiring: Wiring) -> RulesInForce:
    settings, mappings = wiring.ledger.current_settings(), wiring.ledger.current_mappings()
    refuse_another_namespace(settings, wiring.ledger)
    wiring.staging.check()
    wiring.source.check()
    if integration_in_force(wiring) is Integration.LEGACY:
        msg = "Nothing is compared while the organisation is on the legacy integration, whose Events bear no keys."
        raise SkipRun(msg)
    questions = known_questions(lambda: wiring.source.engine, mappings.mappings)
    org_fields = check_org(wiring.salesforce, settings.settings, mappings.mappings, questions=questions)
    wiring.ledger.bind_org(wiring.salesforce.organization_id)
    staff_links, owners = check_staff_and_owners(run, wiring, settings)
    until = legacy_until(run, wiring.ledger)
    return RulesInForce(settings, mappings, org_fields, staff_links, owners, run.now, legacy_until=until)


def _compare(
    run: SyncRun,
    wiring: Wiring,
    in_force: RulesInForce,
    request: ReconcileRequest,
    people: LostPeople,
    *,
    pairs_per_part: int,
) -> tuple[int, pd.DataFrame, RepairOrder]:
    """Return how many pairs were compared, what was found, and the order to mend it."""
    is_touchable = people.found["client_id"].isin(touchable_clients(wiring, people.found["client_id"]))
    found, learnt, gone, compared = (
        [people.found[is_touchable]],
        [EVENT_CORRECTIONS.empty()],
        [GONE_PAIRS.empty()],
        0,
    )
    for part in read_parts(run, wiring, in_force, pairs_per_part=pairs_per_part):
        terms = _terms(part, wiring, in_force, people)
        told = request.told(compare(part.links, part.wanted, part.events, terms))
        mendable = told[told["remedy"].eq(Remedy.REPAIR.value)]
        found.append(told)
        learnt.append(corrections(mendable, part.links, part.events, terms))
        gone.append(gone_pairs(mendable, part.links, part.wanted))
        compared += len(part.wanted)
    all_found = within_guard(
        FOUND.conform(pd.concat(found, ignore_index=True)),
        in_force.settings.settings,
        known_events=wiring.ledger.known_events(),
    )
    order = repair_order(all_found, pd.concat(learnt, ignore_index=True), pd.concat(gone, ignore_index=True))
    return compared, all_found, order


def _terms(part: Part, wiring: Wiring, in_force: RulesInForce, people: LostPeople) -> Terms:
    settings = in_force.settings.settings
    vanished = part.links.loc[~part.links["booking_key"].isin(part.wanted["booking_key"]), "client_id"]
    strays = part.events.loc[~part.events["event_id"].isin(part.links["event_id"]), "booking_key"]
    named = own_keys(strays, settings.key_namespace)["client_id"]
    return Terms(
        namespace=settings.key_namespace,
        facts=in_force.org_fields.objects.get(Sobject.EVENT, {}),
        left_alone=left_alone(in_force.mappings.mappings),
        leaves_deleted=settings.on_event_deleted_in_salesforce is OnEventDeleted.LEAVE,
        moved_people=people.moved,
        disabled_clients=disabled_among(wiring, {*vanished.dropna(), *named.dropna()}),
    )


def _slips(swept: Mapping[str, object]) -> dict[str, int]:
    return {str(slip): int(str(swept.get(slip, 0))) for slip in Slip}


def _is_marked(run: SyncRun, wiring: Wiring) -> bool:
    """Tell whether bookings wait to be read again: what slipped by the watermark, for instance (rule Q5)."""
    return bool(wiring.ledger.dirty_appointments(run.selection.kinds))


def _close(run: SyncRun, wiring: Wiring, counts: dict[str, int], *, settings_version: int) -> None:
    wiring.ledger.settle(
        run,
        (),
        counts={"read": 0, **counts},
        watermark=None,
        cleared_dirty=(),
        settings_version=settings_version,
        state="dry_run" if run.dry_run else "success",
        now=run.now,
    )
