"""Say of every mapping, staff link and event link whether it is carried over, or needs attention and why (rule G5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from include.frames import TEXT
from include.ledger.reports import Report, ReportKind
from include.legacy import ItemKind, ItemOutcome, Phase
from include.migration.carried_events import judge_event_links
from include.migration.carried_mappings import OrgAndCoconut, judge_mappings
from include.migration.carried_staff import judge_staff_links, user_ids
from include.migration.event_facts import read_event_facts
from include.migration.holdings import ROWS, Holdings, keep_holdings, kept_holdings, read_holdings
from include.migration.inventory import carried_without_image, keep_images
from include.migration.standing import forward_stage, modern_settings
from include.pipeline.check_org import describe_fields
from include.pipeline.person_fields import has_person_accounts
from include.settings.field_mapping import Sobject
from include.source.questions import read_question_names
from include.source.staff import read_staff

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from include.pipeline.context import SyncRun, Wiring
    from include.salesforce.gateway import SalesforceGateway

_LEAD_PREFIX = "00Q"


def carry_over(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Judge every item of the inventory, and keep the verdicts; nothing of it is in force before cut-over.

    A dry run judges what the booking database holds now, and keeps nothing but the report.

    Returns:
        By kind, how many are carried and how many need attention.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: Coconut's flag is off, or the booking database or Salesforce refuses to be read.
    """
    with forward_stage(run, wiring, "carry_over") as is_over:
        if is_over:
            return {"is_behind": True}
        if run.dry_run:
            return _reported(run, wiring, judge(wiring, read_holdings(wiring.source.engine)))
        migration = wiring.ledger.held_migration(run.run_id)
        judged = judge(wiring, kept_holdings(wiring.ledger, migration.id))
        keep_holdings(wiring.ledger, migration.id, judged)
        complete_images(wiring, migration.id, judged, taken_at=run.now)
        counts = _reported(run, wiring, judged)
        wiring.ledger.advance_migration(run.run_id, Phase.CARRIED_OVER, facts={"counts": counts})
        return counts


def judge(wiring: Wiring, holdings: Holdings) -> Holdings:
    """Return the same items with their verdicts, by what Coconut, the org and the ledger hold now.

    Raises:
        ConfigurationError: the booking database or Salesforce refuses to be read.
    """
    items = holdings.items
    return Holdings(
        {
            ItemKind.FIELD_MAPPING: _judge_mappings(wiring, items[ItemKind.FIELD_MAPPING]),
            ItemKind.STAFF_LINK: _judge_staff(wiring, items[ItemKind.STAFF_LINK]),
            ItemKind.EVENT_LINK: judge_events(wiring, holdings.pairs(wiring.source.engine)),
        }
    )


def judge_events(wiring: Wiring, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return event links with their verdicts (contract ``MIGRATION_ITEMS``).

    Args:
        wiring: the adapters.
        pairs: contract ``carried_events.LINKED_PAIRS``: all links, because one Event may serve several bookings.
    """
    namespace = wiring.ledger.current_settings().settings.key_namespace
    events = read_event_facts(wiring.salesforce, set(pairs["event_id"].dropna()))
    return judge_event_links(
        pairs,
        events,
        _known_events(wiring, pairs["appointment_id"].unique()),
        _successors(wiring.salesforce, set(events.loc[~events["is_deleted"], "who_id"].dropna())),
        namespace=namespace,
    )


def complete_images(wiring: Wiring, migration_id: int, judged: Holdings, *, taken_at: datetime) -> int:
    """Keep the images that carried Events lack: of those restored, or kept by another pair, since the inventory."""
    events = judged.items[ItemKind.EVENT_LINK]
    chunks = [
        carried_without_image(wiring.ledger, migration_id, events.iloc[start : start + ROWS])
        for start in range(0, len(events), ROWS)
    ]
    lacking = [chunk for chunk in chunks if not chunk.empty]
    if not lacking:
        return 0
    pairs = Holdings({ItemKind.EVENT_LINK: pd.concat(lacking)}).pairs(wiring.source.engine)
    return keep_images(wiring, migration_id, judged, pairs, taken_at=taken_at)


def counts_of(holdings: Holdings) -> dict[str, object]:
    """Return by kind how many items there are, are carried and need attention."""
    return {
        kind.value: {
            "inventory": len(items),
            **{one.value: int(items["outcome"].eq(one.value).sum()) for one in ItemOutcome},
        }
        for kind, items in holdings.items.items()
    }


def _reported(run: SyncRun, wiring: Wiring, judged: Holdings) -> dict[str, object]:
    """Keep the counts and reasons as the run's report, and return the counts."""
    counts = counts_of(judged)
    reasons = {
        kind.value: items["reason"].dropna().value_counts().sort_index().to_dict()
        for kind, items in judged.items.items()
    }
    summary = {"counts": counts, "reasons": reasons, "is_dry_run": run.dry_run}
    kind = ReportKind.MIGRATION_CARRY_OVER
    wiring.ledger.save_report(Report(run.run_id, kind, run.now, summary, rows_kept_in=None))
    return counts


def _judge_mappings(wiring: Wiring, items: pd.DataFrame) -> pd.DataFrame:
    if items.empty:
        return items
    salesforce = wiring.salesforce
    people = (Sobject.LEAD, Sobject.CONTACT, *((Sobject.ACCOUNT,) if has_person_accounts(salesforce) else ()))
    known = OrgAndCoconut(
        org_fields=describe_fields(salesforce, (Sobject.EVENT, *people)),
        questions=read_question_names(wiring.source.engine),
        settings=modern_settings(wiring),
    )
    return judge_mappings(items, wiring.ledger.current_mappings().mappings, known)


def _judge_staff(wiring: Wiring, items: pd.DataFrame) -> pd.DataFrame:
    if items.empty:
        return items
    staff = read_staff(wiring.source.engine)
    users = wiring.salesforce.query_in(
        select=("Id", "IsActive"),
        sobject="User",
        field="Id",
        values=set(user_ids(items["legacy_value"]).dropna()),
    )
    return judge_staff_links(items, staff_ids=set(staff["staff_id"]), users=users)


def _known_events(wiring: Wiring, appointment_ids: Collection[str]) -> pd.DataFrame:
    """Return ``booking_key`` and ``event_id`` of the Events that the modern integration has already."""
    wanted = list(appointment_ids)
    empty = pd.DataFrame({"booking_key": pd.Series(dtype=TEXT), "event_id": pd.Series(dtype=TEXT)})
    parts = [
        wiring.ledger.event_links(wanted[start : start + ROWS])[["booking_key", "event_id"]].dropna()
        for start in range(0, len(wanted), ROWS)
    ]
    return pd.concat([empty, *parts], ignore_index=True)


def _successors(salesforce: SalesforceGateway, who_ids: Collection[str]) -> pd.DataFrame:
    """Return the Contacts that converted Leads among these became: ``who_id`` and ``person_id``."""
    found = salesforce.find_records(
        select=("Id", "ConvertedContactId", "IsConverted"),
        sobject="Lead",
        values={"Id": frozenset(one for one in who_ids if one.startswith(_LEAD_PREFIX))},
    )
    empty = pd.DataFrame({"who_id": pd.Series(dtype=TEXT), "person_id": pd.Series(dtype=TEXT)})
    converted = [
        page.loc[page["IsConverted"].eq("true"), ["Id", "ConvertedContactId"]].set_axis(
            ["who_id", "person_id"], axis=1
        )
        for page in found
    ]
    return pd.concat([empty, *converted], ignore_index=True).dropna()
