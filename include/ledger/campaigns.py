"""Which bookings count towards a campaign, and what Coconut asked of its members (rule M13)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, and_, delete, func, literal, or_, select, true

from include.frames import CAMPAIGN_BOOKINGS
from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import CAMPAIGN_MEMBERS, FORWARDS, NAMED_CAMPAIGNS, SETTLED_CAMPAIGN_BOOKINGS
from include.ledger.engine import upsert
from include.ledger.tables import campaign_bookings, campaign_members, person_links
from include.ledger.types import Instant


def bookings_of_pairs(connection: Connection, booking_keys: Collection[str]) -> pd.DataFrame:
    """Return those of these pairs that count towards a campaign (``CAMPAIGN_BOOKINGS``)."""
    keys = stage_keys(connection, booking_keys)
    query = _bookings().join(keys, keys.c.key == campaign_bookings.c.booking_key)
    return read(connection, query, CAMPAIGN_BOOKINGS)


def bookings_of_people(
    connection: Connection, client_ids: Collection[str], record_ids: Collection[str]
) -> pd.DataFrame:
    """Return what counts of these clients, and of every client who is linked to one of these records."""
    clients = select(stage_keys(connection, client_ids).c.key)
    own = read(connection, _bookings().where(campaign_bookings.c.client_id.in_(clients)), CAMPAIGN_BOOKINGS)
    records = select(stage_keys(connection, record_ids).c.key)
    of_records = read(connection, _bookings().where(person_links.c.record_id.in_(records)), CAMPAIGN_BOOKINGS)
    return pd.concat([own, of_records], ignore_index=True).drop_duplicates("booking_key", ignore_index=True)


def record_bookings(connection: Connection, pairs: pd.DataFrame, *, now: datetime) -> None:
    """Record these pairs (``SETTLED_CAMPAIGN_BOOKINGS``); one that is known in a newer version stays as it is."""
    staged = stage(connection, SETTLED_CAMPAIGN_BOOKINGS, pairs)
    names = list(SETTLED_CAMPAIGN_BOOKINGS.columns)
    rows = select(*(staged.c[name] for name in names), literal(now, Instant())).where(true())
    recorded = upsert(connection, campaign_bookings).from_select(
        [*names, "updated_at"], rows.order_by(staged.c.booking_key)
    )
    new, old = recorded.excluded, campaign_bookings.c
    connection.execute(
        recorded.on_conflict_do_update(
            index_elements=[old.booking_key],
            set_={name: new[name] for name in [*names, "updated_at"] if name != "booking_key"},
            where=old.source_version <= new.source_version,
        )
    )


def members_of(connection: Connection, record_ids: Collection[str]) -> pd.DataFrame:
    """Return what is known of these people's memberships (``CAMPAIGN_MEMBERS``)."""
    keys = stage_keys(connection, record_ids)
    query = select(*(campaign_members.c[name] for name in CAMPAIGN_MEMBERS.columns))
    query = query.join(keys, keys.c.key == campaign_members.c.record_id)
    return read(
        connection,
        query.order_by(campaign_members.c.record_id, campaign_members.c.campaign_id),
        CAMPAIGN_MEMBERS,
    )


def drop_notes(connection: Connection, named: pd.DataFrame) -> None:
    """Drop the notes about names that lead to a Campaign by now (``NAMED_CAMPAIGNS``)."""
    staged = stage(connection, NAMED_CAMPAIGNS, named)
    members = campaign_members.c
    resolved = select(staged.c.campaign).where(
        staged.c.campaign == members.campaign_id, staged.c.record_id == members.record_id
    )
    connection.execute(delete(campaign_members).where(resolved.exists(), members.member_id.is_(None)))


def record_members(connection: Connection, members: pd.DataFrame, *, now: datetime) -> None:
    """Keep what became of memberships (``CAMPAIGN_MEMBERS``): what is missing here stays as it was."""
    staged = stage(connection, CAMPAIGN_MEMBERS, members)
    names = ["campaign_id", "record_id", "member_id", "member_status", "note"]
    rows = select(*(staged.c[name] for name in names), literal(now, Instant())).where(true())
    recorded = upsert(connection, campaign_members).from_select(
        [*names, "updated_at"], rows.order_by(staged.c.campaign_id, staged.c.record_id)
    )
    new, old = recorded.excluded, campaign_members.c
    connection.execute(
        recorded.on_conflict_do_update(
            index_elements=[old.campaign_id, old.record_id],
            set_={
                "member_id": func.coalesce(new.member_id, old.member_id),
                "member_status": func.coalesce(new.member_status, old.member_status),
                "note": new.note,
                "updated_at": new.updated_at,
            },
            where=or_(
                *(
                    and_(new[name].is_not(None), old[name].is_distinct_from(new[name]))
                    for name in ("member_id", "member_status")
                ),
                old.note.is_distinct_from(new.note),
            ),
        )
    )


def follow(connection: Connection, forwards: pd.DataFrame, *, now: datetime) -> None:
    """Give what was asked of a converted or merged record to its successor; what the successor has already stays.

    Salesforce moves the memberships themselves, and drops the second of two in one Campaign.
    """
    staged = stage(connection, FORWARDS, forwards)
    kept = ["campaign_id", "member_id", "member_status", "note"]
    members = campaign_members.c
    moved = (
        select(*(members[name] for name in kept), staged.c.new_id, literal(now, Instant()))
        .join(staged, staged.c.old_id == members.record_id)
        .where(staged.c.new_id.is_not(None))
        .order_by(members.campaign_id, members.updated_at.desc(), members.record_id)
    )
    names = [*kept, "record_id", "updated_at"]
    connection.execute(
        upsert(connection, campaign_members).from_select(names, moved).on_conflict_do_nothing()
    )
    connection.execute(delete(campaign_members).where(members.record_id.in_(select(staged.c.old_id))))


def _bookings() -> Select[Any]:
    """Select the bookings that count, with who the attendee is now."""
    known = campaign_bookings.outerjoin(
        person_links, person_links.c.client_id == campaign_bookings.c.client_id
    )
    booking = campaign_bookings.c
    return (
        select(
            booking.booking_key,
            booking.campaign_id,
            booking.client_id,
            person_links.c.record_id.label("person_ref"),
            person_links.c.who_id,
            booking.status,
        )
        .select_from(known)
        .where(booking.campaign_id.is_not(None))
        .order_by(booking.booking_key)
    )
