"""What is tried leaves nothing behind, whatever Salesforce says to it."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import SalesforceUnavailableError
from include.salesforce.gateway import SalesforceGateway
from include.salesforce.session import RetryPolicy
from include.salesforce.trial import Attempt
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("G3")

INTEGRATION_USER = "integration@local-org.example"
LEAD = {"LastName": "Lee", "Company": "Acme"}
ATTEMPTS = (
    Attempt("made", "POST", "sobjects/Lead", LEAD),
    Attempt("changed", "PATCH", "sobjects/Lead/@{made.id}", {"City": "Toronto"}),
)


def kept(org: LocalOrg) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = org.control("GET", "records/Lead?include_deleted=true")
    return records


def test_what_would_be_done_is_undone(org: LocalOrg) -> None:
    with org.connect() as salesforce:
        assert salesforce.try_and_undo("Lead", ATTEMPTS) == {}
    assert kept(org) == []


def test_what_is_refused_is_named_with_its_code_and_the_rest_is_undone(org: LocalOrg) -> None:
    org.control("PUT", "setup", {"users": {INTEGRATION_USER: {"objects": {"Lead": ["read", "create"]}}}})
    with org.connect() as salesforce:
        refused = salesforce.try_and_undo("Lead", ATTEMPTS)
    assert refused == {"changed": "INSUFFICIENT_ACCESS_OR_READONLY"}
    assert kept(org) == []


def test_it_leaves_nothing_where_the_answer_never_arrives(org: LocalOrg) -> None:
    org.script({"type": "drop", "kind": "other", "nth": 1, "times": None, "when": "after"})
    retry = RetryPolicy(attempts=2, sleep=lambda _seconds: None)
    with (
        SalesforceGateway.connect(org.credentials(), retry=retry) as salesforce,
        pytest.raises(SalesforceUnavailableError),
    ):
        salesforce.try_and_undo("Lead", ATTEMPTS)
    assert kept(org) == []
