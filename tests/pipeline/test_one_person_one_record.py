"""One person, one record: rows, bookings, DAGs, retries and lost keys, for every kind of person (rules M8, S4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from include.pipeline.context import Selection
from tests.pipeline.world import World

KINDS = {"lead": "Lead", "contact": "Contact", "person_account": "Account"}
EVERY_KIND = pytest.mark.parametrize("entity_type", KINDS)


def people(world: World, entity_type: str) -> list[dict[str, object]]:
    """Return the people of the org; Accounts of companies are none."""
    rows = world.org.records(KINDS[entity_type])
    return [row for row in rows if entity_type != "person_account" or row["IsPersonAccount"]]


def begin(world: World, entity_type: str) -> None:
    world.set_up_org(person_accounts=True)
    world.set(entity_type=entity_type)


@pytest.mark.rule("M8")
@EVERY_KIND
def test_rows_bookings_and_two_dags_at_once_make_one_record_of_each_person(
    world: World, entity_type: str
) -> None:
    begin(world, entity_type)
    for number in range(1, 13):
        world.client(number, last_name=f"Lee {number % 4}", email=f"ann{number % 4}@example.com")
        world.booking(100 + number, number)
        world.booking(200 + number, number)
        world.booking(300 + number, number, kind="walk_in")
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(world.sync, selection) for selection in (Selection.APPOINTMENTS, Selection.WALK_INS)
        ]
        counts = [future.result() for future in both]
    assert [count["created"] for count in counts] == [24, 12]
    assert len(people(world, entity_type)) == 4
    assert len({row["WhoId"] for row in world.events()}) == 4


@pytest.mark.rule("M8")
@pytest.mark.rule("S4")
@EVERY_KIND
def test_rows_of_one_person_share_an_event_and_a_row_that_comes_later_joins_them(
    world: World, entity_type: str
) -> None:
    begin(world, entity_type)
    world.client(1, last_name="Lee", email="ann@example.com")
    world.client(2, last_name="Lee", email="ann@example.com")
    world.client(3)
    world.booking(10, 2, 1, 3)
    counts = world.sync()
    assert {row["Coconut_Booking_Key__c"] for row in world.events()} == {"10-2", "10-3"}
    assert (counts["created"], counts["unchanged"]) == (2, 1)
    world.client(4, last_name="LEE", email="Ann@Example.com")
    world.booking(11, 4)
    world.sync()
    assert world.event("11-4")["WhoId"] == world.event("10-2")["WhoId"]
    assert len(people(world, entity_type)) == 2


@pytest.mark.rule("M8")
@pytest.mark.rule("Q4")
@pytest.mark.parametrize("entity_type", ["contact", "person_account"])
def test_a_person_whose_answer_was_lost_is_found_again_by_the_key(world: World, entity_type: str) -> None:
    begin(world, entity_type)
    world.client(1)
    world.booking(10, 1)
    lost = {"type": "drop", "kind": "collections_create", "nth": 1, "times": 1, "when": "after"}
    world.org.script(lost)
    world.sync()
    (person,) = people(world, entity_type)
    assert world.event("10-1")["WhoId"] == (person.get("PersonContactId") or person["Id"])


@pytest.mark.rule("S12")
def test_owner_and_person_that_salesforce_users_gave_an_event_stay(world: World) -> None:
    begin(world, "person_account")
    world.client(1)
    world.booking(10, 1)
    world.sync()
    elsewhere, colleague = world.contact(LastName="Else"), world.user("colleague@example.com")
    world.org.change("Event", Id=world.event("10-1")["Id"], WhoId=elsewhere, OwnerId=colleague)
    world.edit(10, notes="later")
    world.sync()
    event = world.event("10-1")
    assert (event["WhoId"], event["OwnerId"]) == (elsewhere, colleague)
    assert "later" in event["Description"]
