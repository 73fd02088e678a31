"""What Salesforce asks of an Event: its times, and whom it may be about [EVT; salesforce-facts.md §6.2].

Start and ActivityDateTime are one instant, Duration and End one length. A row that moves only the start leaves the
end where it is, as fields not sent stay (unconfirmed; an org might keep the length instead, so a client that sends
start and end together is right either way). Where the wording of a refusal is not public the sentence is ours; codes
are Salesforce's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch, Draft

LONGEST = timedelta(days=14)
LONGEST_WITHIN_A_DAY = timedelta(days=1)
"""The limit where multi-day Events are switched off, 1,440 minutes [EVT]; the code of the refusal is ours."""

_TIMES = (
    "StartDateTime",
    "ActivityDateTime",
    "ActivityDate",
    "EndDateTime",
    "DurationInMinutes",
    "IsAllDayEvent",
)
_TIME_NAMES = frozenset(_TIMES)
_ONE_DAY_MINUTES = 1440
_INTEGRITY = "FIELD_INTEGRITY_EXCEPTION"


def _instant(stored: str) -> datetime:
    """Return a stored date-time; within this module instants are UTC without saying so, which is twice as fast."""
    return datetime.fromisoformat(stored[:19])


def _stored(instant: datetime) -> str:
    return instant.isoformat() + ".000+0000"


def check_event(batch: Batch) -> None:
    """Derive the times and the account of each Event, and refuse what Salesforce refuses."""
    longest = LONGEST if batch.setup.multiday_events else LONGEST_WITHIN_A_DAY
    for draft in batch.accepted():
        check_relations(draft, batch)
        if draft.error is None and (draft.before is None or not _TIME_NAMES.isdisjoint(draft.values)):
            _settle_times(draft, longest)


def check_relations(draft: Draft, batch: Batch) -> None:
    """Derive the account of an activity, and refuse who or what it may not be about."""
    values = draft.values
    if draft.before is not None and not ("WhoId" in values or "WhatId" in values or "IsPrivate" in values):
        return
    who_id, what_id = draft.after("WhoId"), draft.after("WhatId")
    who = batch.referenced.get(who_id) if who_id else None
    if who is not None and who.is_converted and draft.changes("WhoId"):
        draft.refuse("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    elif who is not None and who.sobject == "Lead" and what_id:
        message = "Related To ID: an event about a lead cannot be related to another record"
        draft.refuse(_INTEGRITY, message, "WhatId")
    elif (who_id or what_id) and _is_private(draft):
        message = "Private: a private event cannot be related to other records"
        draft.refuse(_INTEGRITY, message, "IsPrivate")
    else:
        values["AccountId"] = _account_of(who_id, what_id, batch)


def _is_private(draft: Draft) -> bool:
    if "IsPrivate" in draft.values:
        return bool(draft.values["IsPrivate"])
    return draft.before is not None and bool(draft.before.get("IsPrivate"))


def _account_of(who_id: str | None, what_id: str | None, batch: Batch) -> str | None:
    """Return the Account an Event belongs to: the one it is about, else its Contact's [EVT, AccountId]."""
    what = batch.referenced.get(what_id) if what_id else None
    if what is not None and what.sobject == "Account":
        return what_id
    who = batch.referenced.get(who_id) if who_id else None
    return who.account_id if who is not None else None


def _settle_times(draft: Draft, longest: timedelta) -> None:
    start = _start(draft)
    if start is None or draft.error is not None:
        return
    end = _end(draft, start)
    if end is None or draft.error is not None:
        return
    if end < start:
        draft.refuse(
            _INTEGRITY, "Event duration cannot be negative: the end lies before the start", "EndDateTime"
        )
        return
    is_all_day = bool(draft.after("IsAllDayEvent"))
    length = end - start
    if length > longest or (is_all_day and length >= longest):
        limit = "14 days" if longest == LONGEST else "24 hours: multi-day events are switched off"
        draft.refuse(_INTEGRITY, f"An event cannot last longer than {limit}", _length_field(draft))
        return
    values = draft.values
    is_given = not is_all_day and values.get("StartDateTime") and values.get("EndDateTime")
    start_text = str(values["StartDateTime"]) if is_given else _stored(start)
    end_text = str(values["EndDateTime"]) if is_given else _stored(end)
    values["StartDateTime"] = start_text
    values["ActivityDateTime"] = None if is_all_day else start_text
    values["ActivityDate"] = start_text[:10]
    values["EndDateTime"] = end_text
    values["EndDate"] = end_text[:10]
    values["DurationInMinutes"] = (length.days * 86400 + length.seconds) // 60 + is_all_day * _ONE_DAY_MINUTES


def _length_field(draft: Draft) -> str:
    return "DurationInMinutes" if draft.values.get("DurationInMinutes") is not None else "EndDateTime"


def _start(draft: Draft) -> datetime | None:
    values = draft.values
    start, due = values.get("StartDateTime"), values.get("ActivityDateTime")
    if start and due and start != due:
        message = "Start Date Time and Due Date Time must be the same, or one of them empty"
        draft.refuse(_INTEGRITY, message, "StartDateTime", "ActivityDateTime")
        return None
    is_all_day = bool(draft.after("IsAllDayEvent"))
    day = values.get("ActivityDate")
    if start or due:
        instant = _instant(str(start or due))
        return instant.replace(hour=0, minute=0, second=0) if is_all_day else instant
    if day and is_all_day:
        return datetime.fromisoformat(str(day))
    if draft.before is not None and "StartDateTime" not in values:
        kept = _instant(draft.before["StartDateTime"])
        return kept.replace(hour=0, minute=0, second=0) if is_all_day else kept
    missing = "ActivityDate" if is_all_day else "ActivityDateTime"
    draft.refuse("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{missing}]", missing)
    return None


def _end(draft: Draft, start: datetime) -> datetime | None:
    values = draft.values
    is_all_day = bool(draft.after("IsAllDayEvent"))
    end_text, minutes = values.get("EndDateTime"), values.get("DurationInMinutes")
    end = _instant(str(end_text)) if end_text else None
    if end is not None and is_all_day:
        end = end.replace(hour=0, minute=0, second=0)
    by_minutes = None if minutes is None else _end_after(start, int(minutes), is_all_day=is_all_day)
    if end is not None and by_minutes is not None and abs(end - by_minutes) >= timedelta(minutes=1):
        message = "Duration: the length must be the time from start to end, or one of the two be left out"
        draft.refuse(_INTEGRITY, message, "DurationInMinutes", "EndDateTime")
        return None
    if end is not None or by_minutes is not None:
        return end or by_minutes
    if draft.before is not None:
        kept = _instant(draft.before["EndDateTime"])
        return kept.replace(hour=0, minute=0, second=0) if is_all_day else kept
    if is_all_day:
        return start
    missing = "DurationInMinutes"
    draft.refuse("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{missing}]", missing)
    return None


def _end_after(start: datetime, minutes: int, *, is_all_day: bool) -> datetime:
    """Return the end so many minutes on; an all-day Event of one day ends on the day it starts."""
    if is_all_day:
        return start + timedelta(days=max(minutes // _ONE_DAY_MINUTES - 1, 0))
    return start + timedelta(minutes=min(max(minutes, -1), 10_000_000))
