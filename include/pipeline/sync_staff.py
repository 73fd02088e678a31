"""Keep the links between staff and Salesforce Users current (rule S7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from include.frames import TEXT
from include.mapping.staff import link_staff
from include.matching.normalise import salesforce_id_18
from include.pipeline.accounting import check_conservation, counted_calls
from include.pipeline.context import SyncRun, Wiring
from include.pipeline.plan_report import Planned, save_plan
from include.reasons import Action, Outcome
from include.salesforce import soql
from include.source.staff import read_staff

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

USER_PREFIX = "005"
USER_FIELDS = ("Id", "Email", "IsActive", "UserType")

_LINKS = "staff link"
"""What a plan calls the links, which live in the ledger alone."""


def sync_staff(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Refresh every staff link and return the counts of the run in staff members; a dry run keeps its plan.

    Raises:
        ConfigurationError, SourceUnavailableError, SalesforceUnavailableError, LedgerConflictError
    """
    with counted_calls(run, wiring, "sync_staff"):
        wiring.source.check()
        settings = wiring.ledger.current_settings()
        wiring.ledger.open_run(run, settings_version=settings.version)
        wiring.ledger.bind_org(wiring.salesforce.organization_id)
        _, counts = refresh_staff_links(run, wiring)
        wiring.ledger.settle(
            run,
            (),
            counts=counts,
            watermark=None,
            cleared_dirty=(),
            settings_version=settings.version,
            state="dry_run" if run.dry_run else "success",
            now=run.now,
        )
        if not run.dry_run:
            return dict(counts)
        records: Counter[tuple[str, ...]] = Counter()
        records[_LINKS, str(Action.UPDATE)] = counts[str(Outcome.WRITTEN)]
        return {**counts, **save_plan(run, wiring, Planned(+records))}


def refresh_staff_links(run: SyncRun, wiring: Wiring) -> tuple[pd.DataFrame, dict[str, int]]:
    """Read staff and Users, and save the links that changed; a dry run saves nothing.

    Returns:
        The links (contract ``STAFF_LINKS``), and the counts of rule Q3 in staff members.
    """
    seen_at = wiring.ledger.advance_clock(run.now)
    staff = read_staff(wiring.source.engine)
    kept = wiring.ledger.staff_links()
    users = _read_users(wiring.salesforce, staff, kept)
    links = link_staff(staff, users, kept)
    if run.dry_run:
        changed = wiring.ledger.foresee_staff_links(links, run.now, seen_at=seen_at)
    else:
        changed = wiring.ledger.save_staff_links(links, run.now, seen_at=seen_at)
        wiring.ledger.mark_staff_synced(run.now)
    counts = {
        "read": len(staff),
        str(Outcome.WRITTEN): changed,
        str(Outcome.UNCHANGED): len(staff) - changed,
        "linked": int(links["salesforce_user_id"].notna().sum()),
    }
    check_conservation(len(staff), counts)
    return links, counts


def read_active_users(salesforce: SalesforceGateway, user_ids: Collection[str]) -> frozenset[str]:
    """Return the 18-character Ids of those Users that are active; malformed Ids are nobody's."""
    import pandas as pd

    ids = salesforce_id_18(pd.Series(sorted(user_ids), dtype=TEXT)).dropna()
    users = salesforce.query_in(
        select=("Id",),
        sobject="User",
        field="Id",
        values=set(ids[ids.str.startswith(USER_PREFIX)]),
        extra_where=soql.equals("IsActive", True),
    )
    return frozenset(users["Id"])


def _read_users(salesforce: SalesforceGateway, staff: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    by_email = salesforce.query_in(
        select=USER_FIELDS, sobject="User", field="Email", values=set(staff["email"].dropna())
    )
    linked = set(kept["salesforce_user_id"].dropna()) - set(by_email["Id"])
    by_id = salesforce.query_in(select=USER_FIELDS, sobject="User", field="Id", values=linked)
    return pd.concat([by_email, by_id], ignore_index=True)
