from __future__ import annotations

import pytest

from include.salesforce.usage import ApiUsage


@pytest.mark.rule("Q8")
def test_requests_are_counted_by_what_they_were_for() -> None:
    usage = ApiUsage()
    for path in (
        "/services/oauth2/token",
        "/services/Soap/u/64.0",
        "/services/data/v64.0/sobjects/Lead/describe",
        "/services/data/v64.0/queryAll/",
        "/services/data/v64.0/query/01g-2000",
        "/services/data/v64.0/composite/sobjects/Event/Coconut_Booking_Key__c",
        "/services/data/v64.0/jobs/ingest/750/batches",
        "/services/data/v64.0/jobs/query/750/results",
        "/services/data/v64.0/limits/",
    ):
        usage.count(path)
    assert usage.calls == {
        "login": 2,
        "describe": 1,
        "query": 2,
        "collections": 1,
        "bulk_ingest": 1,
        "bulk_query": 1,
        "rest": 1,
    }


@pytest.mark.rule("Q8")
def test_the_daily_allowance_is_read_from_the_answers() -> None:
    usage = ApiUsage()
    usage.note_limits("api-usage=18/5000; per-app-api-usage=17/250(appName=sample)")
    usage.note_limits(None)
    assert (usage.daily_used, usage.daily_max) == (18, 5000)
