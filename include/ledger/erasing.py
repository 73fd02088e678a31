"""What the ledger knows of a client, and how it forgets them (rule Q11).

Keys and Ids stay: without them the next run would write the client's Events a second time, or create the person anew.
Everything with a value of the person in it goes, and so does what was noted about their bookings as a whole, because
notes and answers of a booking stand in the payloads of all its attendees.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    union,
    update,
)

from include.frames import TEXT, FrameContract
from include.ledger import binding, switches
from include.ledger.bulk import read, stage_keys
from include.ledger.jobs import FINISHED
from include.ledger.migration_items import is_image_of
from include.ledger.runs import RunState
from include.ledger.tables import (
    campaign_bookings,
    campaign_members,
    claim_keys,
    client_outcomes,
    client_switches,
    erasures,
    event_links,
    field_reports,
    jobs,
    match_decisions,
    migration_images,
    outcomes,
    person_claims,
    person_links,
    phone_index,
    quarantine,
    runs,
)
from include.matching.normalise import SOBJECT_BY_PREFIX

_CLIENTS = FrameContract("clients_of_erasures", {"client_id": TEXT})

_EVENT = "Event"
_SHARED_IDENTITIES = ("client:%", "account-of:client:%", "company:%")
"""Identities that are no digest of a person's values: the client's own id, and the name of a company."""


@dataclass(frozen=True, slots=True)
class ClientTraces:
    """By what keys and Ids the rows about a client are told; none of them is a value of the person.

    ``record_ids`` are the records and the Ids that Events point at. ``also_linked`` are other clients who are the same
    record.
    """

    client_id: str
    appointment_ids: frozenset[str]
    booking_keys: frozenset[str]
    record_ids: frozenset[str]
    event_ids: frozenset[str]
    claim_keys: frozenset[str]
    also_linked: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Tell whether the ledger ever met the client."""
        return bool(self.booking_keys or self.record_ids or self.claim_keys)

    @property
    def salesforce_ids(self) -> dict[str, list[str]]:
        """Return the records that stay in Salesforce, for a person to see to, by object."""
        ids: dict[str, list[str]] = {}
        for one in sorted(self.record_ids | self.event_ids):
            ids.setdefault(SOBJECT_BY_PREFIX.get(one[:3], _EVENT), []).append(one)
        return ids


@dataclass(frozen=True, slots=True)
class _Removal:
    """Rows that go, or, where columns are named, lose what stands in these."""

    table: Table
    where: ColumnElement[bool]
    blanked: tuple[str, ...] = ()

    @property
    def concerned(self) -> ColumnElement[bool]:
        """Return which rows still hold something."""
        if not self.blanked:
            return self.where
        return and_(self.where, or_(*(self.table.c[name].is_not(None) for name in self.blanked)))


def traces_of(connection: Connection, client_id: str) -> ClientTraces:
    """Return what the ledger knows a client by."""
    keys = frozenset(connection.execute(_booking_keys(client_id)).scalars())
    links = connection.execute(
        select(person_links.c.record_id, person_links.c.who_id).where(person_links.c.client_id == client_id)
    ).all()
    claimed = connection.execute(
        select(person_claims.c.record_id).where(_is_own_claim(connection, client_id))
    ).scalars()
    linked_events = select(event_links.c.event_id).where(
        event_links.c.client_id == client_id, event_links.c.event_id.is_not(None)
    )
    pictured = select(migration_images.c.event_id).where(migration_images.c.client_id == client_id)
    others = select(person_links.c.client_id).where(
        person_links.c.client_id != client_id, person_links.c.record_id.in_(_record_ids(client_id))
    )
    return ClientTraces(
        client_id=client_id,
        appointment_ids=frozenset(connection.execute(_appointment_ids(client_id)).scalars()),
        booking_keys=keys,
        record_ids=frozenset({*(one for link in links for one in link), *claimed} - {None}),
        event_ids=frozenset(connection.execute(union(linked_events, pictured)).scalars()),
        claim_keys=frozenset(connection.execute(_own_claim_keys(connection, client_id)).scalars()),
        also_linked=tuple(sorted(connection.execute(others).scalars())),
    )


