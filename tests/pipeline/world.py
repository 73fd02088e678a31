"""A small world for the stages: bookings in a real database, a real ledger, the local org, and one run as functions."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa

from include.errors import SkipRun
from include.ledger.repository import Ledger
from include.pipeline.check_frames import check_frames
from include.pipeline.context import Selection, SyncRun, Trigger, Wiring
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.map_events import map_events
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.settle_run import settle_run
from include.settings.model import Settings
from include.source import tables
from include.source.gateway import SourceGateway
from include.staging import Staging
from tests import local_org
from tests.local_org import LocalOrg

NOW: Final = local_org.NOW
INSTALLED = NOW - timedelta(days=400)


@dataclass
class World:
    """Everything one test needs; ``now`` moves a minute with every run and edit."""

    org: LocalOrg
    source: sa.Engine
    ledger: Ledger
    staging: Staging
    now: datetime = NOW
    owner_id: str = ""
    _numbers: Any = field(default_factory=lambda: count(1))
    _wirings: list[Wiring] = field(default_factory=list)

    @classmethod
    def create(cls, org: LocalOrg, folder: Path, ledger_template: Path) -> World:
        source = sa.create_engine(f"sqlite:///{folder / 'coconut.db'}")
        tables.create_all(source)
        return cls.begin(org, source, folder, ledger_template)

    @classmethod
    def begin(cls, org: LocalOrg, source: sa.Engine, folder: Path, ledger_template: Path) -> World:
        """Make a world around a booking database that is there, and empty."""
        world = cls.unsettled(org, source, folder, ledger_template)
        world.owner_id = world.user("unassigned@example.com")
        world.set(unassigned_events_owner=world.owner_id)
        return world

    @classmethod
    def unsettled(cls, org: LocalOrg, source: sa.Engine, folder: Path, ledger_template: Path) -> Self:
        """Make a world in which nobody ever saved settings."""
        shutil.copyfile(ledger_template, folder / "ledger.db")
        ledger = Ledger(sa.create_engine(f"sqlite:///{folder / 'ledger.db'}"))
        world = cls(org, source, ledger, Staging(f"file://{folder / 'staging'}"))
        world.insert("locations", id=1, name="Main Street", city="Toronto", timezone="America/Toronto")
        world.insert("services", id=1, name="Advice", duration_minutes=30)
        return world

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for wiring in self._wirings:
            wiring.close()
        self.source.dispose()
        self.ledger.engine.dispose()

    # -- Coconut

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def insert(self, table: str, **values: Any) -> None:
        target = tables.metadata.tables[table]
        stamps = {
            name: self.tick()
            for name in ("updated_at", "created_at")
            if name in target.c and name not in values
        }
        with self.source.begin() as connection:
            connection.execute(target.insert().values(**{**stamps, **values}))

    def change(self, table: str, where: Mapping[str, Any], **values: Any) -> None:
        target = tables.metadata.tables[table]
        stamp = {"updated_at": self.tick()} if "updated_at" in target.c and "updated_at" not in values else {}
        clause = sa.and_(*(target.c[name] == value for name, value in where.items()))
        with self.source.begin() as connection:
            changed = connection.execute(target.update().where(clause).values(**{**stamp, **values}))
        assert changed.rowcount, f"no such row in {table}"

    def client(self, client_id: int, **values: Any) -> int:
        defaults = {
            "first_name": "Ann",
            "last_name": f"Lee {client_id}",
            "email": f"ann{client_id}@example.com",
        }
        self.insert("clients", id=client_id, sync_disabled=False, **{**defaults, **values})
        return client_id

    def staff(self, staff_id: int, email: str | None) -> int:
        self.insert("staff", id=staff_id, first_name="Sam", last_name="Staff", email=email, active=True)
        return staff_id

    def booking(self, booking_id: int, *client_ids: int, kind: str = "appointment", **values: Any) -> int:
        defaults = {
            "status": "booked" if kind == "appointment" else "complete",
            "service_id": 1,
            "location_id": 1,
            "starts_at": NOW + timedelta(days=3),
            "ends_at": NOW + timedelta(days=3, minutes=30),
            "meeting_method": "in_person",
            "booked_through": "client_view",
        }
        self.insert("appointments", id=booking_id, kind=kind, **{**defaults, **values})
        for position, client_id in enumerate(client_ids):
            self.insert("attendees", appointment_id=booking_id, client_id=client_id, is_primary=position == 0)
        return booking_id

    def edit(self, booking_id: int, **values: Any) -> None:
        self.change("appointments", {"id": booking_id}, **values)

    # -- Salesforce

    def user(self, email: str, *, is_active: bool = True) -> str:
        name = f"user{next(self._numbers)}"
        (user_id,) = self.org.seed(
            "User",
            {
                "Username": f"{name}@example.org",
                "LastName": name,
                "Alias": name[:8],
                "Email": email,
                "IsActive": is_active,
            },
        )
        return user_id

    def lead(self, **values: Any) -> str:
        """Make a Lead as a Salesforce user would."""
        return self.org.seed("Lead", {"LastName": "Lee", "Company": "Acme", **values})[0]

    def contact(self, **values: Any) -> str:
        return self.org.seed("Contact", {"LastName": "Lee", **values})[0]

    def account(self, name: str) -> str:
        return self.org.seed("Account", {"Name": name})[0]

    def person_account(self, **values: Any) -> str:
        """Make a Person Account; ``Email`` is its person's."""
        email = {"PersonEmail": values.pop("Email")} if "Email" in values else {}
        return self.org.seed("Account", {"LastName": "Lee", **email, **values})[0]

    def set_up_org(self, **document: Any) -> None:
        """Give the org features and rules (docs/local-org-setup.md), replacing those it had."""
        self.org.control("PUT", "setup", document)

    def later(self) -> None:
        """Move the org's clock on, so that records made before are older."""
        self.org.control("POST", "clock", {"advance_seconds": 60})

    def convert(self, lead_id: str, **options: Any) -> str:
        """Convert a Lead as a Salesforce user would, and return the Contact it became."""
        answer = self.org.control("POST", "convert", {"lead_id": lead_id, **options})
        return str(answer["contactId"])

    def merge(self, sobject: str, master_id: str, *loser_ids: str) -> None:
        body = {"sobject": sobject, "master_id": master_id, "loser_ids": list(loser_ids)}
        self.org.control("POST", "merge", body)

    def events(self, **where: Any) -> list[dict[str, Any]]:
        return self.org.records("Event", **where)

    def event(self, key: str) -> dict[str, Any]:
        (found,) = self.events(Coconut_Booking_Key__c=key)
        return found

    # -- the product

    def set(self, **changes: Any) -> None:
        current = self.ledger.current_settings().settings
        settings = Settings.model_validate({**current.model_dump(), **changes})
        self.ledger.save_settings(settings, who="test", now=self.tick())

    def reinstall(self, ledger_template: Path) -> None:
        """Go on with a ledger that knows nothing but the settings."""
        settings = self.ledger.current_settings().settings
        file = Path(str(self.ledger.engine.url.database))
        self.ledger.engine.dispose()
        shutil.copyfile(ledger_template, file)
        self.ledger = Ledger(sa.create_engine(f"sqlite:///{file}"))
        self.set(**settings.model_dump())

    def wiring(self) -> Wiring:
        """Return adapters as one task would open them; they are closed with the world."""
        self._wirings.append(Wiring(SourceGateway(self.source), self.ledger, self.staging, self.org.connect))
        return self._wirings[-1]

    def run(self, selection: Selection = Selection.APPOINTMENTS, **changes: Any) -> SyncRun:
        values: dict[str, Any] = {
            "run_id": f"sync_{selection}__{next(self._numbers)}",
            "dag_id": f"sync_{selection}",
            "selection": selection,
            "trigger": Trigger.SCHEDULED,
            "dry_run": False,
            "now": self.tick(),
        }
        return SyncRun(**{**values, **changes})

    def sync(
        self,
        selection: Selection = Selection.APPOINTMENTS,
        *,
        before_loading: Callable[[], object] = lambda: None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Run every stage in order, each with adapters of its own as Airflow's tasks have, and return the counts.

        ``before_loading`` is what happens in Salesforce between the last reading stage and the first write.
        """
        run = self.run(selection, **changes)
        found = extract_changes(run, self.wiring())
        if found["empty"]:
            return {"read": 0, "run_id": run.run_id}
        chunks = range(int(str(found["chunks"])))
        match_people(run, self.wiring())
        map_people(run, self.wiring())
        for chunk in chunks:
            map_events(run, self.wiring(), chunk)
        plan = check_frames(run, self.wiring())
        before_loading()
        try:
            load_people(run, self.wiring())
        except SkipRun:
            return {**plan, "run_id": run.run_id}
        for chunk in chunks:
            load_events(run, self.wiring(), chunk)
        return {**settle_run(run, self.wiring()), "run_id": run.run_id}

    def walk_ins(self, **changes: Any) -> dict[str, Any]:
        return self.sync(Selection.WALK_INS, **changes)

    def waiting(self, key: str) -> dict[str, Any]:
        """Return the quarantine's row of a pair."""
        rows = self.ledger.quarantine_rows()
        (found,) = rows[rows["booking_key"] == key].to_dict("records")
        return found

    def written(self) -> dict[str, int]:
        """Return the write calls since the last ``forget_calls``."""
        reads = ("login", "describe", "query", "retrieve", "limits", "other", "userinfo")
        return {
            kind: number for kind, number in self.org.calls().items() if not kind.startswith(reads) and number
        }


def migrated_ledger(file: Path) -> Path:
    """Make the file of a ledger that was installed long before the tests' bookings, and return it."""
    engine = sa.create_engine(f"sqlite:///{file}")
    Ledger.open(engine, now=INSTALLED)
    engine.dispose()
    return file
