"""What simple-salesforce 1.12.10 does that our adapter is built around; a release that changes it fails here first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceExpiredSession,
)
from simple_salesforce.login import SalesforceLogin


class Recorder(HTTPAdapter):
    """Answer every request from a list, and keep what was asked and how."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        super().__init__()
        self._answers = list(answers)
        self.urls: list[str] = []
        self.timeouts: list[Any] = []
        self.headers: list[dict[str, str]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.urls.append(request.url or "")
        self.timeouts.append(kwargs.get("timeout"))
        self.headers.append(dict(request.headers))
        response = requests.Response()
        response.status_code, text = self._answers.pop(0)
        response._content = text.encode()
        response.headers["Content-Type"] = "application/json"
        response.request, response.url = request, request.url or ""
        return response


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def client(session: requests.Session, recorder: Recorder) -> Salesforce:
    session.mount("https://", recorder)
    return Salesforce(session_id="token", instance="127.0.0.1:8080", session=session, version="64.0")


def test_it_writes_https_into_every_url_pages_included(session: requests.Session) -> None:
    recorder = Recorder((200, '{"done": true, "records": [1]}'), (200, '{"done": true, "records": [1]}'))
    salesforce = client(session, recorder)
    salesforce.query("SELECT Id FROM Lead")
    salesforce.query_more("/services/data/v64.0/query/01g-2000", identifier_is_url=True)
    assert all(url.startswith("https://127.0.0.1:8080/services/data/v64.0/query/") for url in recorder.urls)


def test_it_sets_no_time_limit(session: requests.Session) -> None:
    recorder = Recorder((200, '{"records": [1]}'))
    client(session, recorder).query("SELECT Id FROM Lead")
    assert recorder.timeouts == [None]


def test_with_a_token_it_never_signs_in_again_by_itself(session: requests.Session) -> None:
    recorder = Recorder(
        (401, '[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]')
    )
    with pytest.raises(SalesforceExpiredSession):
        client(session, recorder).restful("limits")
    assert len(recorder.urls) == 1


def test_it_passes_the_headers_of_a_call_on(session: requests.Session) -> None:
    recorder = Recorder((200, "[1]"))
    client(session, recorder).restful(
        "composite/sobjects", method="POST", headers={"Sforce-Auto-Assign": "FALSE"}
    )
    assert recorder.headers[0]["Sforce-Auto-Assign"] == "FALSE"


def test_it_signs_in_by_client_credentials_on_a_my_domain_only(session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="security token"):
        SalesforceLogin(consumer_key="key", consumer_secret="secret", domain="login", session=session)


def test_a_server_error_at_sign_in_looks_like_a_refusal(session: requests.Session) -> None:
    session.mount("https://", Recorder((503, '{"error": "SERVER_UNAVAILABLE"}')))
    with pytest.raises(SalesforceAuthenticationFailed):
        SalesforceLogin(consumer_key="key", consumer_secret="secret", domain="acme.my", session=session)


def test_its_errors_quote_urls_and_bodies(session: requests.Session) -> None:
    recorder = Recorder((400, '[{"errorCode": "MALFORMED_QUERY", "message": "near someone@example.org"}]'))
    with pytest.raises(SalesforceError, match=r"someone@example\.org"):
        client(session, recorder).query("SELECT Id FROM Lead WHERE Email = 'someone@example.org")
