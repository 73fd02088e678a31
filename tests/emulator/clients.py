"""The local org's clients in its own tests: simple-salesforce unmodified, and Bulk jobs step by step."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from simple_salesforce import Salesforce

from include.salesforce.transport import RedirectedAdapter
from include.salesforce.usage import ApiUsage
from tests.local_org import VERSION, Answer, LocalOrg


def client_session(org: LocalOrg) -> requests.Session:
    """Return a session that reaches this org whatever Salesforce host is asked for.

    Only over plain http does the org's own address need the adapter; over TLS the session trusts its authority.
    """
    session = org.lend_session()
    adapter = RedirectedAdapter(ApiUsage(), org.url)
    hosts = ["login.salesforce.com", "acme.my.salesforce.com"]
    if org.url.startswith("http://"):
        hosts.append(urlsplit(org.url).netloc)
    for host in hosts:
        session.mount(f"https://{host}/", adapter)
    return session


def signed_in(org: LocalOrg) -> Salesforce:
    """Return simple-salesforce, unmodified, signed in with client credentials."""
    return Salesforce(
        consumer_key=org.announcement["consumer_key"],
        consumer_secret=org.announcement["consumer_secret"],
        domain="acme.my",
        version=VERSION,
        session=client_session(org),
    )


@dataclass(frozen=True, slots=True)
class BulkJob:
    """One ingest job driven step by step."""

    org: LocalOrg
    id: str

    @classmethod
    def create(cls, org: LocalOrg, sobject: str, operation: str = "insert", **more: str) -> BulkJob:
        body = {"object": sobject, "operation": operation, "contentType": "CSV", "lineEnding": "LF", **more}
        answer = org.call("POST", "/jobs/ingest", json=body)
        assert answer.ok, answer.text
        return cls(org, answer.json()["id"])

    def upload(self, content: str | bytes) -> Answer:
        body = content.encode() if isinstance(content, str) else content
        headers = {"Content-Type": "text/csv"}
        return self.org.call("PUT", f"/jobs/ingest/{self.id}/batches", data=body, headers=headers)

    def set_state(self, state: str) -> Answer:
        return self.org.call("PATCH", f"/jobs/ingest/{self.id}", json={"state": state})

    def run(self, content: str | bytes) -> dict[str, Any]:
        """Upload, close, and wait until the job is finished or held; return its information."""
        assert self.upload(content).status_code == 201
        assert self.set_state("UploadComplete").ok
        self.org.control("POST", "drain")
        return self.information()

    def information(self) -> dict[str, Any]:
        information: dict[str, Any] = self.org.call("GET", f"/jobs/ingest/{self.id}").json()
        return information

    def results(self, kind: str) -> list[dict[str, str]]:
        answer = self.org.call("GET", f"/jobs/ingest/{self.id}/{kind}")
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8"), newline="")))


def table(columns: Sequence[str], *rows: Sequence[str], line_ending: str = "\n") -> str:
    """Write a CSV as a client would."""
    sink = io.StringIO(newline="")
    csv.writer(sink, lineterminator=line_ending).writerows([columns, *rows])
    return sink.getvalue()
