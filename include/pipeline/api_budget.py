"""How many API calls work that can wait may still make (rule Q8).

Salesforce counts calls over a rolling day, for all integrations of the org together ("API Request Limits and
Allocations", Salesforce Developer Limits). Incremental runs never wait; backfills and reconciliation do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from include.ledger.api_usage import OrgUsage
    from include.ledger.repository import Ledger

DAY: Final = timedelta(hours=24)


def room_left(*, budget: int, made: int, org: OrgUsage | None, made_since_told: int) -> int | None:
    """Return how many calls may still be made now, never less than 0; nothing where nobody sets a limit.

    Args:
        budget: the setting ``daily_api_budget``; 0 is none.
        made: the product's calls of the last day.
        org: what the org said last of everybody's calls, if that was within the last day.
        made_since_told: the product's calls since then.
    """
    limits = []
    if budget:
        limits.append(budget - made)
    if org is not None:
        limits.append(org.most - org.used - made_since_told)
    return max(min(limits), 0) if limits else None


def api_room(ledger: Ledger, *, now: datetime) -> int | None:
    """Return ``room_left`` by what the ledger knows at ``now``, the present; Salesforce is not asked."""
    org = ledger.org_usage()
    if org is not None and org.told_at < now - DAY:
        org = None
    return room_left(
        budget=ledger.current_settings().settings.daily_api_budget,
        made=ledger.api_calls_since(now - DAY),
        org=org,
        made_since_told=0 if org is None else ledger.api_calls_since(org.told_at),
    )


def why_wait_for_calls(ledger: Ledger, *, now: datetime, needed: int = 1) -> str:
    """Return in words why work that takes so many calls has to wait, or nothing when it may begin."""
    room = api_room(ledger, now=now)
    if room is None or room >= needed:
        return ""
    return (
        f"{room} API calls are left of the setting daily_api_budget or of the org's allowance for 24 hours, and "
        f"{needed} are needed"
    )
