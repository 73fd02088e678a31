"""The Subject of an Event: a template's text and a suffix that reports filter on (rule S3)."""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from include.frames import TEXT
from include.mapping.wire_text import cut, single_line

MAX_LENGTH: Final = 255
"""Length of Event.Subject (Object Reference, Event)."""

SUFFIXES: Final = {"appointment": " [Appointment]", "walk_in": " [Walk-In]"}
"""What a Subject ends in, by kind of booking."""

PLACEHOLDERS: Final = ("service", "client", "location", "status", "appointment_id")
"""What a template may name in braces; anything else in braces stays as it is written."""

_NAMES: Final = {"appointment": "Appointment", "walk_in": "Walk-In"}
_SUFFIX_INSIDE: Final = r"(?i)\[(appointment|walk-in)\]"


def event_subjects(pairs: pd.DataFrame, template: str) -> pd.Series[str]:
    """Return the Subject of every pair, never longer than 255 characters and always with its whole suffix.

    A booking without a service is called after its kind, a client without a name by their number. Brackets of a service
    or client that spell a suffix become parentheses, so that filtering on ``[Walk-In]`` finds walk-ins only.

    Args:
        pairs: ``kind`` (``appointment`` or ``walk_in``), ``status``, ``appointment_id``, ``client_id``,
            ``client_first_name``, ``client_last_name``, ``service_name``, ``location_name``.
        template: text with ``PLACEHOLDERS`` in braces.
    """
    return _with_suffixes(single_line(_render(template, _values(pairs))), pairs["kind"])


def labelled_subjects(subjects: pd.Series[str], kinds: pd.Series[str]) -> pd.Series[str]:
    """Return Subjects that somebody else wrote with the suffix of their booking's kind; one that ends in it stays.

    The text before the suffix is cut where both do not fit, never the suffix (rules S3, G6).
    """
    is_labelled = has_label(subjects, kinds)
    return subjects.where(is_labelled, _with_suffixes(single_line(subjects), kinds)).astype(TEXT)


def has_label(subjects: pd.Series[str], kinds: pd.Series[str]) -> pd.Series[bool]:
    """Tell which Subjects end in the suffix of their booking's kind."""
    is_labelled = pd.Series(False, index=subjects.index)
    for kind, suffix in SUFFIXES.items():
        is_labelled |= kinds.eq(kind) & subjects.str.endswith(suffix.strip()).eq(True)
    return is_labelled


def _with_suffixes(texts: pd.Series[str], kinds: pd.Series[str]) -> pd.Series[str]:
    texts = texts.str.replace(_SUFFIX_INSIDE, r"(\1)", regex=True).fillna(kinds.map(_NAMES))
    subjects = pd.Series(index=texts.index, dtype=TEXT)
    for kind, suffix in SUFFIXES.items():
        of_kind = kinds == kind
        subjects = subjects.mask(of_kind, cut(texts[of_kind], MAX_LENGTH - len(suffix), mark="") + suffix)
    return subjects.astype(TEXT)


def _values(pairs: pd.DataFrame) -> dict[str, pd.Series[str]]:
    client = pairs["client_first_name"].fillna("") + " " + pairs["client_last_name"].fillna("")
    return {
        "service": single_line(pairs["service_name"]).fillna(pairs["kind"].map(_NAMES)).fillna(""),
        "client": single_line(client).fillna("client " + pairs["client_id"].fillna("")),
        "location": pairs["location_name"].fillna(""),
        "status": pairs["status"].fillna(""),
        "appointment_id": pairs["appointment_id"],
    }


def _render(template: str, values: dict[str, pd.Series[str]]) -> pd.Series[str]:
    rendered = pd.Series("", index=values["client"].index, dtype=TEXT)
    for part in re.split(r"(\{[a-z_]+\})", template):
        name = part.strip("{}")
        rendered = rendered + (values[name] if part == f"{{{name}}}" and name in values else part)
    return rendered
