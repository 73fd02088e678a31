"""Which labels and keys legacy Events are still to get, whatever the sync would write (rules G6, G8).

A label is the suffix that reports filter on, and the kind of booking; a stamp is our key with the other fields that
bear our name. Neither changes what users wrote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.mapping.org_values import differing_fields
from include.mapping.plan import BOOKING_KEY, format_payloads, parse_payloads
from include.mapping.subject import labelled_subjects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.mapping.org_fields import FieldFacts

SUBJECT: Final = "Subject"
KIND: Final = "Coconut_Kind__c"
_OURS: Final = "Coconut_"


@dataclass(frozen=True, slots=True)
class Labelling:
    """What legacy Events of one kind of day get.

    ``relabels`` gives the suffix and the kind, ``stamps`` our key and all the fields that bear our name. Either gives
    the key, without which nobody could tell whose Event it is.
    """

    relabels: bool
    stamps: bool

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to do."""
        return not (self.relabels or self.stamps)

    def fields(self, names: Sequence[str]) -> list[str]:
        """Return which of the mapped fields are written."""
        return [name for name in names if self._takes(name)]

    def _takes(self, name: str) -> bool:
        if name == SUBJECT:
            return self.relabels
        if name in {BOOKING_KEY, KIND}:
            return name == BOOKING_KEY or self.relabels or self.stamps
        return self.stamps and name.startswith(_OURS)


def wanted_labels(
    desired: pd.DataFrame, held: pd.DataFrame, kinds: pd.Series[str], labelling: Labelling
) -> pd.DataFrame:
    """Return the fields that Events are to have by the labelling, as text; missing where a field is left alone.

    Args:
        desired: the mapped fields as the sync would write them.
        held: what the org holds of these fields, same index; a Subject keeps its text.
        kinds: the bookings' kinds, same index.
        labelling: what is given.
    """
    wanted = desired[labelling.fields(list(map(str, desired)))]
    if SUBJECT in wanted:
        wanted = wanted.assign(**{SUBJECT: labelled_subjects(held[SUBJECT], kinds)})
    return wanted.astype(TEXT)


def missing_labels(wanted: pd.DataFrame, held: pd.DataFrame, facts: Mapping[str, FieldFacts]) -> pd.DataFrame:
    """Return a wire frame with only those of the wanted fields that the org holds otherwise.

    Args:
        wanted: what ``wanted_labels`` returned.
        held: what the org holds, same index.
        facts: what the org says of the fields.
    """
    differs = differing_fields(wanted, held, facts, left_alone=list(map(str, wanted)))
    return wanted.where(differs).astype(TEXT)


def labelled_payloads(payloads: pd.Series[str], wanted: pd.DataFrame, names: Sequence[str]) -> pd.Series[str]:
    """Return what Events hold once they have the wanted fields.

    Args:
        payloads: what they held; all of them name the same fields.
        wanted: what ``wanted_labels`` returned, same index.
        names: further fields of payloads, our key first.
    """
    held = json.loads(payloads.iloc[0]) if len(payloads) else {}
    known = parse_payloads(payloads, list(dict.fromkeys([BOOKING_KEY, *held, *names])))
    for name in map(str, wanted):
        known[name] = wanted[name].fillna(known[name])
    return format_payloads(known)


def is_labelled(payloads: pd.Series[str], wanted: pd.DataFrame) -> pd.Series[bool]:
    """Tell which payloads say already that the Event holds the wanted fields."""
    known = parse_payloads(payloads, list(map(str, wanted)))
    return ((known == wanted) | wanted.isna()).all(axis=1)
