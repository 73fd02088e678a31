"""What every part of the ledger's door stands on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine


class LedgerAccess:
    """The database and the clock; every method of a part is one transaction."""

    engine: Engine
    _clock: Callable[[], datetime]
