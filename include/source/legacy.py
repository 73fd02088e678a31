"""What Coconut's legacy integration with Salesforce left in the booking database (rules G1, G2, G5, G8).

It is only read. A replica without these tables belongs to an organisation that never was on the legacy integration:
whatever is missing reads as empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, inspect, select

from include.frames import TEXT, FrameContract
from include.legacy import UPGRADE_FLAG
from include.source.columns import ColumnsRead, among, fetch_frame, selected
from include.source.snapshot import open_snapshot
from include.source.tables import (
    feature_flags,
    legacy_event_links,
    legacy_field_mappings,
    legacy_settings,
    legacy_staff_links,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from sqlalchemy import Connection, Engine, Select, Table

LEGACY_MAPPINGS: Final = FrameContract(
    "legacy_field_mappings",
    {
        # sources are called client.<column>, appointment.<column> or answer.<name of the question>
        "mapping_id": TEXT,
        "source_field": TEXT,
        "sobject": TEXT,
        "target_field": TEXT,
    },
)

LEGACY_STAFF_LINKS: Final = FrameContract(
    "legacy_staff_links", {"staff_id": TEXT, "salesforce_user_id": TEXT}
)

LEGACY_EVENT_LINKS: Final = FrameContract(
    "legacy_event_links",
    {
        # one row per booking and attendee whose Event the legacy integration made; its Id as Coconut holds it
        "appointment_id": TEXT,
        "client_id": TEXT,
        "event_id": TEXT,
    },
)

_TABLES: Final = (
    feature_flags,
    legacy_settings,
    legacy_field_mappings,
    legacy_staff_links,
    legacy_event_links,
)

START: Final = (0, 0)
"""The place before the first event link; numbers of Coconut are positive."""

_MAPPINGS: Final[ColumnsRead] = {
    "mapping_id": (legacy_field_mappings.c.id, TEXT),
    "source_field": (legacy_field_mappings.c.source_field, TEXT),
    "sobject": (legacy_field_mappings.c.sobject, TEXT),
    "target_field": (legacy_field_mappings.c.target_field, TEXT),
}
_STAFF: Final[ColumnsRead] = {
    "staff_id": (legacy_staff_links.c.staff_id, TEXT),
    "salesforce_user_id": (legacy_staff_links.c.salesforce_user_id, TEXT),
}
_EVENTS: Final[ColumnsRead] = {
    "appointment_id": (legacy_event_links.c.appointment_id, TEXT),
    "client_id": (legacy_event_links.c.client_id, TEXT),
    "event_id": (legacy_event_links.c.salesforce_event_id, TEXT),
}


@dataclass(frozen=True, slots=True)
class LinksFingerprint:
    """What tells cheaply whether event links came, went or were written over.

    ``links`` counts them, ``appointments`` and ``clients`` are sums of their numbers, ``greatest_event_id`` is the last
    Event Id in the order of text, which grows with every Event that Salesforce makes.
    """

    links: int = 0
    appointments: int = 0
    clients: int = 0
    greatest_event_id: str = ""


def has_legacy_links(engine: Engine) -> bool:
    """Tell whether the organisation has Events that the legacy integration made (rule G1).

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    with open_snapshot(engine) as connection:
        if not _is_there(connection, legacy_event_links):
            return False
        query = select(legacy_event_links.c.appointment_id).limit(1)
        return connection.execute(query).first() is not None


def missing_legacy_tables(engine: Engine) -> list[str]:
    """Return the names of the legacy integration's tables that the database lacks.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    with open_snapshot(engine) as connection:
        return [table.name for table in _TABLES if not _is_there(connection, table)]


def is_upgrade_offered(engine: Engine) -> bool:
    """Tell whether Coconut's feature flag for the migration is on (rule G2); one that is not there is off.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    with open_snapshot(engine) as connection:
        if not _is_there(connection, feature_flags):
            return False
        query = select(feature_flags.c.enabled).where(feature_flags.c.name == UPGRADE_FLAG)
        return connection.execute(query).scalar_one_or_none() is True


