"""The Account of every new Contact, by company, Accounts there are, and settings, against the org (rule M10)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.pipeline.cases import Cases
from tests.pipeline.world import World

NO_COMPANY = ("nothing", "blanks")
SHARERS = ("Microsoft, one", "microsoft, two")
PLACEHOLDER = "[not provided]"

COMPANIES: dict[str, str | None] = {
    "Microsoft, one": "Microsoft",
    "microsoft, two": "  microsoft ",
    "Microsoft Inc.": "Microsoft Inc.",
    "known": "Known Ltd.",
    "known, in capitals": "KNOWN LTD.",
    "known twice": "Twice & Sons",
    "a person's name": "Ada Byron",
    "nothing": None,
    "blanks": "   ",
}


def begin(world: World, **settings: Any) -> tuple[Cases, dict[str, str]]:
    """Seed Accounts, add the clients, sync, and return the Accounts that were there by what they are called here."""
    world.set_up_org(person_accounts=True)
    world.set(entity_type="contact", **settings)
    known = {"known": world.account("Known Ltd."), "first": world.account("Twice & Sons")}
    world.person_account(FirstName="Ada", LastName="Byron")
    world.later()
    known["second"] = world.account("Twice & Sons")
    cases = Cases(world)
    for name, company in COMPANIES.items():
        cases.client(name, company=company)
    return cases, known


def accounts_of(cases: Cases) -> dict[str, dict[str, Any]]:
    """Return by case the Account of the Contact that its Event points at; no Account is no entry."""
    accounts = {row["Id"]: row for row in cases.world.org.records("Account")}
    contacts = {row["Id"]: row["AccountId"] for row in cases.world.org.records("Contact")}
    events = {row["Coconut_Booking_Key__c"]: contacts[row["WhoId"]] for row in cases.world.events()}
    found = {name: events[key] for name, key in cases.keys.items() if key in events}
    return {name: accounts[account] for name, account in found.items() if account}


@pytest.mark.rule("M10")
@pytest.mark.parametrize("without", ["own_account", "placeholder_account", "no_account"])
def test_accounts_are_shared_by_name_and_by_nothing_else(world: World, without: str) -> None:
    cases, known = begin(world, contact_without_company=without)
    world.sync()
    accounts = accounts_of(cases)
    ids = {name: account["Id"] for name, account in accounts.items()}
    assert ids["Microsoft, one"] == ids["microsoft, two"]
    assert accounts["Microsoft, one"]["Name"] == "Microsoft"
    assert ids["Microsoft Inc."] != ids["Microsoft, one"]
    assert ids["known"] == ids["known, in capitals"] == known["known"]
    assert ids["known twice"] == known["first"]
    assert not accounts["a person's name"]["IsPersonAccount"]
    without_company = {name: accounts[name]["Name"] for name in NO_COMPANY if name in accounts}
    numbers = {name: cases.clients[name] for name in NO_COMPANY}
    assert (
        without_company
        == {
            "own_account": {name: f"Ann Case {number}" for name, number in numbers.items()},
            "placeholder_account": dict.fromkeys(NO_COMPANY, PLACEHOLDER),
            "no_account": {},
        }[without]
    )
    names = Counter(row["Name"] for row in world.org.records("Account"))
    assert names["Microsoft"] == 1
    assert names[PLACEHOLDER] == (1 if without == "placeholder_account" else 0)


@pytest.mark.rule("M10")
def test_with_leave_duplicates_every_contact_with_a_company_has_an_account_of_its_own(world: World) -> None:
    cases, known = begin(
        world,
        account_deduplication="leave_duplicates",
        contact_without_company="placeholder_account",
    )
    world.sync()
    accounts = accounts_of(cases)
    with_company = [accounts[name]["Id"] for name in COMPANIES if name not in NO_COMPANY]
    assert len(set(with_company)) == len(with_company)
    assert not set(known.values()) & set(with_company)
    names = Counter(row["Name"] for row in world.org.records("Account"))
    assert names["Twice & Sons"] == 3
    assert names[PLACEHOLDER] == 1


@pytest.mark.rule("M6")
@pytest.mark.rule("M10")
@pytest.mark.parametrize("policy", ["most_recently_modified", "hold"])
def test_several_accounts_of_one_name_follow_the_policy(world: World, policy: str) -> None:
    cases, known = begin(world, ambiguous_match=policy)
    counts = world.sync()
    accounts = accounts_of(cases)
    if policy != "hold":
        assert accounts["known twice"]["Id"] == known["second"]
        return
    assert (counts["held"], counts["created"]) == (1, len(COMPANIES) - 1)
    assert world.waiting(cases.keys["known twice"])["reason"] == "ambiguous_account"
    world.merge("Account", known["first"], known["second"])
    world.set(ambiguous_match="oldest")
    assert world.sync()["created"] == 1
    assert accounts_of(cases)["known twice"]["Id"] == known["first"]


@pytest.mark.rule("M8")
@pytest.mark.rule("M10")
@pytest.mark.parametrize("deduplication", ["automatic", "leave_duplicates"])
def test_people_who_come_later_find_the_accounts_we_made_and_nobody_gets_a_second_one(
    world: World, deduplication: str
) -> None:
    cases, _ = begin(world, account_deduplication=deduplication)
    world.sync()
    before = accounts_of(cases)
    for name in COMPANIES:
        cases.book(name, offset=1000)
    cases.client("a colleague", company="MICROSOFT INC.")
    world.sync()
    after = accounts_of(cases)
    assert {name: after[name]["Id"] for name in before} == {
        name: account["Id"] for name, account in before.items()
    }
    is_shared = after["a colleague"]["Id"] == after["Microsoft Inc."]["Id"]
    assert is_shared == (deduplication == "automatic")


@pytest.mark.rule("M10")
@pytest.mark.rule("M14")
def test_a_duplicate_rule_of_accounts_that_only_alerts_keeps_no_contact_back(world: World) -> None:
    rule = {
        "name": "Same_Name",
        "sobject": "Account",
        "matching_rules": [{"name": "Same_Name_Match", "sobject": "Account", "fields": {"Name": "Name"}}],
    }
    begin(world, account_deduplication="leave_duplicates")
    world.set_up_org(person_accounts=True, duplicate_rules=[rule])
    counts = world.sync()
    assert (counts["created"], counts["quarantined"]) == (len(COMPANIES), 0)
    assert Counter(row["Name"] for row in world.org.records("Account"))["Twice & Sons"] == 3


@pytest.mark.rule("M10")
def test_contacts_that_are_found_keep_the_account_they_have(world: World) -> None:
    world.set(entity_type="contact")
    cases = Cases(world)
    old = world.account("Old Ltd.")
    cases.seed("found", "contact", AccountId=old)
    cases.client("found", company="New Ltd.")
    world.sync()
    assert accounts_of(cases)["found"]["Id"] == old
    assert [row["Name"] for row in world.org.records("Account")] == ["Old Ltd."]
