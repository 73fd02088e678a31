"""The Salesforce fields of an Event that follow from its booking (rules S3, S5, S8, S10, F1)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from include.frames import TEXT
from include.mapping.description import event_descriptions
from include.mapping.hurdles import CANCELLED
from include.mapping.plan import BOOKING_KEY, PAYLOAD_FIELDS
from include.mapping.subject import event_subjects
from include.mapping.wire_text import cut, instant_text, single_line, utf16_length
from include.settings.model import Settings

NAME_LENGTH: Final = 255
CODE_LENGTH: Final = 40
URL_LENGTH: Final = 255
"""Lengths of the custom fields in include/salesforce_package; a Url field always has 255."""


def event_fields(pairs: pd.DataFrame, answers: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return ``PAYLOAD_FIELDS`` as text, one row per pair; missing where the booking has no value.

    Copies of names are cut to their field's length with an ellipsis; a link that does not fit its field is left out,
    because half a link opens nothing.

    Args:
        pairs: columns of contract ``BOOKINGS`` with the times of ``include.mapping.times``, and ``booking_key``.
        answers: contract ``ANSWERS``.
        settings: templates, and whether notes travel.
    """
    fields = {
        BOOKING_KEY: pairs["booking_key"],
        "Subject": event_subjects(pairs, settings.subject_template),
        "StartDateTime": instant_text(pairs["starts_at"]),
        "EndDateTime": instant_text(pairs["ends_at"]),
        "Location": cut(_place(pairs), NAME_LENGTH),
        "Description": event_descriptions(pairs, answers, settings),
        "ShowAs": pairs["status"].eq(CANCELLED).map({True: "Free", False: "Busy"}),
        "Coconut_Booking_Id__c": pairs["appointment_id"],
        "Coconut_Is_Primary__c": pairs["is_primary"].map({True: "true", False: "false"}),
        "Coconut_Kind__c": pairs["kind"],
        "Coconut_Status__c": pairs["status"],
        "Coconut_Service__c": cut(single_line(pairs["service_name"]), NAME_LENGTH),
        "Coconut_Location__c": cut(single_line(pairs["location_name"]), NAME_LENGTH),
        "Coconut_Booked_Through__c": cut(single_line(pairs["booked_through"]), CODE_LENGTH),
        "Coconut_Meeting_Method__c": cut(single_line(pairs["meeting_method"]), CODE_LENGTH),
        "Coconut_Booked_At__c": instant_text(pairs["booked_at"]),
        "Coconut_Edit_Url__c": _edit_urls(pairs, settings.edit_url_template),
    }
    return pd.DataFrame({name: fields[name] for name in PAYLOAD_FIELDS}, dtype=TEXT)


def _place(pairs: pd.DataFrame) -> pd.Series[str]:
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
