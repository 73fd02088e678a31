"""How the records are found that may be one of the clients, at any volume (rules M1, M2, M4, M7)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.errors import ConfigurationError
from include.ledger.contracts import PHONE_ENTRIES
from include.matching.follow import follow_records
from include.matching.lookups import Lookups
from include.pipeline.candidates import find_candidates
from include.pipeline.person_keys import find_by_key
from include.salesforce.bulk_jobs import PollPolicy
from include.salesforce.gateway import SalesforceGateway
from tests.local_org import LocalOrg

READING = ("query", "query_more", "bulk_query_create", "limits")
INTEGRATION_USER = "integration@local-org.example"
PERSON_ACCOUNTS = {"person_accounts": True}
UNKNOWN = "00Q0000000000ZZAAZ"


@pytest.fixture
def gateway(org: LocalOrg) -> Iterator[SalesforceGateway]:
    poll = PollPolicy(first_wait_seconds=0.02, longest_wait_seconds=0.1)
    with SalesforceGateway.connect(org.credentials(), poll=poll) as gateway:
        yield gateway


def no_phones(phones: Collection[str]) -> pd.DataFrame:
    pytest.fail(f"{len(phones)} phones were asked for")


def once(wanted: Lookups) -> Callable[[pd.DataFrame, Lookups], Lookups]:
    """Want these values and nothing that follows from them."""
    return lambda _candidates, done: wanted - done


def found(gateway: SalesforceGateway, **wanted: Any) -> pd.DataFrame:
    return find_candidates(gateway, once(Lookups(**wanted)), find_phones=no_phones)


def reading_calls(org: LocalOrg) -> dict[str, int]:
    calls = org.calls()
    return {kind: calls[kind] for kind in READING if calls[kind]}


def people(number: int, sobject: str = "Lead") -> list[dict[str, Any]]:
    company = {"Company": "-"} if sobject == "Lead" else {}
    return [{"LastName": f"P{place}", "Email": f"p{place}@example.org", **company} for place in range(number)]


def addresses(number: int) -> frozenset[str]:
    return frozenset(f"p{place}@example.org" for place in range(number))


@pytest.mark.rule("M2")
def test_few_clients_cost_one_query_an_object(org: LocalOrg, gateway: SalesforceGateway) -> None:
    leads = org.seed("Lead", *people(12))
    contacts = org.seed("Contact", *people(2, "Contact"))
    org.forget_calls()
    candidates = found(gateway, emails=addresses(10))
    assert set(candidates["record_id"]) == {*leads[:10], *contacts}
    assert reading_calls(org) == {"query": 2}


@pytest.mark.rule("M2")
def test_many_clients_cost_one_scan_an_object(org: LocalOrg, gateway: SalesforceGateway) -> None:
    leads = org.seed("Lead", *people(3), {"LastName": "Other", "Company": "-", "Email": "other@example.org"})
    org.delete("Lead", leads[2])
    org.forget_calls()
    candidates = found(gateway, emails=addresses(20_000))
    assert set(candidates["record_id"]) == set(leads[:3]), "the recycle bin is searched too"
    assert candidates.set_index("record_id")["is_deleted"].to_dict()[leads[2]]
    assert reading_calls(org) == {"bulk_query_create": 2, "limits": 1}


@pytest.mark.rule("M1")
def test_many_known_records_are_scanned_for_rather_than_asked_for_by_id(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    leads = org.seed("Lead", *people(30))
    unknown = {f"00Q{number:012d}AAA" for number in range(20_000)}
    org.forget_calls()
    candidates = found(gateway, record_ids={"Lead": frozenset({*leads[:20], *unknown})})
    assert set(candidates["record_id"]) == set(leads[:20])
    assert reading_calls(org) == {"bulk_query_create": 1, "limits": 1}


@pytest.mark.rule("M2")
def test_one_scan_serves_ids_keys_and_e_mails_of_a_turn(org: LocalOrg, gateway: SalesforceGateway) -> None:
    by_id, by_mail = org.seed("Lead", {"LastName": "A", "Company": "-"}, *people(1))
    (by_key,) = org.seed("Lead", {"LastName": "B", "Company": "-", "Coconut_Client_Key__c": "Key-7"})
    org.seed("Lead", {"LastName": "C", "Company": "-", "Email": "other@example.org"})
    org.forget_calls()
    candidates = found(
        gateway,
        record_ids={"Lead": frozenset({by_id})},
        client_keys=frozenset({"Key-7"}),
        emails=addresses(20_000),
    )
    assert sorted(candidates["record_id"]) == sorted([by_id, by_mail, by_key])
    assert reading_calls(org) == {"bulk_query_create": 2, "limits": 1}


@pytest.mark.rule("M2")
def test_a_scan_that_would_take_more_calls_is_not_made(org: LocalOrg, gateway: SalesforceGateway) -> None:
    """Without the permission to see record counts the org is taken for a large one."""
    (lead,) = org.seed("Lead", *people(1))
    org.script({"type": "respond", "kind": "limits", "status": 403, "code": "INSUFFICIENT_ACCESS"})
    org.forget_calls()
    candidates = found(gateway, emails=addresses(4_000))
    assert candidates["record_id"].tolist() == [lead]
    calls = reading_calls(org)
    assert calls.pop("limits") == 1
    assert set(calls) == {"query"}
    assert calls["query"] > 2 * gateway.bulk_query_cost(0)


@pytest.mark.rule("M2")
def test_the_larger_an_object_the_more_calls_its_scan_is_expected_to_take() -> None:
    costs = [SalesforceGateway.bulk_query_cost(records) for records in (0, 250_000, 10_000_000)]
    assert costs == sorted(set(costs))


@pytest.mark.rule("M2")
@pytest.mark.rule("M3")
def test_phones_are_found_through_the_index_and_read_by_id(org: LocalOrg, gateway: SalesforceGateway) -> None:
    lead, other = org.seed("Lead", *people(2))
    asked: list[Collection[str]] = []

    def index(phones: Collection[str]) -> pd.DataFrame:
        asked.append(phones)
        return PHONE_ENTRIES.conform(
            pd.DataFrame({"record_id": [lead], "phone": ["14165550100"], "sobject": ["Lead"]})
        )

    wanted = Lookups(phones=frozenset({"14165550100"}), record_ids={"Lead": frozenset({other})})
    candidates = find_candidates(gateway, once(wanted), find_phones=index)
    assert sorted(candidates["record_id"]) == sorted([lead, other])
    assert asked == [frozenset({"14165550100"})]


@pytest.mark.rule("M4")
def test_a_person_account_is_found_by_id_by_key_and_by_its_contacts_e_mail(
    org: LocalOrg, gateway: SalesforceGateway
) -> None:
    org.control("PUT", "setup", PERSON_ACCOUNTS)
    (account,) = org.seed(
        "Account",
        {
            "FirstName": "Ana",
            "LastName": "Li",
            "PersonEmail": "ana@example.org",
            "PersonMobilePhone": "+1 416 555 0100",
            "PersonMailingCountry": "Canada",
            "Coconut_Client_Key__c": "7",
        },
    )
    (contact,) = (row["PersonContactId"] for row in org.records("Account", Id=account))
    ways: list[dict[str, Any]] = [
        {"record_ids": {"Account": frozenset({account})}},
        {"client_keys": frozenset({"7"})},
        {"emails": frozenset({"ana@example.org"})},
    ]
    for wanted in ways:
        ends = follow_records(found(gateway, **wanted)).drop_duplicates("target_id")
        assert ends[["sobject", "target_id", "who_id"]].values.tolist() == [["Account", account, contact]]
    row = found(gateway, client_keys=frozenset({"7"})).set_index("sobject").loc["Account"]
    assert (row["first_name"], row["email"], row["mobile_phone"], row["country"]) == (
        "Ana",
        "ana@example.org",
        "+1 416 555 0100",
        "Canada",
    )


@pytest.mark.rule("M1")
@pytest.mark.parametrize("setup", [{}, PERSON_ACCOUNTS], ids=["no Person Accounts", "Person Accounts"])
def test_a_business_account_that_coconut_names_is_read_and_is_not_a_person(
    org: LocalOrg, gateway: SalesforceGateway, setup: dict[str, Any]
) -> None:
    org.control("PUT", "setup", setup)
    (account,) = org.seed("Account", {"Name": "Acme"})
    candidates = found(gateway, record_ids={"Account": frozenset({account})})
    assert follow_records(candidates)["fate"].to_dict() == {account: "not_a_person"}


@pytest.mark.rule("M1")
@pytest.mark.parametrize("sobject", ["Lead", "Contact", "Account"])
def test_an_object_our_user_may_not_read_is_a_clear_error(
    org: LocalOrg, gateway: SalesforceGateway, sobject: str
) -> None:
    org.control("PUT", "setup", {"users": {INTEGRATION_USER: {"objects": {sobject: []}}}})
    with pytest.raises(ConfigurationError, match="check the object, the API version and the permissions"):
        found(gateway, emails=addresses(1))


@pytest.mark.rule("M1")
def test_a_field_our_user_may_not_read_is_named(org: LocalOrg, gateway: SalesforceGateway) -> None:
    hidden = {"fields": {"Lead": {"MobilePhone": "hidden"}}}
    org.control("PUT", "setup", {"users": {INTEGRATION_USER: hidden}})
    with pytest.raises(ConfigurationError, match="no field MobilePhone on Lead"):
        found(gateway, emails=addresses(1))


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]) | st.sampled_from("'\"\\%_\n\t,();?&=+#/ "),
    min_size=1,
    max_size=30,
).map(lambda text: f"x{text}x")


@pytest.mark.rule("M2")
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXTS, min_size=1, max_size=25, unique_by=str.casefold))
def test_whatever_a_value_holds_the_record_with_exactly_that_value_is_found(
    org_process: LocalOrg, texts: list[str]
) -> None:
    org_process.reset()
    leads = org_process.seed("Lead", *({"LastName": text, "Company": "-"} for text in texts))
    with org_process.connect() as gateway:
        for text, lead in zip(texts, leads, strict=True):
            (page,) = gateway.find_records(
                select=("Id", "LastName"), sobject="Lead", values={"LastName": [text]}
            )
            assert page["Id"].tolist() == [lead], text
        (page,) = gateway.find_records(select=("Id", "LastName"), sobject="Lead", values={"LastName": texts})
        assert sorted(page["Id"]) == sorted(leads)


@pytest.mark.rule("M2")
@pytest.mark.parametrize(
    "email",
    [
        "o'neil@example.org",
        "per%cent_under@example.org",
        "plus+tag&more=1@example.org",
        "zoë@example.org",
        "名前@example.org",
        "{curly}|pipe~tilde@example.org",
    ],
)
def test_an_awkward_e_mail_finds_exactly_its_record_either_way(
    org: LocalOrg, gateway: SalesforceGateway, email: str
) -> None:
    lead, _ = org.seed(
        "Lead",
        {"LastName": "A", "Company": "-", "Email": email.upper() if email.isascii() else email},
        {"LastName": "B", "Company": "-", "Email": f"x{email}"},
    )
    for padding in (0, 20_000):
        candidates = found(gateway, emails=frozenset({email, *addresses(padding)}))
        assert candidates["record_id"].tolist() == [lead]


def lead_with_key(org: LocalOrg, key: str, **values: Any) -> str:
    row = {"LastName": f"L{key}", "Company": "-", "Coconut_Client_Key__c": key, **values}
    return org.seed("Lead", row)[0]


def by_key(gateway: SalesforceGateway, sobject: str, *keys: str) -> list[tuple[Any, ...]]:
    rows = find_by_key(gateway, sobject, keys)
    filled = rows.astype(object).where(rows.notna(), None)
    return list(filled.itertuples(index=False, name=None))


@pytest.mark.rule("M7")
@pytest.mark.rule("M8")
class TestFindByKey:
    def test_a_live_record_is_itself_and_a_deleted_one_nobody(
        self, org: LocalOrg, gateway: SalesforceGateway
    ) -> None:
        live, gone = lead_with_key(org, "1"), lead_with_key(org, "2")
        org.delete("Lead", gone)
        assert by_key(gateway, "Lead", "1", "2", "3") == [("1", "Lead", live, live)]

    def test_a_converted_lead_whose_contact_was_merged_is_the_survivor(
        self, org: LocalOrg, gateway: SalesforceGateway
    ) -> None:
        converted = org.control("POST", "convert", {"lead_id": lead_with_key(org, "1")})
        (survivor,) = org.seed("Contact", {"LastName": "Survivor"})
        loser = converted["contactId"]
        org.control("POST", "merge", {"sobject": "Contact", "master_id": survivor, "loser_ids": [loser]})
        assert by_key(gateway, "Lead", "1") == [("1", "Contact", survivor, survivor)]

    def test_a_lead_merged_into_one_that_was_converted_is_its_contact(
        self, org: LocalOrg, gateway: SalesforceGateway
    ) -> None:
        loser = lead_with_key(org, "1")
        (master,) = org.seed("Lead", {"LastName": "Master", "Company": "-"})
        org.control("POST", "merge", {"sobject": "Lead", "master_id": master, "loser_ids": [loser]})
        contact = org.control("POST", "convert", {"lead_id": master})["contactId"]
        assert by_key(gateway, "Lead", "1") == [("1", "Contact", contact, contact)]

    def test_a_person_account_has_its_contact_and_a_merged_one_its_survivors(
        self, org: LocalOrg, gateway: SalesforceGateway
    ) -> None:
        org.control("PUT", "setup", PERSON_ACCOUNTS)
        first, loser = org.seed(
            "Account",
            {"LastName": "First", "Coconut_Client_Key__c": "1"},
            {"LastName": "Loser", "Coconut_Client_Key__c": "2"},
        )
        (contact,) = (row["PersonContactId"] for row in org.records("Account", Id=first))
        org.control("POST", "merge", {"sobject": "Account", "master_id": first, "loser_ids": [loser]})
        rows = by_key(gateway, "Account", "1", "2")
        assert rows == [("1", "Account", first, contact), ("2", "Account", first, contact)]

    def test_a_lead_converted_to_a_person_account_is_that_account(
        self, org: LocalOrg, gateway: SalesforceGateway
    ) -> None:
        org.control("PUT", "setup", PERSON_ACCOUNTS)
        lead = lead_with_key(org, "1", Company=None)
        account = org.control("POST", "convert", {"lead_id": lead})["accountId"]
        (contact,) = (row["PersonContactId"] for row in org.records("Account", Id=account))
        assert by_key(gateway, "Lead", "1") == [("1", "Account", account, contact)]

    def test_a_business_account_has_no_contact_to_point_at(
        self, org: LocalOrg, gateway: SalesforceGateway
    ) -> None:
        (account,) = org.seed("Account", {"Name": "Acme", "Coconut_Client_Key__c": "1"})
        assert by_key(gateway, "Account", "1") == [("1", "Account", account, None)]