def count(connection: Connection, client_id: str) -> dict[str, int]:
    """Return how many rows of which table an erasure would remove or empty, tables without any left out."""
    found: dict[str, int] = {}
    for removal in _removals(connection, client_id):
        rows = connection.execute(
            select(func.count()).select_from(removal.table).where(removal.concerned)
        ).scalar_one()
        found[removal.table.name] = found.get(removal.table.name, 0) + rows
    return {name: rows for name, rows in found.items() if rows}


def erase(connection: Connection, client_id: str) -> dict[str, int]:
    """Remove or empty these rows and return how many of which table; doing it again finds none."""
    removed: dict[str, int] = {}
    for removal in _removals(connection, client_id):
        statement = (
            update(removal.table).values(dict.fromkeys(removal.blanked))
            if removal.blanked
            else delete(removal.table)
        )
        rows = connection.execute(statement.where(removal.concerned)).rowcount
        removed[removal.table.name] = removed.get(removal.table.name, 0) + rows
    return {name: rows for name, rows in removed.items() if rows}


# --- the record of erasures


def begin(connection: Connection, client_ids: Collection[str], *, who: str, now: datetime) -> None:
    """Switch the clients off, and note that their erasure began; one that broke off before goes on."""
    switches.switch(connection, client_ids, is_disabled=True, who=who, now=now)
    begun = set(
        connection.execute(select(erasures.c.client_id).where(erasures.c.finished_at.is_(None))).scalars()
    )
    new = [
        {"client_id": one, "erased_by": who, "erased_at": now, "removed": {}, "salesforce_ids": {}}
        for one in sorted(set(client_ids) - begun)
    ]
    if new:
        connection.execute(insert(erasures), new)


def finish(
    connection: Connection, traces: ClientTraces, *, removed: Mapping[str, int], now: datetime
) -> None:
    """Note what the client's erasure removed; one that found nothing after an earlier one leaves no row."""
    is_open = and_(erasures.c.client_id == traces.client_id, erasures.c.finished_at.is_(None))
    earlier = select(erasures.c.id).where(
        erasures.c.client_id == traces.client_id, erasures.c.finished_at.is_not(None)
    )
    if not removed and connection.execute(earlier.limit(1)).first() is not None:
        connection.execute(delete(erasures).where(is_open))
        return
    ended = update(erasures).where(is_open)
    connection.execute(
        ended.values(removed=dict(removed), salesforce_ids=traces.salesforce_ids, finished_at=now)
    )


def erased(connection: Connection, client_ids: Collection[str]) -> frozenset[str]:
    """Return those of these clients who were erased, or are being erased, and whom nobody enabled again."""
    keys = stage_keys(connection, client_ids)
    newest = select(func.max(client_switches.c.id)).group_by(client_switches.c.client_id)
    query = (
        select(keys.c.key.label("client_id"))
        .join(client_switches, client_switches.c.client_id == keys.c.key)
        .where(
            client_switches.c.is_disabled,
            client_switches.c.id.in_(newest),
            exists(select(erasures.c.id).where(erasures.c.client_id == keys.c.key)),
        )
    )
    return frozenset(read(connection, query, _CLIENTS)["client_id"].tolist())


def runs_at_work(connection: Connection, *, since: datetime) -> frozenset[str]:
    """Return the runs that began after an instant and have not ended, and all whose jobs have not."""
    at_work = select(runs.c.run_id).where(runs.c.state == RunState.RUNNING.value, runs.c.started_at > since)
    unsettled = select(jobs.c.run_id).where(jobs.c.state.not_in([state.value for state in FINISHED]))
    return frozenset(connection.execute(union(at_work, unsettled)).scalars())


# --- which rows


