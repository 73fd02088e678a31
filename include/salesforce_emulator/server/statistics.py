"""Counts requests by kind; the project's API-call figures are read from here."""

from __future__ import annotations

import threading
from collections import Counter
from enum import StrEnum

from include.salesforce_emulator.server.keeping import Shelf

_REQUESTS = "requests"


class RequestKind(StrEnum):
    """What a request asks the org to do. Control requests have no kind: they are never counted."""

    LOGIN = "login"
    DESCRIBE = "describe"
    QUERY = "query"
    QUERY_MORE = "query_more"
    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    RETRIEVE = "retrieve"
    COLLECTIONS_CREATE = "collections_create"
    COLLECTIONS_UPDATE = "collections_update"
    COLLECTIONS_UPSERT = "collections_upsert"
    COLLECTIONS_DELETE = "collections_delete"
    COLLECTIONS_RETRIEVE = "collections_retrieve"
    BULK_INGEST_CREATE = "bulk_ingest_create"
    BULK_INGEST_UPLOAD = "bulk_ingest_upload"
    BULK_INGEST_CLOSE = "bulk_ingest_close"
    BULK_INGEST_POLL = "bulk_ingest_poll"
    BULK_INGEST_RESULTS = "bulk_ingest_results"
    BULK_INGEST_ABORT = "bulk_ingest_abort"
    BULK_INGEST_DELETE = "bulk_ingest_delete"
    BULK_INGEST_LIST = "bulk_ingest_list"
    BULK_QUERY_CREATE = "bulk_query_create"
    BULK_QUERY_POLL = "bulk_query_poll"
    BULK_QUERY_RESULTS = "bulk_query_results"
    BULK_QUERY_ABORT = "bulk_query_abort"
    BULK_QUERY_DELETE = "bulk_query_delete"
    BULK_QUERY_LIST = "bulk_query_list"
    LIMITS = "limits"
    SOAP = "soap"
    PAGE = "page"
    OTHER = "other"


class Statistics:
    """Thread-safe counters of the requests received since the org's first start or since they were zeroed."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        kept = shelf.load().get(_REQUESTS, {})
        self._requests: Counter[RequestKind] = Counter(
            {kind: kept[kind.value] for kind in RequestKind if kind.value in kept}
        )

    def count(self, kind: RequestKind) -> None:
        """Count one request, whatever becomes of it."""
        with self._lock:
            self._requests[kind] += 1
        self._shelf.keep(_REQUESTS, self._as_kept, can_wait=True)

    def zero(self) -> None:
        """Forget every count."""
        with self._lock:
            self._requests.clear()
        self._shelf.keep(_REQUESTS, self._as_kept)

    def report(self) -> dict[str, object]:
        """Return ``{"total": n, "requests": {kind: n}}`` with every kind present, zero included."""
        with self._lock:
            requests = {kind.value: self._requests[kind] for kind in RequestKind}
        return {"total": sum(requests.values()), "requests": requests}

    def _as_kept(self) -> dict[str, int]:
        with self._lock:
            return {kind.value: number for kind, number in self._requests.items()}
