"""What a reconciliation found, counted and in plain words (rule Q7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from include.reconcile.findings import FINDINGS, Finding, Remedy
from include.reconcile.sweep import Slip

TO_REPAIR: Final = "to_repair"
FOR_A_PERSON: Final = "for_a_person"
FIELDS: Final = "fields"

_SHOWN: Final = 20


def counts_of(found: pd.DataFrame) -> dict[str, int]:
    """Return how many findings there are of each kind, and how many are to be repaired or left to a person.

    Args:
        found: contract ``FOUND``.
    """
    by_kind, by_remedy = found["finding"].value_counts(), found["remedy"].value_counts()
    return {
        **{str(kind): int(by_kind.get(kind.value, 0)) for kind in Finding},
        TO_REPAIR: int(by_remedy.get(Remedy.REPAIR.value, 0)),
        FOR_A_PERSON: int(by_remedy.get(Remedy.PERSON.value, 0)),
    }


def field_counts(found: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how often each field differs, by kind of finding (``FOUND``)."""
    named = found.dropna(subset=["fields"])
    single = named.assign(fields=named["fields"].str.split(" ")).explode("fields")
    counted = single.groupby(["finding", "fields"]).size()
    return {
        str(kind): {str(name): int(number) for name, number in of_kind.droplevel(0).items()}
        for kind, of_kind in counted.groupby(level=0)
    }


def report_lines(summary: Mapping[str, Any], found: pd.DataFrame) -> list[str]:
    """Return a report as lines of text: every kind with what it means, and the first of its bookings.

    Args:
        summary: as it was kept.
        found: contract ``FOUND``.
    """
    lines = [f"{summary['compared']:,} pairs of booking and attendee compared."]
    if slipped := sum(int(summary.get(slip, 0)) for slip in Slip):
        lines += [
            "",
            f"{slipped:,} pairs slipped by the watermark: the next run reads them, and so does a repair.",
        ]
    for kind, text in FINDINGS.items():
        if number := int(summary.get(str(kind), 0)):
            lines += ["", f"{number:,} {kind}: {text.text} Repair: {text.repair}"]
            lines += [f"  {line}" for line in _examples(found[found["finding"].eq(kind.value)])]
    if len(lines) == 1:
        lines.append("Nothing differs.")
    return lines


def _examples(found: pd.DataFrame) -> list[str]:
    shown = [
        " ".join(f"{name}={value}" for name, value in row.items() if isinstance(value, str))
        for row in found[["booking_key", "client_id", "event_id", "record_id", "fields"]]
        .head(_SHOWN)
        .to_dict("records")
    ]
    return shown if len(found) <= _SHOWN else [*shown, f"and {len(found) - _SHOWN:,} more"]
