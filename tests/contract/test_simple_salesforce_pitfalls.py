"""What simple-salesforce 1.12.10 does that our client is built around; a release that changes it fails here first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.bulk2 import LineEnding
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceOperationError,
)

from include.salesforce.transport import RedirectedAdapter
from include.salesforce.usage import ApiUsage
from tests.contract.library import Library, rows_of

pytestmark = pytest.mark.rule("P3")
_PEOPLE = [{"LastName": name, "Company": "C"} for name in ("A", "B", "C")]


class WatchedAdapter(RedirectedAdapter):
    """Keeps what the library asked for before our transport changed it."""

    def __init__(self, base_url: str) -> None:
        super().__init__(ApiUsage(), base_url)
        self.urls: list[str] = []
        self.timeouts: list[Any] = []
        self.headers: list[dict[str, str]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.urls.append(request.url or "")
        self.timeouts.append(kwargs.get("timeout"))
        self.headers.append(dict(request.headers))
        return super().send(request, *args, **kwargs)


def _watch(library: Library, sf: Salesforce) -> WatchedAdapter:
    adapter = WatchedAdapter(library.org.url)
    sf.session.mount(f"https://{urlsplit(library.org.url).netloc}/", adapter)
    return adapter


def _jobs(sf: Salesforce) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = sf.restful("jobs/ingest")["records"]
    return jobs


def test_it_writes_https_into_every_url_and_sets_no_time_limit(library: Library, sf: Salesforce) -> None:
    library.org.seed("Lead", *_PEOPLE)
    library.org.control("POST", "paging", {"page_rows": 2})
    watched = _watch(library, sf)
    assert sf.query_all("SELECT Id FROM Lead")["totalSize"] == 3
    sf.Lead.describe()
    sf.bulk2.Lead.insert(records=_PEOPLE, wait=0)
    assert {urlsplit(url).scheme for url in watched.urls} == {"https"}
    assert len(watched.urls) > 6
    assert set(watched.timeouts) == {None}


def test_a_repeated_call_lacks_the_headers_that_it_was_given(library: Library, sf: Salesforce) -> None:
    watched = _watch(library, sf)
    library.org.control("DELETE", "sessions")
    body = {"records": [{"attributes": {"type": "Lead"}, **person} for person in _PEOPLE]}
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    sf.restful("composite/sobjects", method="POST", json=body, headers=headers)
    calls = zip(watched.urls, watched.headers, strict=True)
    told = ["Sforce-Duplicate-Rule-Header" in sent for url, sent in calls if "composite" in url]
    assert told == [True, False]


def test_only_the_object_that_called_knows_the_daily_usage(sf: Salesforce) -> None:
    sf.Lead.create(_PEOPLE[0])
    sf.bulk2.Lead.insert(records=_PEOPLE, wait=0)
    assert sf.api_usage == {}
    sf.query("SELECT Id FROM Lead")
    assert sf.api_usage["api-usage"].used > 0


def test_its_errors_quote_urls_and_bodies(sf: Salesforce) -> None:
    with pytest.raises(SalesforceError, match=r"someone@example\.org"):
        sf.query("SELECT Id FROM Lead WHERE Email = 'someone@example.org")


def test_refused_rows_pass_in_silence(sf: Salesforce) -> None:
    (summary,) = sf.bulk2.Lead.insert(records=[{"Company": "C"}], wait=0)
    assert summary["numberRecordsFailed"] == 1


def test_one_503_on_a_poll_aborts_a_healthy_job_and_tells_nobody_its_id(
    library: Library, sf: Salesforce
) -> None:
    library.org.script({"type": "stick_job"}, {"type": "respond", "kind": "bulk_ingest_poll", "times": 1})
    with pytest.raises(SalesforceGeneralError) as raised:
        sf.bulk2.Lead.insert(records=_PEOPLE, wait=0)
    (job,) = _jobs(sf)
    assert job["state"] == "Aborted"
    assert raised.value.status == 503
    assert library.org.calls()["bulk_ingest_abort"] == 1


def test_a_dropped_connection_on_a_poll_aborts_it_too(library: Library, sf: Salesforce) -> None:
    library.org.script({"type": "stick_job"}, {"type": "drop", "kind": "bulk_ingest_poll"})
    with pytest.raises(requests.ConnectionError):
        sf.bulk2.Lead.insert(records=_PEOPLE, wait=0)
    assert _jobs(sf)[0]["state"] == "Aborted"


def test_a_session_that_ends_mid_job_leaves_the_job_behind(library: Library, sf: Salesforce) -> None:
    library.org.script(
        {"type": "stick_job", "state": "UploadComplete"},
        {"type": "expire_sessions", "kind": "bulk_ingest_poll"},
    )
    with pytest.raises(SalesforceExpiredSession):
        sf.bulk2.Lead.insert(records=_PEOPLE, wait=0)
    assert _jobs(sf)[0]["state"] == "UploadComplete"
    assert library.org.calls()["bulk_ingest_abort"] == 0


def test_a_failure_in_a_later_job_hides_the_ids_of_those_before(library: Library, sf: Salesforce) -> None:
    library.org.script({"type": "respond", "kind": "bulk_ingest_create", "nth": 3, "status": 500})
    with pytest.raises(SalesforceGeneralError) as raised:
        sf.bulk2.Lead.insert(records=_PEOPLE, batch_size=1, wait=0)
    jobs = _jobs(sf)
    assert [job["state"] for job in jobs] == ["JobComplete", "JobComplete"]
    assert not any(job["id"] in str(raised.value) for job in jobs)


def test_deleting_a_job_works_and_raises(sf: Salesforce) -> None:
    (summary,) = sf.bulk2.Lead.insert(records=_PEOPLE, wait=0)
    with pytest.raises(json.JSONDecodeError):
        sf.bulk2.Lead._client.delete_job(summary["job_id"], is_query=False)
    assert _jobs(sf) == []


def test_none_is_an_empty_cell_which_leaves_a_field_alone(library: Library, sf: Salesforce) -> None:
    (lead,) = library.org.seed("Lead", {**_PEOPLE[0], "City": "Ulm"})
    sf.bulk2.Lead.update(records=[{"Id": lead, "City": None}], wait=0)
    assert sf.Lead.get(lead)["City"] == "Ulm"
    sf.bulk2.Lead.update(records=[{"Id": lead, "City": "#N/A"}], wait=0)
    assert sf.Lead.get(lead)["City"] is None


def test_not_a_number_is_the_text_nan(library: Library, sf: Salesforce) -> None:
    sf.bulk2.Lead.insert(records=[{**_PEOPLE[0], "City": float("nan")}], wait=0)
    assert library.org.query("SELECT City FROM Lead")[0]["City"] == "nan"


def test_a_byte_order_mark_becomes_part_of_the_first_column(sf: Salesforce, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("LastName,Company\nA,C\n", encoding="utf-8-sig")
    with pytest.raises(SalesforceOperationError, match="Field name not found : \ufeffLastName"):
        sf.bulk2.Lead.insert(csv_file=str(file), wait=0)


def test_a_newline_within_a_value_breaks_a_job_of_the_other_line_ending(sf: Salesforce) -> None:
    with pytest.raises(SalesforceOperationError, match="LineEnding is invalid"):
        sf.bulk2.Lead.insert(
            records=[{"LastName": "A\nB", "Company": "C"}], line_ending=LineEnding.CRLF, wait=0
        )


def test_all_results_at_once_lose_the_newlines_within_values(sf: Salesforce) -> None:
    (summary,) = sf.bulk2.Lead.insert(records=[{"LastName": "A\nB", "Company": "C"}], wait=0)
    (whole,) = rows_of(sf.bulk2.Lead.get_successful_records(summary["job_id"]))
    (torn,) = sf.bulk2.Lead.get_all_ingest_records(summary["job_id"])["successfulRecords"]
    assert (whole["LastName"], torn["LastName"]) == ("A\nB", "AB")


def test_a_refresh_leaves_a_kept_bulk_handle_with_the_old_token(library: Library, sf: Salesforce) -> None:
    kept = sf.bulk2.Lead
    library.org.control("DELETE", "sessions")
    sf.query("SELECT Id FROM Lead")
    with pytest.raises(SalesforceExpiredSession):
        kept.insert(records=_PEOPLE, wait=0)
    assert sf.bulk2.Lead.insert(records=_PEOPLE, wait=0)[0]["numberRecordsProcessed"] == 3
