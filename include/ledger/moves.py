"""What has to be read again although its rows did not change: dirty keys, and pairs whose wait is over (Q2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, true

from include.frames import TEXT, FrameContract
from include.ledger import switches
from include.ledger.bulk import read
from include.ledger.contracts import WAITING
from include.ledger.people import ADMIN_CHOICE
from include.ledger.settings_store import SettingsVersion
from include.ledger.tables import (
    dirty_keys,
    event_links,
    match_decisions,
    person_links,
    quarantine,
    staff_links,
)
from include.reasons import REASONS, Outcome, Reason, WaitsFor

KINDS = ("appointment", "walk_in")
_SCOPE = ("scope_services", "scope_locations", "scope_statuses")
_APPOINTMENTS = FrameContract("appointments", {"appointment_id": TEXT})


def dirty_appointments(connection: Connection, kinds: tuple[str, ...]) -> frozenset[int]:
    """Return the bookings that must be read again."""
    kind = func.coalesce(event_links.c.kind, quarantine.c.kind)
    query = (
        select(dirty_keys.c.appointment_id)
        .outerjoin(event_links, event_links.c.booking_key == dirty_keys.c.booking_key)
        .outerjoin(quarantine, quarantine.c.booking_key == dirty_keys.c.booking_key)
        .where(_is_selected(kind, kinds))
    )
    return _ids(read(connection, query, _APPOINTMENTS))


def waiting(connection: Connection, kinds: tuple[str, ...], waits_for: Iterable[WaitsFor]) -> pd.DataFrame:
    """Return the pairs that wait for one of these."""
    wanted = quarantine.c.waits_for.in_([str(one) for one in waits_for])
    return _waiting(connection, kinds, wanted)


def moved_appointments(
    connection: Connection,
    kinds: tuple[str, ...],
    *,
    settings: SettingsVersion,
    moved_clients: Callable[[pd.DataFrame], set[str]],
    active_users: Callable[[set[str]], set[str]],
    now: datetime,
    since: datetime | None = None,
) -> frozenset[int]:
    """Return the bookings whose wait is over; links that moved before ``since`` were heard by an earlier run."""
    moved = (
        _waiting(
            connection, kinds, and_(quarantine.c.waits_for == WaitsFor.STAFF_LINK.value, _staff_link_moved())
        ),
        _waiting(connection, kinds, and_(quarantine.c.waits_for == WaitsFor.PERSON.value, _person_moved())),
        _waiting(connection, kinds, and_(quarantine.c.outcome == Outcome.DISABLED.value, _switch_moved())),
        _moved_clients(waiting(connection, kinds, [WaitsFor.CLIENT]), moved_clients),
        ruled_otherwise(waiting(connection, kinds, [WaitsFor.CLIENT, WaitsFor.PERSON]), settings.changed_at),
        moved_settings(waiting(connection, kinds, [WaitsFor.SETTING]), settings.changed_at),
        moved_users(
            waiting(connection, kinds, [WaitsFor.SALESFORCE_USER]), settings.changed_at, active_users
        ),
        _events_of_moved_staff(connection, kinds, since),
        _events_of_moved_people(connection, kinds, now, since),
    )
    return frozenset().union(*(_ids(rows) for rows in moved))


def _is_selected(kind: ColumnElement[Any], kinds: tuple[str, ...]) -> ColumnElement[bool]:
    """Tell that a kind is one of the selection's, or none that any selection knows."""
    return or_(kind.is_(None), kind.in_(kinds), kind.not_in(KINDS))


def _waiting(connection: Connection, kinds: tuple[str, ...], wanted: ColumnElement[bool]) -> pd.DataFrame:
    query = select(*(quarantine.c[name] for name in WAITING.columns))
    query = query.where(wanted, _is_selected(quarantine.c.kind, kinds)).order_by(quarantine.c.booking_key)
    return read(connection, query, WAITING)


def _staff_link_moved() -> ColumnElement[bool]:
    return exists(
        select(staff_links.c.staff_id).where(
            staff_links.c.staff_id == quarantine.c.waits_for_key,
            staff_links.c.updated_at > quarantine.c.last_seen_at,
        )
    )


def _person_moved() -> ColumnElement[bool]:
    link_moved = select(person_links.c.client_id).where(
        person_links.c.client_id == quarantine.c.client_id,
        person_links.c.updated_at > quarantine.c.last_seen_at,
        person_links.c.last_run_id != quarantine.c.last_run_id,  # whoever moved the link knew it
    )
    chosen = select(match_decisions.c.client_id).where(
        match_decisions.c.client_id == quarantine.c.client_id,
        match_decisions.c.evidence == ADMIN_CHOICE,
        match_decisions.c.decided_at > quarantine.c.last_seen_at,
        match_decisions.c.run_id != quarantine.c.last_run_id,
    )
    return or_(exists(link_moved), exists(chosen))


