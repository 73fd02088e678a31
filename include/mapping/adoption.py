"""Legacy Events: what they hold, and which change is one that they are to be written for (rules G1, G8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from include.frames import TEXT, FrameContract
from include.mapping.plan import BOOKING_KEY, format_payloads
from include.mapping.wire_text import instant_text

if TYPE_CHECKING:
    import pandas as pd

IMAGES: Final = FrameContract(
    "event_images",
    {
        # what Events of the org hold; the image is JSON as ``plan.parse_payloads`` reads it
        "event_id": TEXT,
        "image": TEXT,
    },
    personal=frozenset({"image"}),
)

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


def _in_wire_form(values: pd.Series[str]) -> pd.Series[str]:
    import pandas as pd

    is_instant = values.str.fullmatch(_INSTANT).eq(True)
    if not is_instant.any():
        return values
    read = pd.to_datetime(values.where(is_instant), utc=True, format="ISO8601", errors="coerce")
    return values.mask(is_instant, instant_text(read))
