"""What an org keeps over a restart beside its records and jobs: sessions, cursors, faults, limits, counts, its clock.

Whoever holds such a thing in memory puts what changed on its shelf; the keeper writes it to the org's database. What a
client is about to be told is written first (`Keeper.settle`); what merely ticks along, such as a count, is written
together with whatever else is due, within a second. An org without a data file keeps nothing and pays nothing.

Locks are taken in one order: the store's, then the holder's, then the keeper's own. So a holder may put something on
its shelf while it holds its lock, and no holder may call the store then.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from sqlite3 import DatabaseError
from typing import Any

from include.salesforce_emulator.engine.store import Store

log = logging.getLogger(__name__)

_SCHEMA = "CREATE TABLE IF NOT EXISTS _kept (shelf TEXT, name TEXT, value TEXT, PRIMARY KEY (shelf, name))"
_TICK_SECONDS = 1.0
Value = Callable[[], object]


class Shelf:
    """The kept things of one holder, by name."""

    def __init__(self, keeper: Keeper, name: str) -> None:
        self._keeper = keeper
        self._name = name

    def load(self) -> dict[str, Any]:
        """Return everything that was kept when the org last ended, by name."""
        return self._keeper.load(self._name)

    def keep(self, name: str, value: Value, *, can_wait: bool = False) -> None:
        """Keep what the function returns by the time it is written, as JSON."""
        self._keeper.note(self._name, name, value, can_wait=can_wait)

    def drop(self, name: str) -> None:
        """Keep it no longer."""
        self._keeper.note(self._name, name, None, can_wait=False)


class Keeper:
    """Writes what is on the shelves to the org's database; thread-safe."""

    def __init__(self, store: Store, *, is_durable: bool) -> None:
        self._store = store
        self._is_durable = is_durable
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], Value | None] = {}
        self._noted = 0
        self._settled = 0
        self._due = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="keeper", daemon=True)
        if is_durable:
            with store.transaction() as connection:
                connection.execute(_SCHEMA)

    def shelf(self, name: str) -> Shelf:
        """Return a place for the things of one holder."""
        return Shelf(self, name)

    def load(self, shelf: str) -> dict[str, Any]:
        """Return everything that was kept on a shelf."""
        if not self._is_durable:
            return {}
        rows = self._store.fetch("SELECT name, value FROM _kept WHERE shelf = ?", (shelf,))
        return {name: json.loads(value) for name, value in rows}

    def note(self, shelf: str, name: str, value: Value | None, *, can_wait: bool) -> None:
        """Have something kept, or dropped if the value is None."""
        if not self._is_durable:
            return
        with self._lock:
            self._pending[shelf, name] = value
            if not can_wait:
                self._noted += 1
        self._due.set()

    @property
    def is_behind(self) -> bool:
        """Whether something that cannot wait is not written yet."""
        return self._settled < self._noted

    def settle(self) -> None:
        """Write what cannot wait, and with it all that is due."""
        if self.is_behind:
            self._write()

    def start(self) -> None:
        """Begin to write, now and then, what can wait."""
        if self._is_durable:
            self._thread.start()

    def stop(self) -> None:
        """Write all that is due and end."""
        self._ended.set()
        self._due.set()
        if self._thread.is_alive():
            self._thread.join()
        self._write()

    def _tick(self) -> None:
        while not self._ended.is_set():
            self._due.wait()
            self._ended.wait(_TICK_SECONDS)
            self._due.clear()
            try:
                self._write()
            except DatabaseError as error:
                log.warning("the org cannot keep what changed: %s", error)

    def _write(self) -> None:
        pending: dict[tuple[str, str], Value | None] = {}
        try:
            with self._store.transaction() as connection:
                with self._lock:
                    pending, self._pending = self._pending, {}
                    noted = self._noted
                for (shelf, name), value in pending.items():
                    if value is None:
                        connection.execute("DELETE FROM _kept WHERE shelf = ? AND name = ?", (shelf, name))
                    else:
                        connection.execute(
                            "INSERT OR REPLACE INTO _kept VALUES (?, ?, ?)",
                            (shelf, name, json.dumps(value())),
                        )
        except BaseException:
            with self._lock:
                self._pending = {**pending, **self._pending}
            raise
        self._settled = max(self._settled, noted)
