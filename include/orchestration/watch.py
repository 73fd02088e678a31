"""Starts a sync as soon as the booking database changes (rule T1)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from include.errors import AppointmentSyncError
from include.orchestration.connections import (
    COCONUT_DB,
    SYNC_LEDGER,
    database_engine,
    read_connection_in_trigger,
)
from include.pipeline.context import Selection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Engine

_NEVER = object()
_PAUSE_AFTER_TROUBLE_SECONDS = 30.0


class BookingsChanged(BaseEventTrigger):
    """Fires when the booking database holds changes newer than the ledger's watermark.

    It remembers nothing that matters: after a restart, the watermark in the ledger says again what has been read. It
    fires once per watermark, so a run that fails is not started over and over; the schedule comes back to it.
    """

    def __init__(self, *, selection: str, poll_seconds: float = 2.0) -> None:
        super().__init__()
        self.selection = selection
        self.poll_seconds = poll_seconds
        self._engines: dict[str, Engine] = {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow needs to build the trigger again."""
        return (
            "include.orchestration.watch.BookingsChanged",
            {"selection": self.selection, "poll_seconds": self.poll_seconds},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll for as long as the triggerer runs."""
        fired_at: object = _NEVER
        while True:
            try:
                has_changed, watermark = await self._compare()
            except AppointmentSyncError as error:
                # The schedule goes on without the watcher, and its task says the same where people look.
                self.log.warning("Cannot watch the booking database: %s", error)
                await asyncio.sleep(_PAUSE_AFTER_TROUBLE_SECONDS)
                continue
            if has_changed and watermark != fired_at:
                fired_at = watermark
                yield TriggerEvent({"selection": self.selection})
            await asyncio.sleep(self.poll_seconds)

    async def cleanup(self) -> None:
        """Close the connections to both databases."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    async def _compare(self) -> tuple[bool, object]:
        """Return whether there are changes above the ledger's watermark, and that watermark."""
        source = await self._engine(COCONUT_DB)
        ledger = await self._engine(SYNC_LEDGER)
        return await asyncio.to_thread(_changes_above_watermark, Selection(self.selection), source, ledger)

    async def _engine(self, conn_id: str) -> Engine:
        if conn_id not in self._engines:
            self._engines[conn_id] = database_engine(await read_connection_in_trigger(conn_id))
        return self._engines[conn_id]


def _changes_above_watermark(selection: Selection, source: Engine, ledger: Engine) -> tuple[bool, object]:
    from include.ledger.repository import Ledger
    from include.source.changes import Watermark
    from include.source.gateway import SourceGateway

    mark = Ledger.open(ledger).watermark(selection)
    since = None if mark is None else Watermark(*mark)
    return SourceGateway(source).has_changes(selection.kinds, since, not_after=datetime.now(UTC)), mark
