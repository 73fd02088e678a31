"""What ``extract_changes`` read, staged chunk by chunk, with our own switches laid over Coconut's flags (rule T4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from include.frames import ANSWERS, BOOKINGS, CLIENTS
from include.ledger.runs import NO_SNAPSHOTS, Snapshots
from include.pipeline.artifacts import (
    ANSWERS_NAME,
    BOOKINGS_NAME,
    CLIENT_ANSWERS_NAME,
    CLIENTS_NAME,
    EXTRACT,
    chunk_name,
)
from include.pipeline.versions_in_order import in_order
from include.source.pairs import SourceChunk, read_chunk, read_client_answers
from include.source.snapshot import open_snapshot

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.repository import Ledger, SettingsVersion
    from include.pipeline.context import SyncRun, Wiring
    from include.source.changes import Watermark


@dataclass
class StagedReading:
    """Takes what a run read; ``chunks`` and ``read`` (in pairs) say how much it was, ``seen_at`` when it looked.

    ``asked_clients`` are the clients that the run is about by themselves, booking or not; ``rematched_clients`` those
    about whom it decides afresh. ``high_water`` and ``snapshots`` are kept under ``watermark_name``, if the run has one
    of its own, ``sync_from`` counts instead of the settings' day, if the run has its own (rule S14).
    ``questions`` are those about clients whose newest answers people's fields need, whichever booking they came with.
    """

    run: SyncRun
    wiring: Wiring
    seen_at: datetime
    chunks: int = 0
    read: int = 0
    asked_clients: list[str] = field(default_factory=list)
    rematched_clients: list[str] = field(default_factory=list)
    high_water: Watermark | None = None
    watermark_name: str | None = None
    snapshots: Snapshots = NO_SNAPSHOTS
    sync_from: date | None = None
    questions: frozenset[str] = frozenset()
    _namespace: str = ""
    _staged_clients: set[str] = field(default_factory=set)

    def begin(self, settings: SettingsVersion, *, request: str | None = None) -> None:
        """Record that the run begins, and forget what an earlier attempt staged.

        ``request`` is JSON of what a person asked for.
        """
        self.wiring.ledger.open_run(
            self.run, settings_version=settings.version, request=request, seen_at=self.seen_at
        )
        self.wiring.staging.clear(self.run.run_id, EXTRACT)
        self._namespace = settings.settings.key_namespace

    def add(self, chunk: SourceChunk) -> None:
        """Stage a chunk of bookings, in versions that are not older than what the ledger knows."""
        if len(chunk.bookings):
            settled = self.wiring.ledger.settled(chunk.bookings["appointment_id"].unique())
            chunk = in_order(chunk, settled, namespace=self._namespace, read_again=self._read_again)
        named = {BOOKINGS_NAME: chunk.bookings, CLIENTS_NAME: chunk.clients, ANSWERS_NAME: chunk.answers}
        if self.questions:
            named[CLIENT_ANSWERS_NAME] = self._client_answers(chunk.clients)
        for name, frame in named.items():
            self.wiring.staging.write_frame(self.run.run_id, EXTRACT, chunk_name(name, self.chunks), frame)
        self.chunks += 1
        self.read += len(chunk.bookings)
        self._staged_clients.update(chunk.clients["client_id"].tolist())

    def _read_again(self, appointment_ids: Collection[int]) -> SourceChunk:
        with open_snapshot(self.wiring.source.engine) as connection:
            return with_switches(read_chunk(connection, appointment_ids), self.wiring.ledger)

    def _client_answers(self, clients: pd.DataFrame) -> pd.DataFrame:
        erased = self.wiring.ledger.erased_clients(clients["client_id"])
        ids = {int(client_id) for client_id in set(clients["client_id"]) - erased}
        with open_snapshot(self.wiring.source.engine) as connection:
            return read_client_answers(connection, ids, self.questions)

    def ask_for(self, clients: pd.DataFrame) -> None:
        """Make these clients (contract ``CLIENTS``) what the run is about; those not staged yet get an own chunk.

        The chunk has no bookings, so that every later stage has at least one chunk to work on.
        """
        self.asked_clients += clients["client_id"].tolist()
        others = clients[~clients["client_id"].isin(self._staged_clients)].reset_index(drop=True)
        if len(others):
            self.add(SourceChunk(bookings=BOOKINGS.empty(), clients=others, answers=ANSWERS.empty()))


def switch_off(clients: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Return ``clients`` (contract ``CLIENTS``) with those disabled whose switch in the ledger is off.

    Of those who were erased (rule Q11) nothing but the id is left.
    """
    off = ledger.disabled_clients(clients["client_id"])
    switched = clients.assign(sync_disabled=clients["sync_disabled"] | clients["client_id"].isin(off))
    erased = _erased(off, ledger)
    return CLIENTS.without_values_of(switched, switched["client_id"].isin(erased)) if erased else switched


def with_switches(chunk: SourceChunk, ledger: Ledger) -> SourceChunk:
    """Return a chunk in which pairs and clients are disabled whose switch in the ledger is off.

    Of those who were erased (rule Q11) nothing but ids, times and places is left.
    """
    bookings = chunk.bookings
    off = ledger.disabled_clients(bookings["client_id"].dropna().unique())
    is_disabled = bookings["client_disabled"] | bookings["client_id"].isin(off)
    switched = replace(
        chunk,
        bookings=bookings.assign(client_disabled=is_disabled),
        clients=switch_off(chunk.clients, ledger),
    )
    return _without_values_of(switched, _erased(off, ledger))


def _erased(off: Collection[str], ledger: Ledger) -> frozenset[str]:
    return ledger.erased_clients(off) if off else frozenset()


def _without_values_of(chunk: SourceChunk, erased: Collection[str]) -> SourceChunk:
    if not erased:
        return chunk
    is_theirs = chunk.bookings["client_id"].isin(erased)
    answers = chunk.answers[~chunk.answers["client_id"].isin(erased)]
    return replace(
        chunk,
        bookings=BOOKINGS.without_values_of(chunk.bookings, is_theirs),
        answers=answers.reset_index(drop=True),
    )
