"""What a stage is given: the run it belongs to, and the adapters it may use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.ledger.repository import Ledger
    from include.salesforce.gateway import SalesforceGateway
    from include.source.gateway import SourceGateway
    from include.staging import Staging

JsonScalar = str | int | float | bool | None
JsonValue = JsonScalar | Sequence[JsonScalar]


class Selection(StrEnum):
    """Which bookings a run is about; also the name of its watermark."""

    APPOINTMENTS = "appointments"
    WALK_INS = "walk_ins"
    CLIENTS = "clients"
    STAFF = "staff"
    BACKFILL = "backfill"
    REPLAY = "replay"
    REPAIR = "repair"
    ERASURE = "erasure"
    MIGRATION = "migration"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the booking kinds of the selection."""
        return {
            "appointments": ("appointment",),
            "walk_ins": ("walk_in",),
            "clients": ("appointment", "walk_in"),
            "staff": (),
            "backfill": ("appointment", "walk_in"),
            "replay": ("appointment", "walk_in"),
            "repair": ("appointment", "walk_in"),
            "erasure": (),
            "migration": ("appointment", "walk_in"),
        }[self.value]


class Trigger(StrEnum):
    """Who started the run (rule T2)."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One run of one DAG, as every task of it knows it.

    ``run_id`` is unique over all DAGs and safe as a path segment; ``now`` is the run's clock, an aware UTC instant.
    """

    run_id: str
    dag_id: str
    selection: Selection
    trigger: Trigger
    dry_run: bool
    now: datetime
    conf: Mapping[str, JsonValue] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the run as JSON text."""
        return json.dumps({**asdict(self), "now": self.now.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> SyncRun:
        """Return the run that ``to_json`` wrote."""
        values = json.loads(text)
        return cls(
            run_id=values["run_id"],
            dag_id=values["dag_id"],
            selection=Selection(values["selection"]),
            trigger=Trigger(values["trigger"]),
            dry_run=values["dry_run"],
            now=datetime.fromisoformat(values["now"]),
            conf=values["conf"],
        )


@dataclass
class Wiring:
    """The adapters of one task. Salesforce is signed in to on first use, because many tasks never need it."""

    source: SourceGateway
    ledger: Ledger
    staging: Staging
    connect_salesforce: Callable[[], SalesforceGateway]

    @cached_property
    def salesforce(self) -> SalesforceGateway:
        """Return the signed-in gateway."""
        return self.connect_salesforce()

    @property
    def has_signed_in(self) -> bool:
        """Tell whether this task talked to Salesforce."""
        return "salesforce" in self.__dict__

    def close(self) -> None:
        """Close the connections to Salesforce, if there are any; the databases' belong to whoever opened them."""
        if self.has_signed_in:
            self.salesforce.close()
