"""The ledger's own clock: instants in the very order in which what bears them was committed (rules Q2, S7).

A run has to know whether something moved since it looked. Clocks of machines cannot tell: they differ, they step, and
what is stamped now is committed later. So whoever moves something takes its instant here, first in the transaction, and
whoever looks takes one before the first look: a move with a later instant was not seen, one with an earlier was.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select, update

from include.ledger.engine import upsert
from include.ledger.tables import sync_state

_NAME: Final = "ledger_clock"
_TICK: Final = timedelta(microseconds=1)


def advance(connection: Connection, now: datetime) -> datetime:
    """Return ``now``, or the instant after the last one given where that is later.

    Others wait until this transaction ends: to call it first is to wait for nobody who waits for us.
    """
    begun = upsert(connection, sync_state).values(name=_NAME, value="", updated_at=now - _TICK)
    connection.execute(begun.on_conflict_do_nothing(index_elements=[sync_state.c.name]))
    own = sync_state.c.name == _NAME
    last: datetime = connection.execute(
        select(sync_state.c.updated_at).where(own).with_for_update()
    ).scalar_one()
    instant = max(now, last + _TICK)
    connection.execute(update(sync_state).where(own).values(updated_at=instant))
    return instant
