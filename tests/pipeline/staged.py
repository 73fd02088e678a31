"""A run whose frames are staged by hand, so that loading is tested apart from what decided and mapped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from include.frames import (
    CLIENTS,
    DECISIONS,
    EVENTS,
    FIELD_REPORTS,
    NEW_ACCOUNTS,
    PEOPLE,
    RESOLVED_PAIRS,
    FrameContract,
)
from include.mapping.event_fields import payload_mappings
from include.mapping.events import REKEYED_FROM
from include.mapping.fields import default_mappings
from include.mapping.owner import check_owners
from include.mapping.plan import BOOKING_KEY, OWNER, PERSON, format_payloads
from include.pipeline.artifacts import (
    ACCOUNTS_NAME,
    ASKED_CLIENTS_NAME,
    CHECK,
    CLIENTS_NAME,
    EVENTS_NAME,
    EXTRACT,
    FIELD_REPORTS_NAME,
    MAP_PEOPLE,
    MATCH,
    PEOPLE_NAME,
    Manifest,
    chunk_name,
)
from include.pipeline.campaigns import PAIRS_NAME
from include.pipeline.context import SyncRun
from include.pipeline.guard_changes import stage_planned_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.needed_people import refs_needed_by, stage_needed
from include.pipeline.settle_run import settle_run
from include.quality.guard import PlannedChanges
from tests.pipeline.world import World

PEOPLE_OF: dict[str, dict[str, Any]] = {
    "Lead": {"Company": "[not provided]", "Email": "ann{n}@example.com"},
    "Contact": {"Email": "ann{n}@example.com"},
    "Account": {"PersonEmail": "ann{n}@example.com"},
}


@dataclass
class Staged:
    """What the stages before ``load_people`` leave: one client, one person and one pair per call."""

    world: World
    sobject: str = "Lead"
    decisions: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def new(self, number: int, *, pair: bool = True, account_ref: str | None = None, **fields: Any) -> str:
        """A person who matched nobody."""
        client_id, ref = str(number), f"new:{number}"
        self._decide(client_id, person_ref=ref, action="create", sobject=self.sobject, evidence="new")
        mapped = {name: text.format(n=number) for name, text in PEOPLE_OF[self.sobject].items()}
        self.people.append(
            {
                "person_ref": ref,
                "operation": "insert",
                "sobject": self.sobject,
                "client_id": client_id,
                "account_ref": account_ref,
                "FirstName": "Ann",
                "LastName": f"Lee {number}",
                **mapped,
                **fields,
            }
        )
        if pair:
            self.pair(number, person_ref=ref, needs_person=True)
        return ref

    def found(self, number: int, record_id: str, *, pair: bool = True, **fields: Any) -> None:
        """A person whose record was found, and the fields that differ."""
        client_id = str(number)
        self._decide(
            client_id,
            person_ref=record_id,
            action="link",
            sobject=self.sobject,
            record_id=record_id,
            who_id=record_id,
            evidence="email",
        )
        self.people.append(
            {
                "person_ref": record_id,
                "operation": "update",
                "sobject": self.sobject,
                "record_id": record_id,
                "client_id": client_id,
                **fields,
            }
        )
        if pair:
            self.pair(number, person_ref=record_id, desired_who_id=record_id, WhoId=record_id)

    def account(self, ref: str, client_id: int, **fields: Any) -> str:
        """A new Account, whose identity stands in its reference."""
        identity = ref.removeprefix("account:")
        self.accounts.append(
            {"account_ref": ref, "identity": identity, "client_id": str(client_id), **fields}
        )
        return ref

    def pair(self, number: int, **values: Any) -> None:
        """Booking ``100 + number`` of client ``number``."""
        key = f"{100 + number}-{number}"
        wire = {
            BOOKING_KEY: key,
            "Subject": f"Advice {number} [Appointment]",
            "StartDateTime": "2026-06-08T14:00:00.000Z",
            "EndDateTime": "2026-06-08T15:00:00.000Z",
            "OwnerId": self.world.owner_id,
        }
        self.pairs.append(
            {
                "booking_key": key,
                "appointment_id": str(100 + number),
                "client_id": str(number),
                "source_version": 1,
                "source_digest": key,
                "action": "create",
                "kind": "appointment",
                "desired_owner_id": self.world.owner_id,
                **wire,
                **values,
            }
        )

    def stage(self) -> SyncRun:
        """Write the frames as the stages do, and return the run."""
        world, run = self.world, self.world.run()
        settings = world.ledger.current_settings()
        world.ledger.open_run(run, settings_version=settings.version)
        manifest = Manifest(
            settings.version, 0, 1, len(self.pairs), world.now.date(), None, run.now, clients=len(self.asked)
        )
        staging, run_id = world.staging, run.run_id
        staging.write_json(run_id, EXTRACT, "manifest", manifest.to_json())
        staging.write_json(run_id, EXTRACT, ASKED_CLIENTS_NAME, self.asked)
        staging.write_json(run_id, MATCH, "retired_claims", [])
        staging.write_json(run_id, MATCH, "owners", asdict(check_owners(settings.settings, [])))
        staging.write_json(run_id, CHECK, "plan", {"events_to_load": len(self.pairs)})
        planned = PlannedChanges(
            events_to_delete=0,
            events_to_create=len(self.pairs),
            people_to_create=len(self.people),
            known_events=world.ledger.known_events(),
        )
        stage_planned_changes(run, world.wiring(), planned)
        staging.write_frame(
            run_id, MATCH, "forwards", pd.DataFrame(columns=["old_id", "new_id"], dtype="str")
        )
        staging.write_frame(run_id, MATCH, "decisions", frame(DECISIONS, self.decisions))
        clients = [{"client_id": client_id} for client_id in self.asked]
        staging.write_frame(run_id, MATCH, CLIENTS_NAME, frame(CLIENTS, clients))
        staging.write_frame(run_id, MAP_PEOPLE, ACCOUNTS_NAME, frame(NEW_ACCOUNTS, self.accounts))
        staging.write_frame(run_id, MAP_PEOPLE, FIELD_REPORTS_NAME, frame(FIELD_REPORTS, self.reports))
        staging.write_frame(run_id, EXTRACT, chunk_name(CLIENTS_NAME, 0), CLIENTS.empty())
        people, events = frame(PEOPLE, self.people), self._events()
        staging.write_frame(run_id, CHECK, PEOPLE_NAME, people)
        staging.write_frame(run_id, CHECK, chunk_name(EVENTS_NAME, 0), events)
        stage_needed(run, world.wiring(), people, needed_by_pairs=refs_needed_by(events))
        staging.write_frame(run_id, CHECK, PAIRS_NAME, RESOLVED_PAIRS.empty())
        return run

    def load(self) -> dict[str, Any]:
        """Stage a run, load its people and Events, settle it, and return the counts of both."""
        run = self.stage()
        counts = load_people(run, self.world.wiring())
        load_events(run, self.world.wiring(), 0)
        return {**settle_run(run, self.world.wiring()), **counts, "run_id": run.run_id}

    def _decide(self, client_id: str, **values: Any) -> None:
        identity = f"client:{client_id}"
        self.decisions.append(
            {
                "client_id": client_id,
                "identity": identity,
                "identities": identity,
                "explanation": '{"settings":1,"algorithm":"email","entity_type":"lead",'
                f'"action":"{values["action"]}","evidence":"{values["evidence"]}","sobject":"{values["sobject"]}"}}',
                **values,
            }
        )

    def _events(self) -> pd.DataFrame:
        fields = [mapping.target for mapping in payload_mappings(default_mappings())]
        events = frame(EVENTS, self.pairs)
        events = events.reindex(columns=[*EVENTS.columns, *fields, PERSON, OWNER, REKEYED_FROM])
        payload = events[fields].astype("str")
        return EVENTS.conform(events.assign(payload=format_payloads(payload)))


def frame(contract: FrameContract, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Build a frame under its contract; columns that no row names are missing, claims false."""
    if not rows:
        return contract.empty()
    built = pd.DataFrame(rows)
    for name, dtype in contract.columns.items():
        if name not in built:
            built[name] = False if dtype == "bool" else None
        if dtype == "bool":
            built[name] = built[name].eq(True)
        if dtype.startswith("datetime"):
            built[name] = pd.to_datetime(built[name], utc=True)
    return contract.conform(built)
