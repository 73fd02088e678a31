"""Query cursors: the pages of a result that the client has not asked for yet."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from include.salesforce_emulator.clock import Clock
from include.salesforce_emulator.errors import SalesforceFault
from include.salesforce_emulator.ids import make_id
from include.salesforce_emulator.org import QueryResult

MAX_PAGE_ROWS = 2000
_MIN_PAGE_ROWS = 200
_LIFETIME = timedelta(days=2)
_KEPT = 200
_LOCATOR = re.compile(r"(?P<id>01g[0-9A-Za-z]{12,15})-(?P<offset>\d{1,9})")
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d{1,6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Cursor:
    result: QueryResult
    page_rows: int
    opened_at: datetime


class Cursors:
    """The open cursors; the oldest give way when there are too many. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._opened = 0
        self.page_rows = MAX_PAGE_ROWS

    def page_rows_for(self, query_options: str) -> int:
        """Return the page size that a ``Sforce-Query-Options`` header asks for, within Salesforce's bounds."""
        asked = _BATCH_SIZE.search(query_options)
        if asked is None:
            return self.page_rows
        return min(max(int(asked[1]), _MIN_PAGE_ROWS), self.page_rows)

    def first_page(self, result: QueryResult, *, page_rows: int, version: str) -> dict[str, object]:
        """Return the first page of a result, and keep a cursor if there are more."""
        page, more = _page(result, 0, page_rows, version)
        if more is not None:
            with self._lock:
                self._opened += 1
                cursor_id = make_id("01g", self._opened)
                self._cursors[cursor_id] = _Cursor(result, page_rows, self._clock.now())
                while len(self._cursors) > _KEPT:
                    self._cursors.popitem(last=False)
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{cursor_id}-{more}"
        return page

    def next_page(self, locator: str, *, version: str) -> dict[str, object]:
        """Return the page a locator stands for.

        Raises:
            SalesforceFault: INVALID_QUERY_LOCATOR, the cursor is unknown or older than two days.
        """
        match = _LOCATOR.fullmatch(locator)
        with self._lock:
            cursor = self._cursors.get(match["id"]) if match else None
        if match is None or cursor is None or self._clock.now() - cursor.opened_at > _LIFETIME:
            raise SalesforceFault(HTTPStatus.BAD_REQUEST, "INVALID_QUERY_LOCATOR", "invalid query locator")
        page, more = _page(cursor.result, int(match["offset"]), cursor.page_rows, version)
        if more is not None:
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{match['id']}-{more}"
        return page

    def clear(self) -> None:
        """Close every cursor and forget a page size that was set."""
        with self._lock:
            self._cursors.clear()
        self.page_rows = MAX_PAGE_ROWS


def _page(result: QueryResult, offset: int, rows: int, version: str) -> tuple[dict[str, object], int | None]:
    """Return a page and where the next begins; a COUNT() has no columns, and no pages however large the count."""
    records = result.records(offset, rows, version=version)
    reached = offset + rows
    done = not result.columns or reached >= result.total_size
    page: dict[str, object] = {"totalSize": result.total_size, "done": done, "records": records}
    return page, None if done else reached
