"""What Salesforce asks of an Event: times, relations, archiving."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.salesforce_emulator.engine.org_setup import OrgSetup
from tests.emulator.engine_bench import Bench, event, only_error

pytestmark = pytest.mark.rule("P3")

TIMES = ("StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDateTime", "ActivityDate", "EndDate")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def refusal(bench: Bench, **values: Any) -> tuple[str, tuple[str, ...]]:
    return only_error(bench.write("insert", "Event", [event(**values)])[0])


def test_the_end_gives_the_duration_and_the_start_the_due_date(bench: Bench) -> None:
    found = bench.get("Event", bench.event(), *TIMES)
    assert found == {
        "StartDateTime": "2026-03-20T10:00:00.000+0000",
        "EndDateTime": "2026-03-20T10:30:00.000+0000",
        "DurationInMinutes": 30,
        "ActivityDateTime": "2026-03-20T10:00:00.000+0000",
        "ActivityDate": "2026-03-20",
        "EndDate": "2026-03-20",
    }


def test_the_duration_gives_the_end(bench: Bench) -> None:
    made = bench.event(EndDateTime=None, DurationInMinutes=45)
    assert bench.get("Event", made, "EndDateTime") == {"EndDateTime": "2026-03-20T10:45:00.000+0000"}


def test_the_due_date_time_may_stand_for_the_start(bench: Bench) -> None:
    made = bench.event(StartDateTime=None, ActivityDateTime="2026-03-20T10:00:00Z")
    assert bench.get("Event", made, "StartDateTime") == {"StartDateTime": "2026-03-20T10:00:00.000+0000"}


def test_a_time_without_start_or_without_length_is_missing_fields(bench: Bench) -> None:
    assert refusal(bench, StartDateTime=None) == ("REQUIRED_FIELD_MISSING", ("ActivityDateTime",))
    assert refusal(bench, EndDateTime=None) == ("REQUIRED_FIELD_MISSING", ("DurationInMinutes",))


def test_duration_and_end_may_both_be_given_only_if_they_agree(bench: Bench) -> None:
    bench.event(DurationInMinutes=30)
    assert refusal(bench, DurationInMinutes=31)[0] == "FIELD_INTEGRITY_EXCEPTION"


def test_start_and_due_date_time_may_both_be_given_only_if_they_agree(bench: Bench) -> None:
    bench.event(ActivityDateTime="2026-03-20T11:00:00+01:00")
    assert refusal(bench, ActivityDateTime="2026-03-20T11:00:00Z")[0] == "FIELD_INTEGRITY_EXCEPTION"


@pytest.mark.parametrize(
    ("end", "is_good"),
    [
        ("2026-03-20T10:00:00Z", True),
        ("2026-03-20T09:59:59Z", False),
        ("2026-04-03T10:00:00Z", True),
        ("2026-04-03T10:00:01Z", False),
    ],
)
def test_an_event_ends_not_before_its_start_and_within_14_days(bench: Bench, end: str, is_good: bool) -> None:
    result = bench.write("insert", "Event", [event(EndDateTime=end)])[0]
    assert result.success is is_good
    assert is_good or only_error(result) == ("FIELD_INTEGRITY_EXCEPTION", ("EndDateTime",))


def test_a_duration_beyond_14_days_is_reported_on_the_duration(bench: Bench) -> None:
    got = refusal(bench, EndDateTime=None, DurationInMinutes=14 * 1440 + 1)
    assert got == ("FIELD_INTEGRITY_EXCEPTION", ("DurationInMinutes",))


def test_an_all_day_event_lasts_a_day_unless_said_otherwise(bench: Bench) -> None:
    made = bench.event(IsAllDayEvent=True, StartDateTime=None, EndDateTime=None, ActivityDate="2026-03-20")
    found = bench.get("Event", made, "StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDateTime")
    assert found == {
        "StartDateTime": "2026-03-20T00:00:00.000+0000",
        "EndDateTime": "2026-03-20T00:00:00.000+0000",
        "DurationInMinutes": 1440,
        "ActivityDateTime": None,
    }


def test_moving_only_the_start_leaves_the_end_and_changes_the_length(bench: Bench) -> None:
    made = bench.event()
    assert bench.update("Event", made, StartDateTime="2026-03-20T09:00:00Z").success
    assert bench.get("Event", made, "EndDateTime", "DurationInMinutes") == {
        "EndDateTime": "2026-03-20T10:30:00.000+0000",
        "DurationInMinutes": 90,
    }
    past_the_end = bench.update("Event", made, StartDateTime="2026-03-21T08:00:00Z")
    assert only_error(past_the_end)[0] == "FIELD_INTEGRITY_EXCEPTION"


def test_moving_only_the_end_changes_the_length(bench: Bench) -> None:
    made = bench.event()
    bench.update("Event", made, EndDateTime="2026-03-20T11:00:00Z")
    assert bench.get("Event", made, "StartDateTime", "DurationInMinutes") == {
        "StartDateTime": "2026-03-20T10:00:00.000+0000",
        "DurationInMinutes": 60,
    }
    assert (
        only_error(bench.update("Event", made, EndDateTime="2026-03-20T09:00:00Z"))[0]
        == "FIELD_INTEGRITY_EXCEPTION"
    )


def test_an_update_of_other_fields_leaves_the_times_alone(bench: Bench) -> None:
    made = bench.event()
    before = bench.get("Event", made, *TIMES)
    bench.update("Event", made, Subject="Other")
    assert bench.get("Event", made, *TIMES) == before


def test_who_is_a_contact_or_a_lead_and_what_is_neither(bench: Bench) -> None:
    lead, contact, account = bench.lead(), bench.contact(), bench.insert("Account", Name="Acme")
    assert refusal(bench, WhoId=account) == ("FIELD_INTEGRITY_EXCEPTION", ("WhoId",))
    assert refusal(bench, WhatId=contact) == ("FIELD_INTEGRITY_EXCEPTION", ("WhatId",))
    refused = bench.write("insert", "Event", [event(WhatId=lead)])[0]
    assert refused.errors[0].message == f"Related To ID: id value of incorrect type: {lead}"
    assert refusal(bench, WhoId=lead, WhatId=account)[0] == "FIELD_INTEGRITY_EXCEPTION"
    bench.event(WhoId=contact, WhatId=account)
    bench.event(WhoId=lead)


def test_a_related_record_may_not_be_added_later_to_an_event_about_a_lead(bench: Bench) -> None:
    made = bench.event(WhoId=bench.lead())
    account = bench.insert("Account", Name="Acme")
    assert only_error(bench.update("Event", made, WhatId=account)) == (
        "FIELD_INTEGRITY_EXCEPTION",
        ("WhatId",),
    )


def test_the_account_is_the_related_one_else_the_contact_s(bench: Bench) -> None:
    own, other = bench.insert("Account", Name="Own"), bench.insert("Account", Name="Other")
    contact = bench.contact(AccountId=own)
    made = bench.event(WhoId=contact)
    assert bench.get("Event", made, "AccountId") == {"AccountId": own}
    bench.update("Event", made, WhatId=other)
    assert bench.get("Event", made, "AccountId") == {"AccountId": other}
    bench.update("Event", made, WhatId=None)
    assert bench.get("Event", made, "AccountId") == {"AccountId": own}
    bench.update("Event", made, WhoId=None)
    assert bench.get("Event", made, "AccountId") == {"AccountId": None}


def test_a_private_event_has_no_relations(bench: Bench) -> None:
    assert refusal(bench, IsPrivate=True, WhoId=bench.lead()) == ("FIELD_INTEGRITY_EXCEPTION", ("IsPrivate",))
    made = bench.event(IsPrivate=True)
    assert only_error(bench.update("Event", made, WhoId=bench.lead()))[0] == "FIELD_INTEGRITY_EXCEPTION"


def test_a_converted_lead_cannot_get_an_event(bench: Bench) -> None:
    lead = bench.lead()
    bench.org.convert_lead(lead)
    assert refusal(bench, WhoId=lead)[0] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_show_as_takes_only_its_three_values_and_is_busy_by_default(bench: Bench) -> None:
    assert refusal(bench, ShowAs="Maybe") == ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ("ShowAs",))
    assert bench.get("Event", bench.event(), "ShowAs") == {"ShowAs": "Busy"}


def test_an_event_older_than_a_year_is_archived_seen_by_query_all_only_and_still_updated_by_its_key(
    bench: Bench,
) -> None:
    old = bench.event(
        Booking_Key__c="old", StartDateTime="2025-03-17T10:00:00Z", EndDateTime="2025-03-17T11:00:00Z"
    )
    young = bench.event(StartDateTime="2025-03-18T10:00:00Z", EndDateTime="2025-03-18T11:00:00Z")
    assert bench.column("SELECT Id FROM Event") == [young]
    assert bench.rows("SELECT Id, IsArchived FROM Event ORDER BY StartDateTime", include_deleted=True) == [
        (old, True),
        (young, False),
    ]
    row = {"Booking_Key__c": "old", "Subject": "Still here"}
    result = bench.write("upsert", "Event", [row], external_id="Booking_Key__c")[0]
    assert (result.success, result.id, result.created) == (True, old, False)
    bench.org.clock.advance(86_400)
    assert bench.column("SELECT Id FROM Event") == []


def test_a_batch_mixes_good_and_bad_events(bench: Bench) -> None:
    lead = bench.lead()
    rows = [event(WhoId=lead, Booking_Key__c=str(i), Subject="x" * (i * 60)) for i in range(1, 6)]
    results = bench.write("upsert", "Event", rows, external_id="Booking_Key__c")
    assert [result.success for result in results] == [True, True, True, True, False]
    assert bench.column("SELECT COUNT(Id) FROM Event") == [4]


@pytest.mark.parametrize(
    ("values", "is_refused"),
    [
        ({"EndDateTime": "2026-03-21T10:00:00Z"}, False),
        ({"EndDateTime": "2026-03-21T10:01:00Z"}, True),
        ({"EndDateTime": None, "DurationInMinutes": 1441}, True),
        ({"EndDateTime": None, "IsAllDayEvent": True}, False),
        ({"EndDateTime": "2026-03-21T00:00:00Z", "IsAllDayEvent": True}, True),
    ],
)
def test_without_multi_day_events_none_is_longer_than_a_day(
    bench: Bench, values: dict[str, Any], is_refused: bool
) -> None:
    bench.org.configure(OrgSetup(multiday_events=False))
    (result,) = bench.write("insert", "Event", [event(**values)])
    assert result.success is not is_refused
    if is_refused:
        assert only_error(result)[0] == "FIELD_INTEGRITY_EXCEPTION"
