"""What Coconut says of each person, as the rows that field mappings read (rules F1, F2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import BOOKINGS, CLIENTS
from include.mapping.field_sources import booking_columns, client_columns
from include.mapping.wire_text import single_line
from include.matching.group import client_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from include.settings.field_mapping import FieldMapping

_OF_BOOKINGS: Final = ("booking.", "answer.")


def reads_bookings(mappings: Iterable[FieldMapping]) -> bool:
    """Tell whether any mapping reads bookings, or the answers given with them."""
    return any(source.startswith(_OF_BOOKINGS) for mapping in mappings for source in mapping.sources)


def newest_bookings(bookings: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return the newest booking of each person: contract ``BOOKINGS`` and ``person_ref``.

    The newest is the one booked last, of several the one with the greatest id; a booking that was deleted, or that the
    person left, only counts where there is no other. What several chunks came to can be given again as ``bookings``.

    Args:
        bookings: ``frames.BOOKINGS``.
        people: ``client_id`` and ``person_ref`` of every client of the people asked for.
    """
    pairs = bookings[list(BOOKINGS.columns)].merge(people[["client_id", "person_ref"]], on="client_id")
    pairs = pairs.assign(
        is_there=~(pairs["booking_deleted"] | pairs["attendee_deleted"]),
        order=client_order(pairs["appointment_id"]),
    )
    pairs = pairs.sort_values(["is_there", "booked_at", "order"], na_position="first", kind="stable")
    newest = pairs.drop_duplicates("person_ref", keep="last")
    return newest.drop(columns=["is_there", "order"]).reset_index(drop=True)


def source_rows(people: pd.DataFrame, newest: pd.DataFrame, mappings: Sequence[FieldMapping]) -> pd.DataFrame:
    """Return the rows that field mappings read, with the index of ``people``.

    Salesforce has no person without a last name: a client with one name only has it as the last name.

    Args:
        people: contract ``CLIENTS`` and ``person_ref``.
        newest: as ``newest_bookings`` returns it.
        mappings: those of the people's sObject.

    Returns:
        ``client_id``, ``appointment_id`` and the sources that the mappings read; those of a booking are missing where
        the run read none of the person's.
    """
    clients = people[list(CLIENTS.columns)]
    first, last = single_line(clients["first_name"]), single_line(clients["last_name"])
    clients = clients.assign(
        last_name=clients["last_name"].mask(last.isna(), clients["first_name"]),
        first_name=clients["first_name"].mask(last.isna() | first.isna()),
    )
    booked = newest.set_index("person_ref").reindex(pd.Index(people["person_ref"])).set_axis(people.index)
    sources = [client_columns(clients, mappings), booking_columns(booked, mappings)]
    rows = pd.concat(sources, axis="columns")
    return rows.assign(client_id=people["client_id"], appointment_id=booked["appointment_id"])