def _switch_moved() -> ColumnElement[bool]:
    return switches.moved_since(quarantine.c.client_id, quarantine.c.last_seen_at)


def _moved_clients(rows: pd.DataFrame, moved_clients: Callable[[pd.DataFrame], set[str]]) -> pd.DataFrame:
    if rows.empty:
        return rows
    known = rows.dropna(subset=["client_id"])
    seen = known[["client_id", "client_version"]].drop_duplicates(ignore_index=True)
    return rows[rows["client_id"].isin(moved_clients(seen))] if len(seen) else rows.iloc[:0]


def moved_settings(rows: pd.DataFrame, changed_at: Mapping[str, datetime]) -> pd.DataFrame:
    """Return the rows of which a setting named in ``waits_for_key`` changed since they were last seen."""
    return rows[_changed_since(rows["waits_for_key"], rows["last_seen_at"], changed_at)]


def moved_users(
    rows: pd.DataFrame, changed_at: Mapping[str, datetime], active_users: Callable[[set[str]], set[str]]
) -> pd.DataFrame:
    """Return the rows whose user is active now, or whose setting may name another user by now."""
    if rows.empty:
        return rows
    users = set(rows["waits_for_key"].dropna())
    is_active = rows["waits_for_key"].isin(active_users(users) if users else set())
    rests_on_setting = ruled_otherwise(rows, changed_at)
    return rows[is_active | rows.index.isin(rests_on_setting.index)]


def ruled_otherwise(rows: pd.DataFrame, changed_at: Mapping[str, datetime]) -> pd.DataFrame:
    """Return the rows whose reason rests on a setting that changed since they were last seen."""
    names = rows["reason"].map({reason.value: REASONS[reason].setting for reason in Reason}).astype(TEXT)
    return rows[_changed_since(names.mask(names == ""), rows["last_seen_at"], changed_at)]


def _changed_since(
    names: pd.Series[Any], seen_at: pd.Series[Any], changed_at: Mapping[str, datetime]
) -> pd.Series[bool]:
    newest = {key: _newest_change(key, changed_at) for key in names.dropna().unique()}
    changed = pd.to_datetime(names.map(newest), utc=True)
    return changed > seen_at


def _newest_change(key: str, changed_at: Mapping[str, datetime]) -> datetime | None:
    names = [name.strip() for name in key.split(",")]
    expanded = [setting for name in names for setting in (_SCOPE if name == "scope" else (name,))]
    return max((changed_at[name] for name in expanded if name in changed_at), default=None)


def _events_of_moved_staff(
    connection: Connection, kinds: tuple[str, ...], since: datetime | None
) -> pd.DataFrame:
    """Return the bookings with Events that were given to somebody else for want of a link that is there now (S7)."""
    query = (
        select(event_links.c.appointment_id)
        .join(staff_links, staff_links.c.staff_id == event_links.c.staff_id)
        .where(
            event_links.c.event_id.is_not(None),
            staff_links.c.user_is_active,
            staff_links.c.salesforce_user_id.is_not(None),
            staff_links.c.salesforce_user_id.is_distinct_from(event_links.c.owner_id),
            staff_links.c.updated_at > event_links.c.read_at,
            _has_moved_since(staff_links.c.updated_at, since),
            _is_selected(event_links.c.kind, kinds),
        )
    )
    return read(connection, query, _APPOINTMENTS)


def _events_of_moved_people(
    connection: Connection, kinds: tuple[str, ...], now: datetime, since: datetime | None
) -> pd.DataFrame:
    """Return the bookings whose upcoming Event belongs to somebody its client was taken for before (M1)."""
    query = (
        select(event_links.c.appointment_id)
        .join(person_links, person_links.c.client_id == event_links.c.client_id)
        .where(
            event_links.c.event_id.is_not(None),
            event_links.c.ends_at >= now,
            person_links.c.who_id.is_distinct_from(event_links.c.who_id),
            person_links.c.updated_at > event_links.c.read_at,
            _has_moved_since(person_links.c.updated_at, since),
            _is_selected(event_links.c.kind, kinds),
        )
    )
    return read(connection, query, _APPOINTMENTS)


def _has_moved_since(moved_at: ColumnElement[datetime], since: datetime | None) -> ColumnElement[bool]:
    """Leave only links that moved lately to be looked at, so that a look costs what moved and not what there is."""
    return true() if since is None else moved_at > since


def _ids(rows: pd.DataFrame) -> frozenset[int]:
    return frozenset(int(one) for one in rows["appointment_id"].unique())
