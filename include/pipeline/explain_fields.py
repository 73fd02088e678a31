"""Tell in plain words which fields are not as Coconut has them, or were a Salesforce user's (rules M5, F4, M9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.reasons import FieldReport

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from include.ledger.booking_history import Row

_REPORTS: Final[Mapping[str, str]] = {
    FieldReport.USER_VALUE_OVERWRITTEN: (
        "{field} of {record} had a value that a Salesforce user wrote; it was overwritten on {day}, as the write "
        "policy of its mapping says."
    ),
    FieldReport.USER_VALUE_KEPT: (
        "{field} of {record} keeps the value that a Salesforce user wrote, though Coconut has another: on {day} it was "
        "not overwritten, as the write policy of its mapping says."
    ),
    FieldReport.VALUE_DROPPED: (
        "{field} of {record} was written without Coconut's value on {day}, because the field does not take it."
    ),
}


def field_sentences(reports: Sequence[Row], record_ids: Collection[str | None]) -> list[str]:
    """Return the newest report of each field of these records, in the order of objects and fields.

    Args:
        reports: rows of ``field_reports``, newest first.
        record_ids: the records that are told about: a person's and an Event, as far as there are.
    """
    newest: dict[tuple[str, str, str], Row] = {}
    for report in reports:
        if report["record_id"] in record_ids:
            newest.setdefault((report["sobject"], report["record_id"], report["field"]), report)
    return [
        _REPORTS[report["report"]].format(
            field=field, record=f"{sobject} {record_id}", day=shown_instant(report["at"])
        )
        for (sobject, record_id, field), report in sorted(newest.items())
    ]


def shown_instant(instant: datetime) -> str:
    """Return an instant as an administrator reads it, to the minute in UTC."""
    return f"{instant:%Y-%m-%d %H:%M} UTC"
