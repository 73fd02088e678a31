"""Events taken over from the legacy integration: what they hold, and what is reason enough to write them (rule G8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT, FrameContract
from include.mapping.event_fields import payload_mappings
from include.mapping.fields import default_mappings
from include.mapping.org_fields import FieldFacts
from include.mapping.org_values import differing_fields
from include.mapping.plan import BOOKING_KEY, format_payloads, parse_payloads
from include.mapping.wire_text import instant_text
from include.settings.field_mapping import FieldMapping, Sobject

if TYPE_CHECKING:
    from include.mapping.field_values import FieldValues

IMAGES: Final = FrameContract(
    "event_images",
    {
        # what Events of the org hold; the image is JSON as ``plan.parse_payloads`` reads it
        "event_id": TEXT,
        "image": TEXT,
    },
    personal=frozenset({"image"}),
)

TIMES: Final = ("StartDateTime", "EndDateTime")
"""The standard fields whose difference alone is reason enough to write a legacy Event."""

_INSTANT: Final = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})"
"""How REST and Bulk API spell a ``dateTime`` ("Primitive Data Types", Object Reference)."""


def image_of(records: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return what Events hold in these fields (``IMAGES``), in the form in which we would send it.

    Instants are spelt as the sync sends them. A field that the org does not have is missing from ``records`` and empty
    in the image.

    Args:
        records: Events as a query returned them, text columns under their API names, ``Id`` among them.
        names: the fields of the image; our key always stands before them.
    """
    fields = list(dict.fromkeys([BOOKING_KEY, *names]))
    held = records.reindex(columns=fields).astype(TEXT).reset_index(drop=True)
    wire = held.apply(_in_wire_form)
    return IMAGES.conform(
        wire.assign(event_id=records["Id"].reset_index(drop=True), image=format_payloads(wire[fields]))
    )


def carried_fields(mappings: Sequence[FieldMapping]) -> tuple[FieldMapping, ...]:
    """Return the Event mappings whose value a legacy Event has to have already: its times, and what was carried over.

    Carried over is what fills a field that no default mapping fills. All others (our key, a subject with its suffix)
    the legacy integration did not write, so that they alone are no reason to touch an Event.
    """
    by_default = {mapping.target for mapping in default_mappings(Sobject.EVENT)} - {*TIMES}
    return tuple(mapping for mapping in payload_mappings(mappings) if mapping.target not in by_default)


def is_really_changed(
    pairs: pd.DataFrame,
    values: FieldValues,
    facts: Mapping[str, FieldFacts],
    *,
    left_alone: Collection[str],
) -> pd.Series[bool]:
    """Tell which legacy Events have to be written (rule G8).

    That is so where a field of ``carried_fields`` is another than it was when the Event was taken over, where the
    booking was edited since (its digest is another, or missing), and where its Event goes to another person. No field
    is known to differ where nobody knows what the Event held.

    Args:
        pairs: adopted ones of the working frame, with ``has_moved``.
        values: the wire fields of ``carried_fields``, same index; those that the org would refuse count for nothing.
        facts: what the org says of Event's fields.
        left_alone: fields that an empty value never clears.
    """
    image = parse_payloads(pairs["link_payload"], list(map(str, values.wire)))
    differs = differing_fields(values.wire, image, facts, left_alone=left_alone)
    for fault in values.faults:
        differs[fault.target] &= ~fault.rows.reindex(differs.index, fill_value=False)
    is_another = differs.any(axis="columns") & pairs["link_payload"].notna()
    is_edited = ~pairs["link_adopted_digest"].eq(pairs["source_digest"])
    return is_another | is_edited | pairs["has_moved"]


def keep_owners(owned: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the owners (``owner_id``, ``owner_reason``) with those of legacy Events left as they are.

    Whoever owns such an Event stays its owner until the booking's staff changes in Coconut (rule S12).

    Args:
        owned: what ``owner.assign_owners`` says.
        pairs: the working frame, same index.
    """
    is_same_staff = pairs["staff_id"].fillna("").eq(pairs["link_staff_id"].fillna(""))
    stays = pairs["is_adopted"] & pairs["has_event"] & pairs["link_owner_id"].notna() & is_same_staff
    return owned.assign(
        owner_id=owned["owner_id"].mask(stays, pairs["link_owner_id"]),
        owner_reason=owned["owner_reason"].mask(stays),
    )


def _in_wire_form(values: pd.Series[str]) -> pd.Series[str]:
    is_instant = values.str.fullmatch(_INSTANT).eq(True)
    if not is_instant.any():
        return values
    read = pd.to_datetime(values.where(is_instant), utc=True, format="ISO8601", errors="coerce")
    return values.mask(is_instant, instant_text(read))
