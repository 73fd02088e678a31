"""getUpdated and getDeleted: what changed within a span of the org's own time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")

_LEAD = {"LastName": "Doe", "Company": "Acme"}
_DAY = 86_400


def advance(org: LocalOrg, seconds: int) -> str:
    """Move the org's clock, which ends sessions, and return what it shows then."""
    org.control("POST", "clock", {"advance_seconds": seconds})
    org.sign_in()
    return str(org.control("GET", "clock")["now"])[:19] + "Z"


def act(org: LocalOrg, operation: str, *ids: str) -> None:
    body = {"operation": operation, "rows": [{"Id": record_id} for record_id in ids]}
    results = org.control("POST", "records/Lead", body)
    assert all(result["success"] for result in results), results


def changes(org: LocalOrg, kind: str, start: str, end: str = "2099-01-01T00:00:00Z") -> Any:
    answer = org.call("GET", f"/sobjects/Lead/{kind}/", params={"start": start, "end": end})
    assert answer.ok, answer.text
    return answer.json()


def deleted_ids(answer: Any) -> set[str]:
    return {record["id"] for record in answer["deletedRecords"]}


def test_a_deletion_is_told_with_its_own_time_whatever_happens_to_the_record_later(org: LocalOrg) -> None:
    kept, gone, returned, destroyed, past_the_bin = org.seed("Lead", *([_LEAD] * 5))
    before = advance(org, 3630)  # amid a minute: spans are whole minutes, and hold both their ends
    act(org, "delete", gone, returned, destroyed)
    between = advance(org, 3600)
    act(org, "undelete", returned)
    act(org, "hardDelete", destroyed, past_the_bin)
    after = advance(org, 3600)
    first, second = changes(org, "deleted", before, between), changes(org, "deleted", between, after)
    assert deleted_ids(first) == {gone, destroyed}
    assert deleted_ids(second) == {past_the_bin}
    assert all(before[:16] <= record["deletedDate"][:16] < between[:16] for record in first["deletedRecords"])
    assert changes(org, "updated", between, after)["ids"] == [returned]
    assert kept not in changes(org, "updated", before, after)["ids"]


def test_what_a_merge_deletes_is_told_too(org: LocalOrg) -> None:
    master, loser = org.seed("Lead", _LEAD, _LEAD)
    before = advance(org, 3600)
    org.control("POST", "merge", {"sobject": "Lead", "master_id": master, "loser_ids": [loser]})
    assert deleted_ids(changes(org, "deleted", before)) == {loser}
    assert changes(org, "updated", before)["ids"] == [master]


def test_deletions_reach_back_15_days_and_updates_30(org: LocalOrg) -> None:
    kept, gone = org.seed("Lead", _LEAD, _LEAD)
    then = advance(org, 3600)
    org.delete("Lead", gone)
    org.change("Lead", Id=kept, LastName="Changed")
    advance(org, 14 * _DAY)
    assert deleted_ids(changes(org, "deleted", then)) == {gone}
    now = advance(org, 2 * _DAY)
    answer = changes(org, "deleted", then)
    assert answer["deletedRecords"] == []
    assert then < answer["earliestDateAvailable"] < now
    assert changes(org, "updated", then)["ids"] == [kept]
    advance(org, 14 * _DAY)
    for kind in ("updated", "deleted"):
        refused = org.call("GET", f"/sobjects/Lead/{kind}", params={"start": then, "end": now})
        (error,) = refused.json()
        assert (refused.status_code, error["errorCode"]) == (400, "INVALID_REPLICATION_DATE")
        assert error["message"] == "startDate cannot be more than 30 days ago"


def test_a_span_ends_with_the_present_and_takes_no_notice_of_seconds(org: LocalOrg) -> None:
    start = advance(org, 60)
    end = advance(org, 600)
    answer = changes(org, "updated", start)
    assert answer["latestDateCovered"][:16] == end[:16]
    assert changes(org, "updated", start, end)["latestDateCovered"] == f"{end[:16]}:00.000+0000"
    within_a_minute = {"start": f"{start[:16]}:00Z", "end": f"{start[:16]}:59Z"}
    refused = org.call("GET", "/sobjects/Lead/updated", params=within_a_minute)
    assert refused.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"
