"""Phones are found however they were typed, and the index follows what Salesforce users do (rule M3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.ledger.repository import Ledger
from include.pipeline.phone_index import PhoneIndex
from include.salesforce.bulk_jobs import PollPolicy
from include.salesforce.gateway import SalesforceGateway
from tests.local_org import LocalOrg

pytestmark = pytest.mark.rule("M3")

PHONE = "14165550100"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield Ledger.open(engine)
    engine.dispose()


@pytest.fixture
def gateway(org: LocalOrg) -> Iterator[SalesforceGateway]:
    poll = PollPolicy(first_wait_seconds=0.02, longest_wait_seconds=0.1)
    with SalesforceGateway.connect(org.credentials(), poll=poll) as gateway:
        yield gateway


def lead(org: LocalOrg, **values: Any) -> str:
    return org.seed("Lead", {"LastName": "L", "Company": "-", **values})[0]


def found(gateway: SalesforceGateway, ledger: Ledger, *phones: str, region: str = "US") -> set[str]:
    """Return who has one of these phones, as a run finds it that begins now."""
    entries = PhoneIndex(gateway, ledger, region=region).find(phones or [PHONE])
    return set(entries["record_id"])


@pytest.mark.parametrize(
    "values",
    [
        {"Phone": "(416) 555-0100"},
        {"MobilePhone": "+1 416 555 0100"},
        {"Phone": "n/a", "MobilePhone": "416.555.0100"},
        {"Phone": "001 416 555 0100", "Country": "Germany"},
    ],
)
def test_a_lead_is_found_by_either_phone_however_typed(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger, values: dict[str, str]
) -> None:
    lead(org, Phone="416 555 0199")
    somebody = lead(org, **values)
    assert found(gateway, ledger) == {somebody}


def test_contacts_are_found_too_and_those_of_person_accounts(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    org.control("PUT", "setup", {"person_accounts": True})
    (contact,) = org.seed("Contact", {"LastName": "C", "MobilePhone": "416 555 0100"})
    (account,) = org.seed("Account", {"LastName": "A", "PersonMobilePhone": "4165550100"})
    (person,) = (row["PersonContactId"] for row in org.records("Account", Id=account))
    assert found(gateway, ledger) == {contact, person}


def test_a_phone_without_country_code_is_read_in_the_way_of_the_records_country(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    british = lead(org, Phone="020 7946 0958", Country="United Kingdom")
    lead(org, Phone="020 7946 0958")
    (contact,) = org.seed("Contact", {"LastName": "C", "Phone": "020 7946 0958", "MailingCountry": "gb"})
    assert found(gateway, ledger, "442079460958") == {british, contact}


def test_another_default_region_makes_the_index_anew(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    somebody = lead(org, Phone="020 7946 0958")
    assert found(gateway, ledger, "442079460958", region="US") == set()
    assert found(gateway, ledger, "442079460958", region="GB") == {somebody}
    assert found(gateway, ledger, "442079460958", region="US") == set()


def test_the_index_of_another_org_is_not_used(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    lead(org, Phone="416 555 0100")
    found(gateway, ledger)
    state = ledger.phone_index_state("Lead")
    assert state is not None
    other = type(state)("00DOTHER0000001AAA", state.region, state.mark)
    ledger.mark_phone_index("Lead", other)
    known = found(gateway, ledger)
    assert ledger.phone_index_state("Lead") == state
    assert len(known) == 1


def test_what_users_change_delete_and_merge_is_followed(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    changed, deleted, emptied, merged = (lead(org, Phone="416 555 0100") for _ in range(4))
    survivor = lead(org, Phone="416 555 0111")
    assert found(gateway, ledger) == {changed, deleted, emptied, merged}
    org.change("Lead", Id=changed, Phone="416 555 0122")
    org.change("Lead", Id=emptied, Phone=None)
    org.delete("Lead", deleted)
    org.control("POST", "merge", {"sobject": "Lead", "master_id": survivor, "loser_ids": [merged]})
    new = lead(org, MobilePhone="416-555-0100")
    assert found(gateway, ledger) == {merged, new}, "a merged record leads to the one that survives it"
    assert found(gateway, ledger, "14165550122") == {changed}


def test_keeping_a_small_index_fresh_costs_one_query_an_object(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    lead(org, Phone="416 555 0100")
    index = PhoneIndex(gateway, ledger, region="US")
    org.forget_calls()
    index.find([PHONE])
    index.find(["14165550111"])
    assert org.calls() == {"query": 2}
    found(gateway, ledger)
    assert org.calls() == {"query": 4}


def test_changes_behind_the_mark_are_read_again_and_older_ones_are_not(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    """A transaction may end after a younger one that the mark was taken from."""
    org.control("POST", "clock", {"set": "2026-03-01T12:00:00Z"})
    old = lead(org, Phone="416 555 0100")
    org.control("POST", "clock", {"advance_seconds": 3600})
    late = lead(org, Phone="416 555 0100")
    found(gateway, ledger)
    ledger.replace_phone_entries([old, late], ledger.phone_entries([]))
    assert found(gateway, ledger) == {late}


def test_many_changes_are_read_by_one_bulk_query(
    org: LocalOrg, gateway: SalesforceGateway, ledger: Ledger
) -> None:
    found(gateway, ledger)
    rows = [
        {"LastName": "L", "Company": "-", "Phone": f"416 {number:07}"} for number in range(200_0000, 201_2500)
    ]
    for start in range(0, len(rows), 2_500):
        org.seed("Lead", *rows[start : start + 2_500])
    org.forget_calls()
    assert len(found(gateway, ledger, "14162000000", "14162012499")) == 2
    calls = org.calls()
    assert (calls["query"], calls["query_more"], calls["bulk_query_create"]) == (2, 0, 1)
