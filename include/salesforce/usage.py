"""How many API calls were made, by kind, and how much of the org's daily allowance is used (rule Q8)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

_LIMIT = re.compile(r"\bapi-usage=(\d+)/(\d+)")


class CallKind(StrEnum):
    """What an HTTP request was for."""

    LOGIN = "login"
    DESCRIBE = "describe"
    QUERY = "query"
    COLLECTIONS = "collections"
    BULK_INGEST = "bulk_ingest"
    BULK_QUERY = "bulk_query"
    REST = "rest"


_KIND_BY_PATH = (
    ("/services/oauth2/token", CallKind.LOGIN),
    ("/services/Soap/", CallKind.LOGIN),
    ("/jobs/ingest", CallKind.BULK_INGEST),
    ("/jobs/query", CallKind.BULK_QUERY),
    ("/composite/sobjects", CallKind.COLLECTIONS),
    ("/query", CallKind.QUERY),
    ("/describe", CallKind.DESCRIBE),
)


def kind_of(path: str) -> CallKind:
    """Return what a request to ``path`` (of a URL, without query) is for."""
    return next((kind for part, kind in _KIND_BY_PATH if part in path), CallKind.REST)


@dataclass(slots=True)
class ApiUsage:
    """The calls of one gateway; every HTTP request counts, retries included, as Salesforce counts them."""

    calls: Counter[str] = field(default_factory=Counter)
    daily_used: int | None = None
    daily_max: int | None = None

    def count(self, path: str) -> None:
        """Add one request."""
        self.calls[kind_of(path).value] += 1

    def note_limits(self, header: str | None) -> None:
        """Take over what a response's ``Sforce-Limit-Info`` header says, for example ``api-usage=18/5000``."""
        found = _LIMIT.search(header or "")
        if found:
            self.daily_used, self.daily_max = int(found[1]), int(found[2])
