"""Clients by themselves, booking or not: those who changed, and those whom somebody names (rules S13, T3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select, true

from include.source.changes import Watermark
from include.source.columns import among
from include.source.pairs import read_clients
from include.source.snapshot import open_snapshot
from include.source.tables import appointments, clients
from include.source.visibility import first_unseen, snapshot_of, written_since

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import Column, ColumnElement, Dialect, Engine

_IDS_PER_QUERY: Final = 20_000


class ChangedClients:
    """Reads the clients that changed, once, and then knows how far it got."""

    def __init__(
        self,
        engine: Engine,
        *,
        since: datetime | None,
        client_ids: Collection[int] = (),
        last_snapshot: str | None = None,
        not_after: datetime | None = None,
        rows_per_chunk: int = 25_000,
    ) -> None:
        """Prepare to read; nothing is asked of the database yet.

        Args:
            engine: the booking database.
            since: read who changed at this instant or later: the watermark less the overlap. ``None`` reads everybody.
            client_ids: clients to read whether they changed or not.
            last_snapshot: :attr:`snapshot` of the last run: reads whatever that run could not see as well.
            not_after: a change dated later than this is read but does not raise the high-water mark.
            rows_per_chunk: most clients in a chunk.
        """
        self._engine = engine
        self._since = since
        self._client_ids = frozenset(client_ids)
        self._not_after = not_after
        self._rows_per_chunk = rows_per_chunk
        self._last_snapshot = last_snapshot
        self._high_water: Watermark | None = None
        self._snapshot: str | None = None

    @property
    def high_water(self) -> Watermark | None:
        """The newest change read so far and the largest client id that has it; ``None`` when nothing changed."""
        return self._high_water

    @property
    def snapshot(self) -> str | None:
        """What this read could see, to be kept with the watermark; ``None`` where the database cannot say."""
        return self._snapshot

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield clients (contract ``CLIENTS``) in order of their id, all from one snapshot.

        Raises:
            SourceUnavailableError: the database does not answer.
            ConfigurationError: it refuses the login, or lacks a table or column.
        """
        with open_snapshot(self._engine) as connection:
            self._snapshot = snapshot_of(connection)
            unseen = first_unseen(self._last_snapshot, self._snapshot)
            wanted = self._wanted(connection.dialect, unseen)
            keys = select(clients.c.id).where(wanted).order_by(clients.c.id)
            with connection.execute(keys.execution_options(stream_results=True)) as result:
                for ids in result.scalars().partitions(self._rows_per_chunk):
                    chunk = read_clients(connection, [int(key) for key in ids])
                    self._note_high_water(chunk)
                    yield chunk

    def _wanted(self, dialect: Dialect, unseen: int | None) -> ColumnElement[bool]:
        if self._since is None:
            return true()
        wanted = [clients.c.updated_at >= self._since, among(clients.c.id, self._client_ids, dialect)]
        return or_(*wanted, *([] if unseen is None else [written_since(unseen, clients)]))

    def _note_high_water(self, chunk: pd.DataFrame) -> None:
        changed_at = chunk["updated_at"].dropna()
        if self._since is not None:
            changed_at = changed_at[changed_at >= self._since]
        if self._not_after is not None:
            changed_at = changed_at[changed_at <= self._not_after]
        if changed_at.empty:
            return
        newest = changed_at.max()
        largest = chunk.loc[changed_at.index[changed_at == newest], "client_id"].astype("int64").max()
        seen = Watermark(newest.to_pydatetime(), int(largest))
        self._high_water = seen if self._high_water is None else max(self._high_water, seen)


def read_named_clients(engine: Engine, client_ids: Collection[int]) -> pd.DataFrame:
    """Return these clients (contract ``CLIENTS``), soft-deleted ones included, in order of their id.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    with open_snapshot(engine) as connection:
        return read_clients(connection, client_ids)


def unknown_clients(engine: Engine, client_ids: Collection[int]) -> tuple[int, ...]:
    """Return those of these ids that no client has, ascending; soft-deleted clients are known."""
    return _unknown(engine, clients.c.id, client_ids)


def unknown_bookings(engine: Engine, booking_ids: Collection[int]) -> tuple[int, ...]:
    """Return those of these ids that no booking has, ascending; soft-deleted bookings are known."""
    return _unknown(engine, appointments.c.id, booking_ids)


def _unknown(engine: Engine, column: Column[int], ids: Collection[int]) -> tuple[int, ...]:
    asked, known = sorted(ids), set[int]()
    with open_snapshot(engine) as connection:
        for start in range(0, len(asked), _IDS_PER_QUERY):
            part = asked[start : start + _IDS_PER_QUERY]
            query = select(column).where(among(column, part, connection.dialect))
            known.update(int(key) for key in connection.execute(query).scalars())
    return tuple(one for one in asked if one not in known)
