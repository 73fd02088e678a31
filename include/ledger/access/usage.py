"""What the product and the org used of the org's daily allowance of API calls (Q8)."""

from __future__ import annotations

from datetime import datetime

from include.ledger import api_usage
from include.ledger.access.base import LedgerAccess
from include.ledger.api_usage import OrgUsage
from include.ledger.engine import reading, writing


class UsageAccess(LedgerAccess):
    """API calls over all runs."""

    def api_calls_since(self, instant: datetime) -> int:
        """Return how many API calls tasks of all runs recorded since an instant; those at work record theirs later."""
        with reading(self.engine) as connection:
            return api_usage.calls_since(connection, instant)

    def note_org_usage(self, *, used: int, most: int) -> None:
        """Keep what the org said last of its daily allowance."""
        with writing(self.engine) as connection:
            api_usage.note_org_usage(connection, used=used, most=most, now=self._clock())

    def org_usage(self) -> OrgUsage | None:
        """Return what the org said last of its daily allowance, or nothing before a task heard it."""
        with reading(self.engine) as connection:
            return api_usage.org_usage(connection)
