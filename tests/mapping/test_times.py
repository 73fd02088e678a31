"""When a booking is (rules S5, S14)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.frames import BOOKINGS
from include.mapping.times import event_times, utc_instants
from include.reasons import Reason
from tests.mapping.builders import booking, frame, mapped, only, sent


def times(**changes: Any) -> pd.Series:
    return event_times(frame(BOOKINGS, [booking(**changes)])).iloc[0]


def instant(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@pytest.mark.rule("S5")
def test_a_missing_end_follows_from_the_services_minutes() -> None:
    found = times(ends_at=None, service_minutes=45)
    assert found["ends_at"] == instant("2026-06-08T14:45:00")


@pytest.mark.rule("S5")
def test_without_end_and_minutes_the_row_is_bad_input() -> None:
    assert times(ends_at=None, service_minutes=None)["time_fault"] == Reason.NO_END


@pytest.mark.rule("S5")
def test_instants_are_truncated_to_seconds_before_they_are_compared() -> None:
    found = times(starts_at="2026-06-08T14:00:00.900Z", ends_at="2026-06-08T14:00:00.100Z")
    assert pd.isna(found["time_fault"])
    assert found["starts_at"] == found["ends_at"] == instant("2026-06-08T14:00:00")


@pytest.mark.rule("S5")
def test_an_end_equal_to_the_start_is_fine_and_one_second_earlier_is_not() -> None:
    assert pd.isna(times(ends_at="2026-06-08T14:00:00Z")["time_fault"])
    assert times(ends_at="2026-06-08T13:59:59Z")["time_fault"] == Reason.ENDS_BEFORE_START


@pytest.mark.rule("S5")
def test_fourteen_days_are_fine_and_one_second_more_is_not() -> None:
    assert pd.isna(times(ends_at="2026-06-22T14:00:00Z")["time_fault"])
    assert times(ends_at="2026-06-22T14:00:01Z")["time_fault"] == Reason.TOO_LONG


@pytest.mark.rule("S5")
def test_a_missing_start_is_bad_input() -> None:
    assert times(starts_at=None)["time_fault"] == Reason.MISSING_START


@pytest.mark.rule("S5")
def test_a_naive_instant_is_utc() -> None:
    naive = pd.Series(pd.to_datetime(["2026-06-08T14:00:00"]))
    assert utc_instants(naive).iloc[0] == instant("2026-06-08T14:00:00")
    aware = pd.Series(pd.to_datetime(["2026-06-08T10:00:00-04:00"]))
    assert utc_instants(aware).iloc[0] == instant("2026-06-08T14:00:00")


@pytest.mark.rule("S5")
def test_the_bookings_own_zone_beats_its_locations() -> None:
    found = times(starts_at="2026-06-08T02:00:00Z", timezone="Asia/Tokyo")
    assert (found["time_zone"], found["local_day"]) == ("Asia/Tokyo", "2026-06-08")
    assert times(starts_at="2026-06-08T02:00:00Z")["local_day"] == "2026-06-07"
    assert times(starts_at="2026-06-08T02:00:00Z", timezone=" ")["local_day"] == "2026-06-07"


@pytest.mark.rule("S5")
@pytest.mark.parametrize(
    "zones",
    [
        {"timezone": "Mars/Olympus"},
        {"timezone": "localtime"},
        {"timezone": None, "location_timezone": None},
        {"timezone": None, "location_timezone": "+02:00"},
    ],
)
def test_a_zone_that_is_not_an_iana_zone_is_bad_input(zones: dict[str, Any]) -> None:
    assert times(**zones)["time_fault"] == Reason.UNKNOWN_TIME_ZONE


@pytest.mark.rule("S5")
@pytest.mark.parametrize(
    ("starts_at", "zone", "local_day"),
    [
        # Spring: 02:00 is skipped in Toronto on 2026-03-08. Autumn: 01:00 comes twice on 2026-11-01.
        ("2026-03-08T04:59:59Z", "America/Toronto", "2026-03-07"),
        ("2026-03-08T05:00:00Z", "America/Toronto", "2026-03-08"),
        ("2026-03-09T03:59:59Z", "America/Toronto", "2026-03-08"),
        ("2026-03-09T04:00:00Z", "America/Toronto", "2026-03-09"),
        ("2026-11-02T04:59:59Z", "America/Toronto", "2026-11-01"),
        ("2026-11-02T05:00:00Z", "America/Toronto", "2026-11-02"),
        ("2026-10-24T22:00:00Z", "Europe/Berlin", "2026-10-25"),
        ("2026-10-25T23:00:00Z", "Europe/Berlin", "2026-10-26"),
    ],
)
def test_days_are_local_on_the_nights_the_clocks_change(starts_at: str, zone: str, local_day: str) -> None:
    assert times(starts_at=starts_at, ends_at=starts_at, timezone=zone)["local_day"] == local_day


@pytest.mark.rule("S5")
def test_both_hours_that_read_alike_on_an_autumn_night_keep_their_own_instant() -> None:
    first = sent(only(mapped([booking(starts_at="2026-11-01T05:30:00Z", ends_at="2026-11-01T06:00:00Z")])))
    second = sent(only(mapped([booking(starts_at="2026-11-01T06:30:00Z", ends_at="2026-11-01T07:00:00Z")])))
    assert first["StartDateTime"] == "2026-11-01T05:30:00.000Z"
    assert second["StartDateTime"] == "2026-11-01T06:30:00.000Z"


@pytest.mark.rule("S5")
def test_a_default_duration_over_the_skipped_hour_is_real_time() -> None:
    row = only(mapped([booking(starts_at="2026-03-08T06:30:00Z", ends_at=None, service_minutes=60)]))
    assert sent(row)["EndDateTime"] == "2026-03-08T07:30:00.000Z"


@pytest.mark.rule("S5")
def test_wire_times_are_utc_with_whole_seconds() -> None:
    row = only(mapped([booking(starts_at="2026-06-08T14:00:00.987654Z", ends_at="2026-06-08T15:00:00.5Z")]))
    assert sent(row)["StartDateTime"] == "2026-06-08T14:00:00.000Z"
    assert sent(row)["EndDateTime"] == "2026-06-08T15:00:00.000Z"
