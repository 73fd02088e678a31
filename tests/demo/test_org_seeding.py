"""The org is given people and staff through its public API, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from include.demo.hand_made import Somebody
from include.demo.local_org import LocalOrg
from include.demo.org_seeding import SeededOrg, refuse_if_seeded, seed_org
from include.demo.plan import DemoPlan
from include.demo.salesforce_side import FOREIGN_ID, salesforce_side
from include.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.salesforce.gateway import SalesforceGateway
    from tests.local_org import LocalOrg as RunningOrg

PLAN = DemoPlan(bookings=600, seed=7, now=datetime(2024, 11, 20, 15, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def seeded(org_process: RunningOrg) -> Iterator[tuple[SalesforceGateway, SeededOrg]]:
    org_process.reset()
    with org_process.connect() as gateway:
        refuse_if_seeded(gateway)
        yield gateway, seed_org(gateway, LocalOrg.at(gateway.base_url), salesforce_side(PLAN))


@pytest.mark.rule("M4")
def test_the_org_holds_leads_contacts_both_and_converted_leads(
    seeded: tuple[SalesforceGateway, SeededOrg],
) -> None:
    gateway, summary = seeded
    assert gateway.count("SELECT COUNT() FROM Lead") == summary.created["Lead"]
    converted = gateway.query_frame("SELECT Id, ConvertedContactId FROM Lead WHERE IsConverted = true")
    assert len(converted) == len(salesforce_side(PLAN).converted)
    assert converted["ConvertedContactId"].notna().all()
    both = "SELECT Id FROM {} WHERE Email = 'nikos.p@example.org'"
    assert (
        len(gateway.query_frame(both.format("Lead"))) == len(gateway.query_frame(both.format("Contact"))) == 1
    )


@pytest.mark.rule("M1")
def test_coconut_holds_a_long_a_short_and_a_foreign_id(seeded: tuple[SalesforceGateway, SeededOrg]) -> None:
    gateway, summary = seeded
    held = summary.salesforce_ids
    contact = gateway.query_frame("SELECT Id FROM Contact WHERE Email = 'aiko.schmidt@example.net'")
    assert contact["Id"].tolist() == [held[Somebody.KNOWN_BY_ID]]
    assert len(held[Somebody.KNOWN_BY_SHORT_ID]) == 15
    assert held[Somebody.KNOWN_BY_FOREIGN_ID] == FOREIGN_ID


@pytest.mark.rule("S6")
def test_the_unassigned_events_owner_is_an_active_user(seeded: tuple[SalesforceGateway, SeededOrg]) -> None:
    gateway, summary = seeded
    active = gateway.query_frame("SELECT Id FROM User WHERE IsActive = true")
    assert summary.unassigned_owner in set(active["Id"])


@pytest.mark.rule("M8")
def test_an_org_is_not_given_the_same_people_twice(seeded: tuple[SalesforceGateway, SeededOrg]) -> None:
    with pytest.raises(ConfigurationError, match="already holds demo data"):
        refuse_if_seeded(seeded[0])


@pytest.mark.rule("P3")
def test_only_a_loopback_address_can_be_the_local_org() -> None:
    assert LocalOrg.at("https://acme.my.salesforce.com") is None
