"""The org's limits: requests counted over a rolling day of the org's own clock, and data storage."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

from include.salesforce_emulator.engine.clock import Clock
from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server.faults import FaultBook
from include.salesforce_emulator.server.keeping import Shelf

API_REQUESTS = "DailyApiRequests"
BULK_BATCHES = "DailyBulkApiBatches"
BULK_QUERY_JOBS = "DailyBulkV2QueryJobs"
DATA_STORAGE = "DataStorageMB"

# Enterprise Edition without licences, "Salesforce Developer Limits and Allocations Quick Reference" v66.
_MAXIMA = {
    API_REQUESTS: 100_000,
    BULK_BATCHES: 15_000,
    BULK_QUERY_JOBS: 10_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    DATA_STORAGE: 10_240,
    "FileStorageMB": 10_240,
    "HourlyAsyncReportRuns": 1_200,
    "SingleEmail": 5_000,
}
_WINDOW_SECONDS = 24 * 3600
_BUCKET_SECONDS = 3600
_KILOBYTES_A_MEGABYTE = 1024
_MAXIMA_SET, _USED = "maxima", "used"


class Limits:
    """What was used of each limit; thread-safe.

    Attributes:
        stored_kilobytes: returns the data storage that the org's records take.
    """

    def __init__(self, clock: Clock, faults: FaultBook, shelf: Shelf) -> None:
        self.stored_kilobytes: Callable[[], int] = lambda: 0
        self._clock = clock
        self._faults = faults
        self._shelf = shelf
        self._lock = threading.Lock()
        self._maxima = dict(_MAXIMA)
        self._used: dict[str, deque[tuple[int, int]]] = {name: deque() for name in _MAXIMA}
        kept = shelf.load()
        self._maxima |= {
            name: maximum for name, maximum in kept.get(_MAXIMA_SET, {}).items() if name in _MAXIMA
        }
        for name, used in kept.get(_USED, {}).items():
            self._used[name] = deque((bucket, amount) for bucket, amount in used)

    def use(self, name: str, amount: int = 1) -> None:
        """Count a use of a limit."""
        with self._lock:
            bucket = int(self._clock.now().timestamp()) // _BUCKET_SECONDS
            used = self._used[name]
            if used and used[-1][0] == bucket:
                used[-1] = (bucket, used[-1][1] + amount)
            else:
                used.append((bucket, amount))
            self._shelf.keep(_USED, self._used_by_bucket, can_wait=True)

    def remaining(self, name: str) -> int:
        """Return what is left of a limit, never less than nothing."""
        if self._faults.exhausts(name):
            return 0
        if name == DATA_STORAGE:
            room = self.data_storage_kilobytes() - self.stored_kilobytes()
            return max(0, -(-room // _KILOBYTES_A_MEGABYTE))
        with self._lock:
            return max(0, self._maxima[name] - self._used_in_window(name))

    def data_storage_kilobytes(self) -> int:
        """Return how much data storage the org's records may take.

        A write asks this while it holds the store, so it takes no lock of its own.
        """
        if self._faults.exhausts(DATA_STORAGE):
            return 0
        elsewhere = sum(amount for _, amount in tuple(self._used[DATA_STORAGE]))
        return max(0, self._maxima[DATA_STORAGE] - elsewhere) * _KILOBYTES_A_MEGABYTE

    def require_api_request(self) -> None:
        """Count one API request.

        Raises:
            SalesforceFault: REQUEST_LIMIT_EXCEEDED, the day's requests are used up.
        """
        if self.remaining(API_REQUESTS) == 0:
            raise SalesforceFault(
                HTTPStatus.FORBIDDEN, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."
            )
        self.use(API_REQUESTS)

    def usage_header(self) -> str:
        """Return the value of ``Sforce-Limit-Info``."""
        maximum = self._maxima[API_REQUESTS]
        return f"api-usage={maximum - self.remaining(API_REQUESTS)}/{maximum}"

    def report(self) -> dict[str, dict[str, int]]:
        """Return the body of ``/limits``."""
        return {name: {"Max": self._maxima[name], "Remaining": self.remaining(name)} for name in self._maxima}

    def configure(self, name: str, *, maximum: int | None, used: int | None) -> None:
        """Set a limit's maximum, or what counts as used of it from now on (of storage: beside the org's records).

        Raises:
            KeyError: no such limit.
        """
        with self._lock:
            if maximum is not None:
                _ = self._maxima[name]
                self._maxima[name] = maximum
            if used is not None:
                bucket = int(self._clock.now().timestamp()) // _BUCKET_SECONDS
                self._used[name] = deque([(bucket, used)])
            self._keep()

    def reset(self) -> None:
        """Restore the maxima and forget every use."""
        with self._lock:
            self._maxima = dict(_MAXIMA)
            for used in self._used.values():
                used.clear()
            self._keep()

    def _keep(self) -> None:
        self._shelf.keep(_MAXIMA_SET, self._maxima_set)
        self._shelf.keep(_USED, self._used_by_bucket)

    def _maxima_set(self) -> dict[str, int]:
        with self._lock:
            return {name: maximum for name, maximum in self._maxima.items() if maximum != _MAXIMA[name]}

    def _used_by_bucket(self) -> dict[str, list[tuple[int, int]]]:
        with self._lock:
            return {name: list(used) for name, used in self._used.items() if used}

    def _used_in_window(self, name: str) -> int:
        oldest = (int(self._clock.now().timestamp()) - _WINDOW_SECONDS) // _BUCKET_SECONDS
        used = self._used[name]
        while used and used[0][0] <= oldest:
            used.popleft()
        return sum(amount for _, amount in used)
