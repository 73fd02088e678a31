"""Salesforce moves on: converted, merged and deleted people, in every order and at every moment (rule M7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.pipeline.cases import Cases, expected_creations
from tests.pipeline.world import World

SOBJECTS = {"lead": "Lead", "contact": "Contact", "person account": "Account"}
LATER = 1000

Change = Callable[[Cases, str, str], None]


def became(cases: Cases, record_id: str) -> None:
    """Expect the case at this record."""
    cases.labels[record_id] = "who it became"


def convert(cases: Cases, lead_id: str, **options: str) -> str:
    """Convert a Lead of a company: one without would become a Person Account."""
    cases.world.org.change("Lead", Id=lead_id, Company="Acme")
    return cases.world.convert(lead_id, **options)


def converted(cases: Cases, name: str, lead_id: str) -> None:
    became(cases, convert(cases, lead_id))


def converted_into_a_given_contact(cases: Cases, name: str, lead_id: str) -> None:
    given = cases.world.contact(LastName="Given", AccountId=cases.world.account("Given"))
    (contact,) = cases.world.org.records("Contact", Id=given)
    became(cases, convert(cases, lead_id, contact_id=given, account_id=contact["AccountId"]))


def converted_into_a_given_person(cases: Cases, name: str, lead_id: str) -> None:
    given = cases.world.person_account(LastName="Given")
    cases.world.convert(lead_id, account_id=given)
    became(cases, given)


def converted_into_a_new_person(cases: Cases, name: str, lead_id: str) -> None:
    cases.world.org.change("Lead", Id=lead_id, Company=None)
    contact_id = cases.world.convert(lead_id)
    (contact,) = cases.world.org.records("Contact", Id=contact_id)
    assert contact["IsPersonAccount"]
    became(cases, contact["AccountId"])


def merged(kind: str) -> Change:
    def change(cases: Cases, name: str, record_id: str) -> None:
        survivor = cases.seed(name, kind, LastName="Survivor")
        cases.world.merge(SOBJECTS[kind], survivor, record_id)
        became(cases, survivor)

    return change


def merged_twice(kind: str) -> Change:
    def change(cases: Cases, name: str, record_id: str) -> None:
        first, second = (cases.seed(name, kind, LastName=f"Survivor {number}") for number in (1, 2))
        cases.world.merge(SOBJECTS[kind], first, record_id)
        cases.world.merge(SOBJECTS[kind], second, first)
        became(cases, second)

    return change


def merged_then_converted(cases: Cases, name: str, lead_id: str) -> None:
    survivor = cases.seed(name, "lead", LastName="Survivor")
    cases.world.merge("Lead", survivor, lead_id)
    became(cases, convert(cases, survivor))


def converted_then_its_contact_merged(cases: Cases, name: str, lead_id: str) -> None:
    contact = convert(cases, lead_id)
    survivor = cases.seed(name, "contact", LastName="Survivor")
    cases.world.merge("Contact", survivor, contact)
    became(cases, survivor)


def converted_then_its_contact_deleted(cases: Cases, name: str, lead_id: str) -> None:
    cases.world.org.delete("Contact", convert(cases, lead_id))


def deleted(kind: str) -> Change:
    def change(cases: Cases, name: str, record_id: str) -> None:
        cases.world.org.delete(SOBJECTS[kind], record_id)

    return change


def survivor_deleted(kind: str) -> Change:
    def change(cases: Cases, name: str, record_id: str) -> None:
        survivor = cases.seed(name, kind, LastName="Survivor")
        cases.world.merge(SOBJECTS[kind], survivor, record_id)
        cases.world.org.delete(SOBJECTS[kind], survivor)

    return change


def deleted_and_another_agrees(kind: str) -> Change:
    def change(cases: Cases, name: str, record_id: str) -> None:
        cases.world.org.delete(SOBJECTS[kind], record_id)
        became(cases, cases.seed(name, kind))

    return change


FATES: dict[str, dict[str, tuple[Change, str]]] = {
    "lead": {
        "converted": (converted, "who it became"),
        "converted into a given Contact": (converted_into_a_given_contact, "who it became"),
        "converted into a given Person Account": (converted_into_a_given_person, "who it became"),
        "converted into a new Person Account": (converted_into_a_new_person, "who it became"),
        "merged": (merged("lead"), "who it became"),
        "merged twice": (merged_twice("lead"), "who it became"),
        "merged, then converted": (merged_then_converted, "who it became"),
        "converted, its Contact merged": (converted_then_its_contact_merged, "who it became"),
        "converted, its Contact deleted": (converted_then_its_contact_deleted, "new Lead"),
        "deleted": (deleted("lead"), "new Lead"),
        "survivor deleted": (survivor_deleted("lead"), "new Lead"),
        "deleted, another agrees": (deleted_and_another_agrees("lead"), "who it became"),
    },
    "contact": {
        "merged": (merged("contact"), "who it became"),
        "merged twice": (merged_twice("contact"), "who it became"),
        "deleted": (deleted("contact"), "new Contact"),
        "survivor deleted": (survivor_deleted("contact"), "new Contact"),
        "deleted, another agrees": (deleted_and_another_agrees("contact"), "who it became"),
    },
    "person account": {
        "merged": (merged("person account"), "who it became"),
        "merged twice": (merged_twice("person account"), "who it became"),
        "deleted": (deleted("person account"), "new Person Account"),
        "survivor deleted": (survivor_deleted("person account"), "new Person Account"),
        "deleted, another agrees": (deleted_and_another_agrees("person account"), "who it became"),
    },
}


ABOUT_AN_ACCOUNT = "converted, its Contact deleted"
"""Conversion made its Event about the Account, which is never undone; Salesforce lets no Lead on such an Event."""


def begin(world: World, kind: str) -> tuple[Cases, dict[str, str]]:
    """Sync one new person for every fate, and return the cases and each one's record."""
    world.set_up_org(person_accounts=True)
    world.set(entity_type=kind.replace(" ", "_"))
    cases = Cases(world)
    for name in FATES[kind]:
        cases.client(name)
    world.sync()
    records = world.org.records(SOBJECTS[kind])
    by_key = {row["Coconut_Client_Key__c"]: row["Id"] for row in records}
    mine = {name: by_key[str(cases.clients[name])] for name in FATES[kind]}
    cases.labels.update(dict.fromkeys(mine.values(), "the stale record"))
    return cases, mine


