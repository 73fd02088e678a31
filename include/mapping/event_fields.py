"""The Salesforce fields of an Event that follow from its booking (rules S3, S5, S8, S10, F1, F2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pandas as pd

from include.frames import TEXT
from include.mapping.description import event_descriptions
from include.mapping.field_sources import booking_columns, client_columns
from include.mapping.field_values import FieldValues, field_values
from include.mapping.hurdles import CANCELLED
from include.mapping.org_fields import OrgFields
from include.mapping.plan import BOOKING_KEY, OWNER, PERSON
from include.mapping.subject import event_subjects
from include.mapping.wire_text import cut, instant_text, single_line, utf16_length
from include.settings.field_mapping import FieldMapping, NullPolicy, Sobject, of_sobject
from include.settings.model import Settings

LOCATION_LENGTH: Final = 255
"""Length of Event.Location (Object Reference, Event)."""

URL_LENGTH: Final = 255
"""A Url field always has 255 characters ("Custom Field Types", Salesforce Help)."""

_Rule = Callable[[pd.DataFrame, pd.DataFrame, Settings], "pd.Series[str]"]

_RULES: Final[Mapping[str, _Rule]] = {
    "booking_key": lambda pairs, _answers, _settings: pairs["booking_key"],
    "subject": lambda pairs, _answers, settings: event_subjects(pairs, settings.subject_template),
    "starts_at": lambda pairs, _answers, _settings: instant_text(pairs["starts_at"]),
    "ends_at": lambda pairs, _answers, _settings: instant_text(pairs["ends_at"]),
    "location": lambda pairs, _answers, _settings: cut(_places(pairs), LOCATION_LENGTH),
    "description": event_descriptions,
    "show_as": lambda pairs, _answers, _settings: (
        pairs["status"].eq(CANCELLED).map({True: "Free", False: "Busy"})
    ),
    "edit_url": lambda pairs, _answers, settings: _edit_urls(pairs, settings.edit_url_template),
}
"""The rules of ``include.settings.mapping_sources`` that make a payload field; person and owner are decided apart."""


def payload_mappings(mappings: Sequence[FieldMapping]) -> tuple[FieldMapping, ...]:
    """Return the Event mappings that make the payload, the booking key's first; person and owner are no part of it."""
    of_event = (
        mapping for mapping in of_sobject(mappings, Sobject.EVENT) if mapping.target not in {PERSON, OWNER}
    )
    return tuple(sorted(of_event, key=lambda mapping: mapping.target != BOOKING_KEY))


def left_alone(mappings: Sequence[FieldMapping]) -> frozenset[str]:
    """Return the payload fields that an empty value leaves alone (rule F4)."""
    return frozenset(
        mapping.target
        for mapping in payload_mappings(mappings)
        if mapping.null_policy is NullPolicy.LEAVE_ALONE
    )


def event_fields(
    pairs: pd.DataFrame,
    answers: pd.DataFrame,
    clients: pd.DataFrame,
    *,
    mappings: Sequence[FieldMapping],
    org_fields: OrgFields,
    settings: Settings,
) -> FieldValues:
    """Return the payload fields as text, one row per pair; missing where there is no value, whatever the null policy.

    Names of services and locations are cut to their field's length with an ellipsis; a link that does not fit its field
    is left out, because half a link opens nothing.

    Args:
        pairs: columns of contract ``BOOKINGS`` with the times of ``include.mapping.times``, and ``booking_key``.
        answers: contract ``ANSWERS``.
        clients: contract ``CLIENTS``; needed where a mapping reads a client's column.
        mappings: the mappings in force.
        org_fields: what the org says of Event's fields.
        settings: templates, and whether notes travel.
    """
    wanted = payload_mappings(mappings)
    mapped = [
        mapping.model_copy(update={"null_policy": NullPolicy.LEAVE_ALONE})
        for mapping in wanted
        if not mapping.rule
    ]
    rows = _rows(pairs, clients, mapped)
    values = field_values(mapped, rows, answers, org_fields=org_fields, settings=settings)
    wire = {
        mapping.target: _RULES[mapping.rule](pairs, answers, settings)
        if mapping.rule
        else values.wire[mapping.target]
        for mapping in wanted
    }
    return FieldValues(pd.DataFrame(wire, index=pairs.index, dtype=TEXT), values.faults)


def _rows(pairs: pd.DataFrame, clients: pd.DataFrame, mappings: Sequence[FieldMapping]) -> pd.DataFrame:
    rows = booking_columns(pairs, mappings)
    rows[["appointment_id", "client_id"]] = pairs[["appointment_id", "client_id"]]
    of_clients = client_columns(clients, mappings)
    if of_clients.empty:
        return rows.assign(**{str(name): pd.Series(index=rows.index, dtype=TEXT) for name in of_clients})
    return rows.join(of_clients.set_axis(clients["client_id"]), on="client_id")


def _places(pairs: pd.DataFrame) -> pd.Series[str]:
    """Return the location's name, address and city on one line."""
    place = pd.Series("", index=pairs.index, dtype=TEXT)
    for column in ("location_name", "location_address", "location_city"):
        place = place + (", " + single_line(pairs[column])).fillna("")
    return single_line(place.str.removeprefix(", "))


def _edit_urls(pairs: pd.DataFrame, template: str) -> pd.Series[str]:
    """Return the link that opens each booking in Coconut."""
    before, *after = template.split("{appointment_id}")
    urls = pd.Series(before, index=pairs.index, dtype=TEXT)
    for part in after:
        urls = urls + pairs["appointment_id"] + part
    return urls.mask((urls == "") | (utf16_length(urls) > URL_LENGTH))
