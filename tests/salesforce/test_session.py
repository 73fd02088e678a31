from __future__ import annotations

from collections.abc import Callable

import pytest

from include.errors import (
    ConfigurationError,
    OrgExhaustedError,
    RequestRefusedError,
    SalesforceUnavailableError,
)
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway
from tests.local_org import LocalOrg

LEADS = "SELECT Id, Email FROM Lead"
SECRET_LOOKUP = "SELECT Id FROM Lead WHERE Email = 'someone@example.org'"


@pytest.mark.rule("Q6")
def test_an_expired_session_is_renewed_once_without_notice(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.script({"type": "expire_sessions", "kind": "query"})
    assert gateway.query_frame(LEADS).empty
    assert gateway.usage.calls == {"login": 2, "query": 2}


@pytest.mark.rule("Q6")
def test_sessions_that_never_last_are_a_matter_of_configuration(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    org.script({"type": "expire_sessions", "kind": "query", "times": None})
    with pytest.raises(ConfigurationError, match="as soon as it was opened"):
        gateway.query_frame(LEADS)
    assert gateway.usage.calls["query"] == 2


@pytest.mark.rule("Q6")
@pytest.mark.parametrize(
    "fault",
    [
        {"type": "respond", "status": 503},
        {"type": "respond", "status": 500, "body": "<html>oops</html>"},
        {"type": "respond", "status": 429, "code": "TOO_MANY"},
        {"type": "respond", "status": 400, "code": "QUERY_TIMEOUT"},
        {"type": "drop", "when": "before"},
        {"type": "drop", "when": "after"},
    ],
)
def test_passing_trouble_is_met_by_asking_again_after_a_wait(
    org: LocalOrg, gateway: SalesforceGateway, waits: list[float], fault: dict[str, object]
) -> None:
    org.script({**fault, "kind": "query", "times": 2})
    assert gateway.query_frame(LEADS).empty
    assert gateway.usage.calls["query"] == 3
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.0
    assert 1.0 <= waits[1] <= 2.0


@pytest.mark.rule("Q6")
def test_trouble_that_lasts_is_reported_as_unavailable(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.script({"type": "respond", "kind": "query", "status": 503, "times": None})
    with pytest.raises(SalesforceUnavailableError, match="SERVER_UNAVAILABLE"):
        gateway.query_frame(LEADS)
    assert gateway.usage.calls["query"] == 4


@pytest.mark.rule("Q6")
def test_an_exhausted_org_stops_at_once(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.script({"type": "exhaust_quota"})
    with pytest.raises(OrgExhaustedError, match="REQUEST_LIMIT_EXCEEDED"):
        gateway.query_frame(LEADS)
    assert gateway.usage.calls["query"] == 1


@pytest.mark.rule("Q6")
def test_what_is_refused_for_good_is_not_asked_again(org: LocalOrg, gateway: SalesforceGateway) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        gateway.query_frame("SELECT Id FROM Lead WHERE Email = 'someone@example.org")
    assert refusal.value.code == "MALFORMED_QUERY"
    assert gateway.usage.calls["query"] == 1


@pytest.mark.rule("F3")
def test_a_field_that_the_org_lacks_is_named_with_what_to_do(gateway: SalesforceGateway) -> None:
    with pytest.raises(
        ConfigurationError, match="no field Absent__c on Lead: deploy include/salesforce_package"
    ):
        gateway.query_frame("SELECT Id, Absent__c FROM Lead WHERE Email = 'someone@example.org'")


@pytest.mark.rule("Q11")
@pytest.mark.parametrize("fault", [{"type": "respond", "status": 503}, {"type": "drop"}])
def test_errors_carry_nobodys_data(
    org: LocalOrg, gateway: SalesforceGateway, fault: dict[str, object]
) -> None:
    org.script({**fault, "kind": "query", "times": None})
    with pytest.raises(SalesforceUnavailableError) as trouble:
        gateway.query_frame(SECRET_LOOKUP)
    seen: BaseException | None = trouble.value
    while seen is not None:
        assert "someone" not in str(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


@pytest.mark.rule("Q8")
def test_calls_are_counted_as_the_org_counts_them(org: LocalOrg, gateway: SalesforceGateway) -> None:
    org.script({"type": "respond", "kind": "describe", "status": 503})
    gateway.describe("Lead")
    gateway.describe("Lead")
    list(gateway.query(LEADS))
    assert gateway.usage.calls == {"login": 1, "describe": 2, "query": 1}
    assert sum(org.calls().values()) == sum(gateway.usage.calls.values())
    assert gateway.usage.daily_max
    assert gateway.usage.daily_used


@pytest.mark.rule("F3")
def test_an_object_is_described_with_our_fields(gateway: SalesforceGateway) -> None:
    event = gateway.describe("Event")
    key = event["Coconut_Booking_Key__c"]
    assert (key.unique, key.external_id, key.createable) == (True, True, True)
    assert event["Subject"].length == 255
    assert set(event["WhoId"].reference_to) == {"Contact", "Lead"}
    assert "Free" in event["ShowAs"].picklist_values
    assert event.key_prefix == "00U"


@pytest.mark.rule("F3")
def test_an_object_that_our_user_cannot_see_is_something_to_configure(gateway: SalesforceGateway) -> None:
    with pytest.raises(ConfigurationError, match=r"describe Absent__c \(NOT_FOUND\): check the object"):
        gateway.describe("Absent__c")


def test_a_job_has_a_page_in_setup(gateway: SalesforceGateway, credentials: SalesforceCredentials) -> None:
    assert gateway.job_url("750000000000001AAA") == (
        f"{credentials.instance_url}/lightning/setup/AsyncApiJobStatus/page?address=%2F750000000000001AAA"
    )


def test_another_process_may_hold_its_own_session(
    connect: Callable[..., SalesforceGateway], credentials: SalesforceCredentials
) -> None:
    first, second = connect(credentials), connect(credentials)
    assert first.query_frame(LEADS).empty
    assert second.query_frame(LEADS).empty
