"""Makes the demo's organisation one on the legacy integration: its Events in the org, its tables in Coconut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from include.demo.legacy import (
    CONVERTED_LATER,
    LEGACY_USERNAME,
    MAPPINGS,
    NO_BOOKING,
    NO_EVENT,
    Fault,
    LegacyLink,
    LegacySide,
    Pair,
    can_own,
    event_values,
    is_syncable,
    legacy_side,
)
from include.demo.people import triple
from include.demo.salesforce_side import KEY
from include.legacy import UPGRADE_FLAG
from include.source import tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Engine

    from include.demo.local_org import LocalOrg
    from include.demo.org_seeding import SeededOrg
    from include.demo.plan import Row
    from include.salesforce.gateway import SalesforceGateway

_LONGEST_NAME: Final = 80
_GONE_TOO: Final = "00U000000000zzy"
_GONE_AS_WELL: Final = "00U000000000zzx"
"""Ids of Events in their old form of 15 characters."""


@dataclass(frozen=True, slots=True)
class _People:
    """The records that the legacy integration knew, by client, and the Leads that it created; one person has one."""

    of_client: dict[int, str]
    created: list[str]


def fill_legacy(
    engine: Engine,
    gateway: SalesforceGateway,
    local_org: LocalOrg,
    seeded: SeededOrg,
    *,
    is_offered: bool,
    now: datetime,
) -> dict[str, int]:
    """Add what a legacy integration left to demo data that is there; return how many rows each table got.

    Args:
        engine: the booking database.
        gateway: the org.
        local_org: its control endpoints.
        seeded: what is in the org.
        is_offered: whether Coconut's upgrade flag is on (rule G2).
        now: when the flag was set.
    """
    clients = _clients(engine)
    side = legacy_side([pair for pair in _pairs(engine) if pair.client_id in clients], seeded.ids)
    (legacy_user,) = local_org.create_records("User", [_legacy_user()])
    wanted = {link.pair.client_id for link in side.links}
    people = _known_people(gateway, seeded, {number: clients[number] for number in sorted(wanted)}, local_org)
    events = _create_events(local_org, side, people, seeded)
    local_org.convert_leads(people.created[place] for place in CONVERTED_LATER if place < len(people.created))
    deleted = [events[link.pair] for link in side.links if link.fault is Fault.EVENT_DELETED]
    local_org.delete_records("Event", deleted)
    rows: dict[str, list[Row]] = {
        "legacy_event_links": [
            *(_link_row(link, events) for link in side.links),
            *_stray_links(side, events),
        ],
        "legacy_staff_links": [
            {"staff_id": staff_id, "salesforce_user_id": user} for staff_id, user in side.staff_users.items()
        ],
        "legacy_field_mappings": [
            {"id": number, "source_field": source, "sobject": sobject, "target_field": target}
            for number, (source, sobject, target) in enumerate(MAPPINGS, start=1)
        ],
        "legacy_settings": [
            {"name": "entity_type", "value": "lead"},
            {"name": "use_person_accounts", "value": "true"},
            {"name": "salesforce_user_id", "value": legacy_user},
        ],
        "feature_flags": [{"name": UPGRADE_FLAG, "enabled": is_offered, "updated_at": now}],
    }
    with engine.begin() as connection:
        for name, values in rows.items():
            if values:
                connection.execute(insert(tables.metadata.tables[name]), values)
    return {name: len(values) for name, values in rows.items()}


def _pairs(engine: Engine) -> list[Pair]:
    """Read the staffed bookings that the legacy integration could sync, with their attendees, in order."""
    booked, seats, services = tables.appointments, tables.attendees, tables.services
    query = (
        select(
            booked.c.id,
            seats.c.client_id,
            booked.c.staff_id,
            services.c.name,
            booked.c.status,
            booked.c.starts_at,
            booked.c.ends_at,
        )
        .join(seats, seats.c.appointment_id == booked.c.id)
        .join(services, services.c.id == booked.c.service_id)
        .where(
            booked.c.kind == "appointment",
            booked.c.status.in_(("booked", "confirmed", "complete", "no_show", "cancelled")),
            booked.c.staff_id.is_not(None),
            booked.c.deleted_at.is_(None),
            seats.c.deleted_at.is_(None),
        )
        .order_by(booked.c.id, seats.c.is_primary.desc(), seats.c.client_id)
    )
    with engine.connect() as connection:
        pairs = [Pair(*row) for row in connection.execute(query)]
    return [pair for pair in pairs if is_syncable(pair.starts_at, pair.ends_at)]


def _clients(engine: Engine) -> dict[int, Row]:
    """Read the clients whom Salesforce can hold."""
    query = select(tables.clients).where(
        tables.clients.c.deleted_at.is_(None), tables.clients.c.sync_disabled.is_(False)
    )
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return {
        row["id"]: row
        for row in rows
        if 0 < len((row["last_name"] or "").strip()) <= _LONGEST_NAME and "(at)" not in (row["email"] or "")
    }


def _known_people(
    gateway: SalesforceGateway, seeded: SeededOrg, clients: Mapping[int, Row], local_org: LocalOrg
) -> _People:
    """Find the records of clients, and create Leads for those whom the org does not know."""
    contacts = _contacts_of_converted(gateway, seeded)
    evidence: dict[int, object] = {
        number: triple(row["first_name"], row["last_name"], row["email"]) or number
        for number, row in clients.items()
    }
    records: dict[object, str] = {}
    unknown: dict[object, int] = {}
    for number, agrees in evidence.items():
        if known := seeded.ids.get(f"contact:{number}") or seeded.ids.get(f"lead:{number}"):
            records.setdefault(agrees, contacts.get(known, known))
    for number, agrees in evidence.items():
        if agrees not in records:
            unknown.setdefault(agrees, number)
    created = local_org.create_records("Lead", [_lead(clients[number]) for number in unknown.values()])
    records |= dict(zip(unknown, created, strict=True))
    return _People({number: records[agrees] for number, agrees in evidence.items()}, created)


def _contacts_of_converted(gateway: SalesforceGateway, seeded: SeededOrg) -> dict[str, str]:
    leads = [record for key, record in seeded.ids.items() if key.startswith("lead:")]
    found = gateway.query_in(
        select=("Id", "ConvertedContactId"), sobject="Lead", field="Id", values=leads
    ).dropna()
    return dict(zip(found["Id"], found["ConvertedContactId"], strict=True))


def _create_events(
    local_org: LocalOrg, side: LegacySide, people: _People, seeded: SeededOrg
) -> dict[Pair, str]:
    """Create the Events as the legacy writer's own User, and return their Ids."""
    rows = [
        {
            **event_values(link),
            "WhoId": people.of_client[link.pair.client_id],
            "OwnerId": side.staff_users[link.pair.staff_id]
            if can_own(link.pair.staff_id, side)
            else seeded.unassigned_owner,
        }
        for link in side.events
    ]
    ids = local_org.create_records("Event", rows, as_user=LEGACY_USERNAME)
    return dict(zip((link.pair for link in side.events), ids, strict=True))


