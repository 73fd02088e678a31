from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.server import pages
from include.salesforce_emulator.server.app import require_loopback
from tests.emulator.clients import BulkJob
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("P3")
_HOSTILE = "<script>alert('x')</script> & \"Söhne\""
_SPAN = {"StartDateTime": "2026-03-20T10:00:00Z", "EndDateTime": "2026-03-20T10:30:00Z"}


def _page(org: LocalOrg, path: str, *, status: int = 200) -> str:
    answer = org.raw("GET", path)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


def test_the_index_counts_the_records_of_every_object_without_sign_in(org: LocalOrg) -> None:
    org.seed("Lead", {"LastName": "Hopper", "Company": "Navy"})
    page = _page(org, "/")
    assert re.search(r"/lightning/o/Lead/list.*?</td><td>1</td>", page)
    assert re.search(r"/lightning/o/Contact/list.*?</td><td>0</td>", page)


def test_a_record_page_shows_its_fields_and_links_to_what_it_refers_to(org: LocalOrg) -> None:
    (account,) = org.seed("Account", {"Name": "Navy"})
    (contact,) = org.seed("Contact", {"LastName": "Hopper", "AccountId": account})
    page = _page(org, f"/lightning/r/Contact/{contact}/view")
    assert "Hopper" in page
    assert f'href="/{account}"' in page


def test_a_persons_page_shows_the_activities_that_concern_them(org: LocalOrg) -> None:
    (account,) = org.seed("Account", {"Name": "Navy"})
    (contact,) = org.seed("Contact", {"LastName": "Hopper", "AccountId": account})
    (event,) = org.seed("Event", {"Subject": "Visit of an admiral", "WhoId": contact, **_SPAN})
    (task,) = org.seed("Task", {"Subject": "Call back", "WhoId": contact})
    for path in (f"/lightning/r/Contact/{contact}/view", f"/lightning/r/Account/{account}/view"):
        page = _page(org, path)
        for shown in ("Visit of an admiral", f'href="/{event}"', "Call back", f'href="/{task}"'):
            assert shown in page, path


def test_pages_answer_on_loopback_only() -> None:
    assert all(endpoint.loopback_only for endpoint in pages.ENDPOINTS)
    require_loopback({"client": ("127.0.0.1", 5000)})
    with pytest.raises(SalesforceFault):
        require_loopback({"client": ("192.0.2.7", 5000)})


def test_whatever_a_record_holds_is_text_on_its_page(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": _HOSTILE, "Company": "Navy"})
    for path in (f"/lightning/r/Lead/{lead}/view", "/lightning/o/Lead/list"):
        page = _page(org, path)
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


def test_a_deleted_record_has_a_page_that_says_so(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "Hopper", "Company": "Navy"})
    org.delete("Lead", lead)
    assert "This record is deleted." in _page(org, f"/lightning/r/Lead/{lead}/view")


def test_an_address_that_is_an_id_leads_to_the_page_of_what_it_names(org: LocalOrg) -> None:
    (lead,) = org.seed("Lead", {"LastName": "Hopper", "Company": "Navy"})
    job = BulkJob.create(org, "Lead")
    for record_id, path in (
        (lead[:15], f"/lightning/r/Lead/{lead}/view"),
        (job.id, f"/lightning/setup/AsyncApiJobStatus/page?address=%2F{job.id}"),
    ):
        answer = org.raw("GET", f"/{record_id}", allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, path)
        _page(org, path)


def test_the_link_of_the_product_to_a_job_leads_to_its_counts(org: LocalOrg) -> None:
    job = BulkJob.create(org, "Lead")
    job.run("LastName,Company\nHopper,Navy\nNobody,\n")
    gateway = org.connect()
    try:
        link = gateway.job_url(job.id)
    finally:
        gateway.close()
    assert link.startswith(org.url)
    parts = urlsplit(link)
    page = _page(org, f"{parts.path}?{parts.query}")
    for name, value in {"object": "Lead", "state": "JobComplete", "numberRecordsFailed": "1"}.items():
        assert re.search(rf"<th>{name}</th><td>{value}</td>", page), name
    assert job.id in _page(org, "/lightning/setup/AsyncApiJobStatus/home")


@pytest.mark.parametrize(
    "path",
    [
        "/lightning/r/Lead/00Q000000000009/view",
        "/lightning/r/Lead/nonsense/view",
        "/lightning/r/Nonsense/00Q000000000009/view",
        "/lightning/o/Nonsense/list",
        "/lightning/setup/AsyncApiJobStatus/page?address=%2F750000000000009",
        "/lightning/setup/AsyncApiJobStatus/page",
        "/zzz000000000009",
        "/000000000000000zzz",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(org: LocalOrg, path: str) -> None:
    assert "The requested resource does not exist" in _page(org, path, status=404)


def test_pages_are_counted_as_pages_and_use_up_no_request(org: LocalOrg) -> None:
    _page(org, "/")
    assert org.calls() == {"page": 1}
    limit = org.control("GET", "limits")["DailyApiRequests"]
    assert limit["Remaining"] == limit["Max"]
