"""Drawn bookings, in batches: times in the locations' own zones, statuses that fit the time, groups, answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from include.demo.catalogue import location_rows, ordinary_services, question_rows
from include.demo.clients import FIRST_DRAWN_CLIENT
from include.demo.plan import DAYS_AFTER, DAYS_BEFORE, FIRST_STAFF, DemoPlan, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from include.demo.texts import Texts

_BATCH: Final = 10_000
_STREAM: Final = 2
_WALK_IN_SHARE: Final = 0.25
_STEP_MINUTES: Final = 15
_OPENS, _CLOSES = 9, 17

# Shares of each status, by what the time says is plausible.
_PAST: Final = {"complete": 0.72, "no_show": 0.09, "cancelled": 0.13, "confirmed": 0.04, "booked": 0.02}
_AHEAD: Final = {"booked": 0.58, "confirmed": 0.32, "cancelled": 0.10}
_WALK_IN: Final = {
    "complete": 0.74, "no_show": 0.08, "cancelled": 0.09,
    "booked": 0.02, "confirmed": 0.02, "arrived": 0.03, "in_service": 0.02,
}  # fmt: skip
_METHODS: Final = {"in_person": 0.6, "phone": 0.2, "video": 0.17, "off_site": 0.03}
_CHANNELS: Final = {"client_view": 0.6, "staff_view": 0.2, "contact_centre": 0.15, "salesforce": 0.05}
_FINAL: Final = ("complete", "no_show", "cancelled")
CAMPAIGNS: Final = ("spring-mortgage", "newsletter-41", "branch-poster")


@dataclass(slots=True)
class BookingBatch:
    """Rows of ``appointments`` with the rows of ``attendees`` and ``answers`` that belong to them."""

    appointments: list[Row] = field(default_factory=list)
    attendees: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)


def booking_batches(plan: DemoPlan, texts: Texts, *, first_id: int, count: int) -> Iterator[BookingBatch]:
    """Yield ``count`` bookings numbered from ``first_id``; memory holds one batch."""
    for start in range(0, count, _BATCH):
        rng = np.random.default_rng([plan.seed, _STREAM, start])
        yield _draw(plan, texts, rng, first_id + start, min(_BATCH, count - start))


def _draw(plan: DemoPlan, texts: Texts, rng: Generator, first_id: int, count: int) -> BookingBatch:
    columns = _draw_columns(plan, texts, rng, count)
    columns["id"] = list(range(first_id, first_id + count))
    names = list(columns)
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    attendees = _draw_attendees(plan, rng, rows)
    return BookingBatch(rows, attendees, _draw_answers(texts, rng, rows, attendees))


def _draw_columns(plan: DemoPlan, texts: Texts, rng: Generator, count: int) -> dict[str, list[Any]]:
    locations, services = location_rows(), ordinary_services()
    place, service = rng.integers(0, len(locations), count), rng.integers(0, len(services), count)
    is_walk_in = rng.random(count) < _WALK_IN_SHARE
    zones = [str(row["timezone"]) for row in locations]
    starts = _draw_starts(plan, rng, place, zones, is_walk_in)
    minutes = np.array([row["duration_minutes"] for row in services])[service]
    ends = starts + pd.to_timedelta(minutes, unit="min")
    now = pd.Timestamp(plan.now)
    is_past = np.asarray(ends < now)
    status = np.where(
        is_walk_in,
        _pick(rng, _WALK_IN, count),
        np.where(is_past, _pick(rng, _PAST, count), _pick(rng, _AHEAD, count)),
    )
    created, updated = _draw_stamps(plan, rng, starts, ends, is_walk_in, np.isin(status, _FINAL) & is_past)
    is_deleted = rng.random(count) < 0.015
    return {
        "kind": np.where(is_walk_in, "walk_in", "appointment").tolist(),
        "status": status.tolist(),
        "service_id": [services[number]["id"] for number in service],
        "location_id": [locations[number]["id"] for number in place],
        "staff_id": _or_none(FIRST_STAFF + rng.integers(0, plan.staff, count), rng.random(count) < 0.05),
        "starts_at": list(starts.to_pydatetime()),
        "ends_at": _or_none(ends.to_pydatetime(), rng.random(count) < 0.03),
        # A booking's own zone beats its location's; most have the same one, some none.
        "timezone": _or_none(np.array(zones, dtype=object)[place], rng.random(count) < 0.1),
        "meeting_method": np.where(is_walk_in, "in_person", _pick(rng, _METHODS, count)).tolist(),
        "booked_through": np.where(is_walk_in, "kiosk", _pick(rng, _CHANNELS, count)).tolist(),
        "notes": _some(rng, texts.notes, 0.35, count),
        "utm_campaign": _some(rng, CAMPAIGNS, 0.08, count),
        "cancellation_reason": _or_none(
            np.array(texts.reasons, dtype=object)[rng.integers(0, len(texts.reasons), count)],
            status != "cancelled",
        ),
        "created_at": created,
        "updated_at": updated,
        "deleted_at": [stamp if gone else None for stamp, gone in zip(updated, is_deleted, strict=True)],
    }


def _draw_starts(
    plan: DemoPlan,
    rng: Generator,
    place: NDArray[np.int64],
    zones: Sequence[str],
    is_walk_in: NDArray[np.bool_],
) -> pd.DatetimeIndex:
    """Draw opening hours on the locations' own clocks; nobody walks in tomorrow."""
    count = len(place)
    days = rng.integers(0, np.where(is_walk_in, DAYS_BEFORE, DAYS_BEFORE + DAYS_AFTER), count)
    steps = rng.integers(0, (_CLOSES - _OPENS) * 60 // _STEP_MINUTES, count)
    local = pd.DatetimeIndex(
        pd.Timestamp(plan.first_day.replace(tzinfo=None))
        + pd.to_timedelta(days, unit="D")
        + pd.to_timedelta(_OPENS * 60 + steps * _STEP_MINUTES, unit="min")
    )
    instants = np.empty(count, dtype="datetime64[us]")
    for number, zone in enumerate(zones):
        here = place == number
        instants[here] = local[here].tz_localize(zone).tz_convert(None).to_numpy(dtype="datetime64[us]")
    return pd.DatetimeIndex(instants).tz_localize("UTC")


def _draw_stamps(
    plan: DemoPlan,
    rng: Generator,
    starts: pd.DatetimeIndex,
    ends: pd.DatetimeIndex,
    is_walk_in: NDArray[np.bool_],
    is_over: NDArray[np.bool_],
) -> tuple[list[datetime], list[datetime]]:
    """Draw when each booking was made and last touched: always before ``now``, to the microsecond."""
    count = len(starts)
    latest = _microseconds(pd.DatetimeIndex([plan.now])) - _seconds(60 + rng.random(count) * 86_400)
    lead = _seconds(np.where(is_walk_in, rng.random(count) * 2_400, rng.exponential(9 * 86_400.0, count)))
    created = np.minimum(_microseconds(starts) - lead, latest)
    after_the_end = _microseconds(ends) + _seconds(rng.random(count) * 1_800)
    on_the_way = created + (rng.random(count) * (latest - created)).astype(np.int64)
    updated = np.maximum(np.minimum(np.where(is_over, after_the_end, on_the_way), latest), created)
    return _instants(created), _instants(updated)


def _microseconds(instants: pd.DatetimeIndex) -> NDArray[np.int64]:
    return instants.as_unit("us").astype(np.int64).to_numpy()


def _seconds(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return (values * 1_000_000).astype(np.int64)


def _instants(microseconds: NDArray[np.int64]) -> list[datetime]:
    return list(pd.DatetimeIndex(microseconds.astype("datetime64[us]")).tz_localize("UTC").to_pydatetime())


def _draw_attendees(plan: DemoPlan, rng: Generator, bookings: Sequence[Row]) -> list[Row]:
    """Draw one to five distinct clients per booking; a few of the further ones were removed again."""
    count = len(bookings)
    sizes = np.where(rng.random(count) < 0.06, rng.integers(2, 6, count), 1).tolist()
    first = rng.integers(0, plan.clients, count).tolist()
    is_removed = (rng.random(count) < 0.1).tolist()
    rows: list[Row] = []
    for booking, size, client, removed in zip(bookings, sizes, first, is_removed, strict=True):
        for number in range(size):
            gone = removed and number == size - 1 > 0
            rows.append(
                {
                    "appointment_id": booking["id"],
                    "client_id": FIRST_DRAWN_CLIENT + (client + number * 7) % plan.clients,
                    "is_primary": number == 0,
                    "updated_at": booking["updated_at"] if gone else booking["created_at"],
                    "deleted_at": booking["updated_at"] if gone else None,
                }
            )
    return rows


def _draw_answers(
    texts: Texts, rng: Generator, bookings: Sequence[Row], attendees: Sequence[Row]
) -> list[Row]:
    """Draw answers of the primary attendee to one or two questions for four bookings in ten."""
    questions = [int(row["id"]) for row in question_rows()]
    primary = [row for row in attendees if row["is_primary"]]
    asked = rng.random((len(primary), len(questions))) < np.array([0.4, 0.15, 0.1])
    chosen = rng.integers(0, len(texts.notes), asked.shape)
    return [
        {
            "appointment_id": attendee["appointment_id"],
            "client_id": attendee["client_id"],
            "question_id": questions[question],
            "value": texts.notes[chosen[row, question]][:255],
            "updated_at": bookings[row]["created_at"] + timedelta(microseconds=1),
        }
        for row, attendee in enumerate(primary)
        for question in np.flatnonzero(asked[row])
    ]


def _pick(rng: Generator, shares: dict[str, float], count: int) -> NDArray[Any]:
    return rng.choice(np.array(list(shares), dtype=object), size=count, p=list(shares.values()))


def _some(rng: Generator, pool: Sequence[str], share: float, count: int) -> list[str | None]:
    chosen = np.array(pool, dtype=object)[rng.integers(0, len(pool), count)]
    return _or_none(chosen, rng.random(count) >= share)


def _or_none(values: NDArray[Any], is_missing: NDArray[np.bool_]) -> list[Any]:
    return [
        None if missing else value
        for value, missing in zip(values.tolist(), is_missing.tolist(), strict=True)
    ]