def _link_row(link: LegacyLink, events: Mapping[Pair, str]) -> Row:
    named = {Fault.EVENT_GONE: NO_EVENT, Fault.NO_ID: "not synced"}
    event = named[link.fault] if link.event_of is None else events[link.event_of]
    return {
        "appointment_id": link.pair.appointment_id,
        "client_id": link.pair.client_id,
        "salesforce_event_id": event,
    }


def _stray_links(side: LegacySide, events: Mapping[Pair, str]) -> list[Row]:
    """Links whose booking is not there any more, and whose client never attended."""
    pairs = list(events)
    if not pairs:
        return []
    attending = {
        link.pair.client_id for link in side.links if link.pair.appointment_id == pairs[-1].appointment_id
    }
    stranger = next((pair.client_id for pair in pairs if pair.client_id not in attending), 0)
    return [
        {
            "appointment_id": NO_BOOKING,
            "client_id": pairs[0].client_id,
            "salesforce_event_id": _GONE_TOO,
        },
        {
            "appointment_id": pairs[-1].appointment_id,
            "client_id": stranger,
            "salesforce_event_id": _GONE_AS_WELL,
        },
    ]


def _lead(client: Row) -> Row:
    return {
        "FirstName": client["first_name"],
        "LastName": client["last_name"],
        "Email": client["email"],
        "Phone": client["phone"],
        "Company": client["company"] or "[not provided]",
        "LeadSource": "Coconut",
    }


def _legacy_user() -> Row:
    return {
        KEY: "user:legacy",
        "Username": LEGACY_USERNAME,
        "LastName": "Coconut legacy",
        "Email": "coconut.legacy@bank.example.com",
        "IsActive": True,
        "TimeZoneSidKey": "America/Halifax",
        "LocaleSidKey": "en_CA",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
    }