def strike(cases: Cases, kind: str, mine: dict[str, str]) -> dict[str, str]:
    """Let every fate happen, and return where each case is expected from now on."""
    for name, (change, _) in FATES[kind].items():
        change(cases, name, mine[name])
    return {name: expected for name, (_, expected) in FATES[kind].items()}


@pytest.mark.rule("M7")
@pytest.mark.rule("M8")
@pytest.mark.rule("S12")
@pytest.mark.parametrize("kind", FATES)
def test_new_and_changed_bookings_go_to_whoever_the_person_became(world: World, kind: str) -> None:
    cases, mine = begin(world, kind)
    earlier = dict(cases.keys)
    expected = strike(cases, kind, mine)
    for name, key in earlier.items():
        world.edit(int(key.partition("-")[0]), notes="later")
        cases.book(name, offset=LATER)
    counts = world.sync()
    assert cases.outcomes() == expected
    cases.keys = earlier
    stuck = {ABOUT_AN_ACCOUNT: "nobody"} if kind == "lead" else {}
    assert cases.outcomes() == expected | stuck
    assert cases.created() == expected_creations(expected)
    assert len(world.events()) == 2 * len(expected)
    assert (counts["written"], counts["quarantined"]) == (2 * len(expected) - len(stuck), len(stuck))
    assert all(world.waiting(earlier[name])["reason"] == "refused_by_salesforce" for name in stuck)


@pytest.mark.rule("M7")
@pytest.mark.rule("Q4")
@pytest.mark.parametrize("kind", FATES)
def test_what_happens_between_matching_and_writing_is_made_good_by_the_next_run(
    world: World, kind: str
) -> None:
    cases, mine = begin(world, kind)
    for name in cases.clients:
        cases.book(name, offset=LATER)
    expected: dict[str, str] = {}
    world.sync(before_loading=lambda: expected.update(strike(cases, kind, mine)))
    world.sync()
    assert cases.outcomes() == expected
    assert cases.created() == expected_creations(expected)
    assert world.ledger.quarantine_rows().empty


@pytest.mark.rule("M5")
@pytest.mark.rule("M7")
def test_a_converted_lead_is_followed_and_not_written_where_writing_it_would_succeed(world: World) -> None:
    username = world.org.announcement["username"]
    permissions = ["ApiEnabled", "ModifyAllData", "ViewAllData", "AllowViewEditConvertedLeads"]
    world.set_up_org(users={username: {"permissions": permissions}})
    world.set(overwrite_existing="on")
    cases = Cases(world)
    cases.client("converted")
    world.sync()
    (lead,) = world.org.records("Lead")
    cases.labels[world.convert(lead["Id"])] = "its Contact"
    written = world.org.call("PATCH", f"/sobjects/Lead/{lead['Id']}", json={"Description": "ours"})
    assert written.ok, written.text
    world.change("clients", {"id": cases.clients["converted"]}, city="Ottawa", phone="+1 416 555 0100")
    cases.book("converted", offset=LATER)
    world.sync()
    assert cases.outcomes() == {"converted": "its Contact"}
    (stale,), (contact,) = world.org.records("Lead"), world.org.records("Contact")
    assert (stale["City"], contact["MailingCity"], contact["Phone"]) == (None, None, None)


@pytest.mark.rule("M7")
@pytest.mark.rule("Q2")
def test_a_person_deleted_before_they_are_overwritten_is_matched_afresh_by_the_next_run(world: World) -> None:
    world.set(overwrite_existing="on")
    lead = world.lead(FirstName="Ann", Email="ann@example.com", City="Bern")
    world.booking(101, world.client(1, last_name="Lee", email="ann@example.com", city="Basel"))
    world.sync(before_loading=lambda: world.org.delete("Lead", lead))
    waiting = world.waiting("101-1")
    assert (waiting["reason"], waiting["waits_for"]) == ("person_unusable", "person")
    assert world.sync()["written"] == 1
    (found,) = world.org.records("Lead")
    assert (found["City"], world.event("101-1")["WhoId"]) == ("Basel", found["Id"])
    assert world.ledger.quarantine_rows().empty
