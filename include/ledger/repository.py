"""The one door to the ledger: every call is one transaction, and speaks in frames and records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import Engine

from include.ledger import migrate
from include.ledger.access.approvals import ApprovalAccess
from include.ledger.access.clients import ClientAccess
from include.ledger.access.cut_over import CutOverAccess
from include.ledger.access.events import EventAccess
from include.ledger.access.jobs import JobAccess
from include.ledger.access.migrations import MigrationAccess
from include.ledger.access.people import PeopleAccess
from include.ledger.access.privacy import PrivacyAccess
from include.ledger.access.runs import RunAccess
from include.ledger.access.setup import SetupAccess
from include.ledger.access.usage import UsageAccess
from include.ledger.engine import configure
from include.ledger.jobs import JobRecord, JobState
from include.ledger.mapping_store import MappingsVersion
from include.ledger.phone_index import PhoneIndexState
from include.ledger.runs import RunState
from include.ledger.settings_store import SettingsVersion

__all__ = [
    "JobRecord",
    "JobState",
    "Ledger",
    "MappingsVersion",
    "PhoneIndexState",
    "RunState",
    "SettingsVersion",
]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger(
    SetupAccess,
    RunAccess,
    JobAccess,
    EventAccess,
    PeopleAccess,
    ClientAccess,
    ApprovalAccess,
    MigrationAccess,
    CutOverAccess,
    PrivacyAccess,
    UsageAccess,
):
    """Our own database, as the pipeline sees it.

    Every method is one transaction. All of them raise ``LedgerUnavailableError`` while the database does not answer.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = _utc_now) -> None:
        """Wrap a migrated database; ``clock`` stamps what callers give no instant for."""
        self.engine = configure(engine)
        self._clock = clock

    @classmethod
    def open(cls, engine: Engine, *, now: datetime | None = None) -> Self:
        """Return the ledger in that database, created or brought up to date first; safe when several processes try.

        ``now`` becomes the day of installation where the ledger is new.

        Raises:
            LedgerUnavailableError: the database does not answer.
            ConfigurationError: it is neither PostgreSQL nor SQLite, or a newer release has migrated it.
        """
        ledger = cls(engine)
        migrate.bring_up_to_date(ledger.engine, now=now or _utc_now())
        return ledger