def read_legacy_settings(engine: Engine) -> dict[str, str]:
    """Return the legacy integration's settings by name; those without a value are left out.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    with open_snapshot(engine) as connection:
        if not _is_there(connection, legacy_settings):
            return {}
        rows = connection.execute(select(legacy_settings.c.name, legacy_settings.c.value))
        return {str(name): str(value) for name, value in rows if value is not None}


def read_legacy_field_mappings(engine: Engine) -> pd.DataFrame:
    """Return all field mappings of the legacy integration (``LEGACY_MAPPINGS``) by number.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    return _read_all(engine, legacy_field_mappings, _MAPPINGS, LEGACY_MAPPINGS)


def read_legacy_staff_links(engine: Engine) -> pd.DataFrame:
    """Return all staff links of the legacy integration (``LEGACY_STAFF_LINKS``) by staff member.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    return _read_all(engine, legacy_staff_links, _STAFF, LEGACY_STAFF_LINKS)


def legacy_event_links_after(engine: Engine, after: tuple[int, int], limit: int) -> pd.DataFrame:
    """Return up to ``limit`` event links (``LEGACY_EVENT_LINKS``) that come after a booking and attendee.

    Args:
        engine: the booking database.
        after: numbers of booking and client; ``START`` begins at the first link.
        limit: most rows returned; fewer mean that there are no more.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    own, (appointment_id, client_id) = legacy_event_links.c, after
    with open_snapshot(engine) as connection:
        if not _is_there(connection, legacy_event_links):
            return LEGACY_EVENT_LINKS.empty()
        # Not a comparison of tuples, for which some databases have no syntax and others no index.
        comes_after = (own.appointment_id > appointment_id) | (
            (own.appointment_id == appointment_id) & (own.client_id > client_id)
        )
        query = _event_links(connection).where(own.appointment_id >= appointment_id, comes_after)
        return LEGACY_EVENT_LINKS.conform(fetch_frame(connection, query.limit(limit), _EVENTS))


def legacy_event_links_of(engine: Engine, appointment_ids: Collection[str]) -> pd.DataFrame:
    """Return all event links of these bookings (``LEGACY_EVENT_LINKS``).

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    wanted = {int(one) for one in appointment_ids}
    with open_snapshot(engine) as connection:
        if not wanted or not _is_there(connection, legacy_event_links):
            return LEGACY_EVENT_LINKS.empty()
        of_bookings = among(legacy_event_links.c.appointment_id, wanted, connection.dialect)
        query = _event_links(connection).where(of_bookings)
        return LEGACY_EVENT_LINKS.conform(fetch_frame(connection, query, _EVENTS))


def links_fingerprint(engine: Engine) -> LinksFingerprint:
    """Return what the event links add up to (rule G8).

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or the read.
    """
    own = legacy_event_links.c
    with open_snapshot(engine) as connection:
        if not _is_there(connection, legacy_event_links):
            return LinksFingerprint()
        query = select(
            func.count(),
            func.coalesce(func.sum(own.appointment_id), 0),
            func.coalesce(func.sum(own.client_id), 0),
            func.coalesce(func.max(own.salesforce_event_id), ""),
        )
        links, appointments, clients, greatest = connection.execute(
            query.select_from(legacy_event_links)
        ).one()
    return LinksFingerprint(int(links), int(appointments), int(clients), str(greatest))


def _read_all(engine: Engine, table: Table, columns: ColumnsRead, contract: FrameContract) -> pd.DataFrame:
    with open_snapshot(engine) as connection:
        if not _is_there(connection, table):
            return contract.empty()
        query = select(*selected(columns, connection.dialect)).order_by(*table.primary_key)
        return contract.conform(fetch_frame(connection, query, columns))


def _event_links(connection: Connection) -> Select[Any]:
    own = legacy_event_links.c
    return select(*selected(_EVENTS, connection.dialect)).order_by(own.appointment_id, own.client_id)


def _is_there(connection: Connection, table: Table) -> bool:
    return inspect(connection).has_table(table.name)
