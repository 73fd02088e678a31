"""Starts a sync as soon as the booking database changes (rule T1)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
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

    from include.ledger.repository import Ledger

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
        self._databases: _Databases | None = None

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
        if self._databases is not None:
            self._databases.close()
            self._databases = None

    async def _compare(self) -> tuple[bool, object]:
        """Return whether there are changes above the ledger's watermark, and that watermark."""
        if self._databases is None:
            source = database_engine(await read_connection_in_trigger(COCONUT_DB))
            ledger = database_engine(await read_connection_in_trigger(SYNC_LEDGER))
            self._databases = await asyncio.to_thread(_Databases.open, source, ledger)
        return await asyncio.to_thread(self._databases.changes_above_watermark, Selection(self.selection))


@dataclass(frozen=True, slots=True)
class _Databases:
    """What the trigger compares, opened once."""

    source: Engine
    ledger: Ledger

    @classmethod
    def open(cls, source: Engine, ledger: Engine) -> _Databases:
        from include.ledger.repository import Ledger

        return cls(source, Ledger.open(ledger))

    def changes_above_watermark(self, selection: Selection) -> tuple[bool, object]:
        from include.source.changes import Watermark, has_changes

        mark = self.ledger.watermark(selection)
        since = None if mark is None else Watermark(*mark)
        return has_changes(self.source, selection.kinds, since, not_after=datetime.now(UTC)), mark

    def close(self) -> None:
        self.source.dispose()
        self.ledger.engine.dispose()
