"""Query cursors: the pages of a result that the client has not asked for yet."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from include.salesforce_emulator.engine.clock import Clock
from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.ids import make_id
from include.salesforce_emulator.engine.org import QueryResult
from include.salesforce_emulator.server.keeping import Shelf

MAX_PAGE_ROWS = 2000
_MIN_PAGE_ROWS = 200
_LIFETIME = timedelta(days=2)
_KEPT = 200
_LOCATOR = re.compile(r"(?P<id>01g[0-9A-Za-z]{12,15})-(?P<offset>\d{1,9})")
_COUNTER, _PAGE_ROWS = "opened", "page_rows"
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d{1,6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Cursor:
    result: QueryResult
    page_rows: int
    opened_at: datetime
    user_id: str
    number: int

    def as_kept(self) -> dict[str, object]:
        return {
            "number": self.number,
            "user_id": self.user_id,
            "page_rows": self.page_rows,
            "opened_at": self.opened_at.isoformat(),
            "result": self.result.state(),
        }


Resume = Callable[[str, str], QueryResult]
"""Takes the state of a result and the Id of the user who asked, and goes on with the result."""


class Cursors:
    """The open cursors; the oldest give way when there are too many. Thread-safe."""

    def __init__(self, clock: Clock, shelf: Shelf, resume: Resume) -> None:
        self._clock = clock
        self._shelf = shelf
        self._lock = threading.Lock()
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        kept = shelf.load()
        self._opened: int = kept.pop(_COUNTER, 0)
        self._page_rows: int = kept.pop(_PAGE_ROWS, MAX_PAGE_ROWS)
        for cursor_id, cursor in sorted(kept.items(), key=lambda item: int(item[1]["number"])):
            self._take_up(cursor_id, cursor, resume)

    @property
    def page_rows(self) -> int:
        """How many records a page holds at most."""
        return self._page_rows

    @page_rows.setter
    def page_rows(self, rows: int) -> None:
        self._page_rows = rows
        self._shelf.keep(_PAGE_ROWS, lambda: rows)

    def page_rows_for(self, query_options: str) -> int:
        """Return the page size that a ``Sforce-Query-Options`` header asks for, within Salesforce's bounds."""
        asked = _BATCH_SIZE.search(query_options)
        if asked is None:
            return self.page_rows
        return min(max(int(asked[1]), _MIN_PAGE_ROWS), self.page_rows)

    def first_page(
        self, result: QueryResult, *, page_rows: int, version: str, user_id: str
    ) -> dict[str, object]:
        """Return the first page of a result that a user asked for, and keep a cursor if there are more."""
        page, more = _page(result, 0, page_rows, version)
        if more is not None:
            with self._lock:
                cursor_id = self._open(result, page_rows=page_rows, user_id=user_id)
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
            for cursor_id in list(self._cursors):
                self._close(cursor_id)
        self.page_rows = MAX_PAGE_ROWS

    def _open(self, result: QueryResult, *, page_rows: int, user_id: str) -> str:
        self._opened += 1
        opened = self._opened
        cursor_id = make_id("01g", opened)
        cursor = _Cursor(result, page_rows, self._clock.now(), user_id, opened)
        self._cursors[cursor_id] = cursor
        self._shelf.keep(cursor_id, cursor.as_kept)
        self._shelf.keep(_COUNTER, lambda: opened)
        while len(self._cursors) > _KEPT:
            self._close(next(iter(self._cursors)))
        return cursor_id

    def _close(self, cursor_id: str) -> None:
        del self._cursors[cursor_id]
        self._shelf.drop(cursor_id)

    def _take_up(self, cursor_id: str, kept: dict[str, Any], resume: Resume) -> None:
        """Go on with a cursor of the time before the restart, unless it is too old or the org has changed too much."""
        opened_at = datetime.fromisoformat(kept["opened_at"])
        try:
            if self._clock.now() - opened_at <= _LIFETIME:
                result = resume(kept["result"], kept["user_id"])
                self._cursors[cursor_id] = _Cursor(
                    result, kept["page_rows"], opened_at, kept["user_id"], kept["number"]
                )
                return
        except SalesforceFault:
            pass
        self._shelf.drop(cursor_id)


def _page(result: QueryResult, offset: int, rows: int, version: str) -> tuple[dict[str, object], int | None]:
    """Return a page and where the next begins; a COUNT() has no columns, and no pages however large the count."""
    records = result.records(offset, rows, version=version)
    reached = offset + rows
    done = not result.columns or reached >= result.total_size
    page: dict[str, object] = {"totalSize": result.total_size, "done": done, "records": records}
    return page, None if done else reached
