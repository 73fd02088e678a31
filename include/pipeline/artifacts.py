"""What stages leave for each other in staging, and under which names.

Every stage writes below its own name and rewrites what it wrote, so any task can be cleared and run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from include.frames import DECISIONS, EVENTS, PEOPLE, STAFF_LINKS, FrameContract
from include.ledger.runs import NO_SNAPSHOTS, Snapshots
from include.mapping.org_fields import OrgFields

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring

EXTRACT = "extract_changes"
MATCH = "match_people"
MAP_PEOPLE = "map_people"
MAP_EVENTS = "map_events"
CHECK = "check_frames"
LOAD_PEOPLE = "load_people"
LOAD_EVENTS = "load_events"

BOOKINGS_NAME = "bookings"
CLIENTS_NAME = "clients"
ANSWERS_NAME = "answers"
CLIENT_ANSWERS_NAME = "client_answers"
DECISIONS_NAME = "decisions"
STAFF_LINKS_NAME = "staff_links"
PEOPLE_NAME = "people"
ACCOUNTS_NAME = "accounts"
FIELD_REPORTS_NAME = "field_reports"
ASKED_CLIENTS_NAME = "asked_clients"
REMATCHED_CLIENTS_NAME = "rematched_clients"
EVENTS_NAME = "events"
ORG_FIELDS_NAME = "org_fields"
REFUSALS_NAME = "refusals"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``extract_changes`` found; every later stage of the run works from it.

    ``settings_version`` and ``mapping_version`` pin settings and mappings for the whole run; ``high_water`` is the
    watermark that ``settle_run`` commits, under ``watermark_name`` where it is not the selection's own, with
    ``snapshots``. ``read`` counts pairs of booking and attendee, ``clients`` the clients that the run is about by
    themselves (rule S13). ``is_legacy`` says that the organisation is on the legacy integration, ``legacy_until`` until
    when it was, if the run holds what that never synced (rule G1).
    """

    settings_version: int
    mapping_version: int
    chunks: int
    read: int
    sync_from: date
    high_water: tuple[datetime, int] | None
    read_at: datetime
    clients: int = 0
    watermark_name: str | None = None
    snapshots: Snapshots = NO_SNAPSHOTS
    is_legacy: bool = False
    legacy_until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to do."""
        return self.read == 0 and self.clients == 0

    def to_json(self) -> dict[str, object]:
        """Return the manifest as JSON values."""
        return {
            "settings_version": self.settings_version,
            "mapping_version": self.mapping_version,
            "chunks": self.chunks,
            "read": self.read,
            "sync_from": self.sync_from.isoformat(),
            "high_water": None
            if self.high_water is None
            else [self.high_water[0].isoformat(), self.high_water[1]],
            "read_at": self.read_at.isoformat(),
            "clients": self.clients,
            "watermark_name": self.watermark_name,
            "snapshots": asdict(self.snapshots),
            "is_legacy": self.is_legacy,
            "legacy_until": None if self.legacy_until is None else self.legacy_until.isoformat(),
        }

    @classmethod
    def read_from(cls, run: SyncRun, wiring: Wiring) -> Manifest:
        """Return the manifest of ``run`` from staging."""
        values = wiring.staging.read_json(run.run_id, EXTRACT, "manifest")
        mark, legacy_until = values["high_water"], values["legacy_until"]
        return cls(
            settings_version=values["settings_version"],
            mapping_version=values["mapping_version"],
            chunks=values["chunks"],
            read=values["read"],
            sync_from=date.fromisoformat(values["sync_from"]),
            high_water=None if mark is None else (datetime.fromisoformat(mark[0]), mark[1]),
            read_at=datetime.fromisoformat(values["read_at"]),
            clients=values["clients"],
            watermark_name=values["watermark_name"],
            snapshots=Snapshots(**values["snapshots"]),
            is_legacy=values["is_legacy"],
            legacy_until=None if legacy_until is None else datetime.fromisoformat(legacy_until),
        )


def read_asked_clients(run: SyncRun, wiring: Wiring) -> list[str]:
    """Return the ids of the clients that the run is about by themselves, booking or not; none in a sync of bookings."""
    asked: list[str] = wiring.staging.read_json(run.run_id, EXTRACT, ASKED_CLIENTS_NAME)
    return asked


def read_rematched_clients(run: SyncRun, wiring: Wiring) -> list[str]:
    """Return the ids of the clients about whom the run decides afresh (rule M1)."""
    rematched: list[str] = wiring.staging.read_json(run.run_id, EXTRACT, REMATCHED_CLIENTS_NAME)
    return rematched


def chunk_name(name: str, chunk: int) -> str:
    """Return the staged name of one chunk."""
    return f"{name}-{chunk:05d}"


def read_chunk(
    run: SyncRun, wiring: Wiring, stage: str, name: str, chunk: int, contract: FrameContract
) -> pd.DataFrame:
    """Return one staged chunk under its contract."""
    return wiring.staging.read_frame(run.run_id, stage, chunk_name(name, chunk), contract)


def read_chunks(
    run: SyncRun, wiring: Wiring, stage: str, name: str, chunks: int, contract: FrameContract
) -> Iterator[pd.DataFrame]:
    """Yield the staged chunks one after the other."""
    for chunk in range(chunks):
        yield read_chunk(run, wiring, stage, name, chunk, contract)


def read_decisions(run: SyncRun, wiring: Wiring) -> pd.DataFrame:
    """Return the run's match decisions."""
    return wiring.staging.read_frame(run.run_id, MATCH, DECISIONS_NAME, DECISIONS)


def read_decisions_of_chunk(run: SyncRun, wiring: Wiring, chunk: int) -> pd.DataFrame:
    """Return the match decisions about the clients of one chunk."""
    return read_chunk(run, wiring, MATCH, DECISIONS_NAME, chunk, DECISIONS)


def read_staff_links(run: SyncRun, wiring: Wiring) -> pd.DataFrame:
    """Return the staff links as ``match_people`` checked them against the org."""
    return wiring.staging.read_frame(run.run_id, MATCH, STAFF_LINKS_NAME, STAFF_LINKS)


def read_org_fields(run: SyncRun, wiring: Wiring) -> OrgFields:
    """Return what the org says of the fields that the run may write, as ``match_people`` checked them."""
    return OrgFields.from_json(wiring.staging.read_json(run.run_id, MATCH, ORG_FIELDS_NAME))


def read_checked_people(run: SyncRun, wiring: Wiring) -> pd.DataFrame:
    """Return the people that passed ``check_frames``."""
    return wiring.staging.read_frame(run.run_id, CHECK, PEOPLE_NAME, PEOPLE)


def read_checked_events(run: SyncRun, wiring: Wiring, chunk: int) -> pd.DataFrame:
    """Return one chunk of events with the verdict of ``check_frames`` applied."""
    return read_chunk(run, wiring, CHECK, EVENTS_NAME, chunk, EVENTS)