def _removals(connection: Connection, client_id: str) -> Iterator[_Removal]:
    is_own_record = campaign_members.c.record_id.in_(_record_ids(client_id))
    yield _Removal(match_decisions, match_decisions.c.client_id == client_id)
    yield _Removal(field_reports, field_reports.c.client_id == client_id)
    yield _Removal(campaign_bookings, campaign_bookings.c.client_id == client_id)
    namespace = binding.bound_namespace(connection) or ""
    yield _Removal(migration_images, is_image_of(client_id, namespace=namespace), ("image",))
    yield _Removal(
        campaign_members, and_(is_own_record, not_(_is_shared(campaign_members.c.record_id, client_id)))
    )
    is_ours = phone_index.c.record_id.in_(_created_ids(client_id))
    yield _Removal(phone_index, and_(is_ours, not_(_is_shared(phone_index.c.record_id, client_id))))
    yield _Removal(person_claims, and_(_is_own_claim(connection, client_id), _is_digest_of_values()))
    # The pairs' own rows, by which the others are told, come last.
    keys = _booking_keys(client_id)
    yield _Removal(outcomes, outcomes.c.booking_key.in_(keys), ("detail",))
    yield _Removal(quarantine, quarantine.c.client_id == client_id, ("detail",))
    yield _Removal(client_outcomes, client_outcomes.c.client_id == client_id, ("detail", "settled_digest"))
    yield _Removal(
        event_links,
        event_links.c.appointment_id.in_(_appointment_ids(client_id)),
        ("payload", "payload_hash"),
    )
    yield _Removal(event_links, event_links.c.client_id == client_id, ("settled_digest", "adopted_digest"))
    yield _Removal(person_links, person_links.c.client_id == client_id, ("written_values",))


def _booking_keys(client_id: str) -> Select[str]:
    linked = select(event_links.c.booking_key).where(event_links.c.client_id == client_id)
    waiting = select(quarantine.c.booking_key).where(quarantine.c.client_id == client_id)
    return select(union(linked, waiting).subquery().c.booking_key)


def _appointment_ids(client_id: str) -> Select[str]:
    own = event_links.alias("own_pairs")
    linked = select(own.c.appointment_id).where(own.c.client_id == client_id)
    waiting = select(quarantine.c.appointment_id).where(quarantine.c.client_id == client_id)
    return select(union(linked, waiting).subquery().c.appointment_id)


def _record_ids(client_id: str) -> Select[str]:
    own = person_links.alias("own_link")
    records = select(own.c.record_id).where(own.c.client_id == client_id)
    pointed_at = select(own.c.who_id).where(own.c.client_id == client_id, own.c.who_id.is_not(None))
    return select(union(records, pointed_at).subquery().c.record_id)


def _created_ids(client_id: str) -> Select[str]:
    """Return the records that we created for the client; by the phones of others, other clients are found too."""
    own = person_links.alias("created_link")
    return select(own.c.record_id).where(own.c.client_id == client_id, own.c.created_by_us)


def _is_shared(record_id: ColumnElement[str], client_id: str) -> ColumnElement[bool]:
    other = person_links.alias("other_link")
    is_same = or_(other.c.record_id == record_id, other.c.who_id == record_id)
    return exists(select(other.c.client_id).where(is_same, other.c.client_id != client_id))


def _is_own_claim(connection: Connection, client_id: str) -> ColumnElement[bool]:
    """Tell the claims under keys of the client; a company's belong to all its people."""
    return and_(
        person_claims.c.claim_key.in_(_own_claim_keys(connection, client_id)),
        person_claims.c.identity.not_like("company:%"),
    )


def _is_digest_of_values() -> ColumnElement[bool]:
    """Tell the identities that somebody who knows name and e-mail could make again."""
    return and_(*(person_claims.c.identity.not_like(form) for form in _SHARED_IDENTITIES))


def _own_claim_keys(connection: Connection, client_id: str) -> Select[str]:
    """Return the keys handed out for the client, but for those that lead other clients to their record too."""
    base = (binding.bound_namespace(connection) or "") + client_id
    linked = select(person_links.c.claim_key).where(
        person_links.c.client_id == client_id, person_links.c.claim_key.is_not(None)
    )
    handed_out = select(claim_keys.c.claim_key).where(claim_keys.c.base == base)
    keys = union(linked, handed_out).subquery()
    other = person_links.alias("other_holder")
    is_shared = exists(
        select(other.c.client_id).where(other.c.claim_key == keys.c.claim_key, other.c.client_id != client_id)
    )
    return select(keys.c.claim_key).where(not_(is_shared))
