"""One function tells why a booking is on the record it is on (rules M9, T5)."""

from __future__ import annotations

import pytest

from include.errors import ConfigurationError
from include.pipeline.explain_booking import AttendeeStory, BookingStory, explain_booking
from include.source.gateway import SourceGateway
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("M9")

ANN = {
    "first_name": "Annabel",
    "last_name": "Leeson",
    "email": "annabel@example.com",
    "phone": "416 555 0100",
}


def story(world: World, booking_id: int) -> BookingStory:
    return explain_booking(world.ledger, SourceGateway(world.source), str(booking_id))


def attendee(world: World, booking_id: int, client_id: int) -> AttendeeStory:
    (found,) = [one for one in story(world, booking_id).attendees if one.client_id == str(client_id)]
    return found


def words(world: World, booking_id: int, client_id: int) -> str:
    return " ".join(attendee(world, booking_id, client_id).sentences)


def lead(world: World, **values: object) -> str:
    (record_id,) = world.org.seed(
        "Lead",
        {
            "FirstName": "Annabel",
            "LastName": "Leeson",
            "Email": "annabel@example.com",
            "Company": "x",
            **values,
        },
    )
    return record_id


def test_a_booking_says_which_event_is_on_which_record_and_why(world: World) -> None:
    known = lead(world)
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    found = attendee(world, 10, 1)
    assert (found.booking_key, found.record_id) == ("10-1", known)
    assert found.event_id == world.event("10-1")["Id"]
    told = words(world, 10, 1)
    assert f"The Event is {found.event_id}, on {known}." in told
    assert f"Record {known} has the same first name, last name and e-mail." in told
    assert "version 0 of the field mappings" in told
    assert "algorithm name_and_email, entity type lead" in told


def test_a_later_run_does_not_hide_why_a_person_was_created_and_whom_the_lead_became(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    created = str(attendee(world, 10, 1).record_id)
    assert "so a new Lead is created" in words(world, 10, 1)
    assert "We created the record, under the key 1." in words(world, 10, 1)
    contact = world.convert(created)
    world.edit(10, status="confirmed")
    world.sync()
    told = words(world, 10, 1)
    assert f"It was found through {created}, which was converted or merged into it." in told
    assert "Before, on 2026-06-01" in told
    assert "so a new Lead is created" in told
    assert attendee(world, 10, 1).record_id == contact


def test_whoever_is_held_is_told_why_and_what_for(world: World) -> None:
    records = [lead(world), lead(world)]
    world.set(ambiguous_match="hold")
    world.client(1, **ANN)
    world.booking(10, 1)
    world.sync()
    told = words(world, 10, 1)
    assert "It is held since 2026-06-01" in told
    assert "a person has to choose" in told
    assert "The setting is ambiguous_match." in told
    assert all(record in told for record in records)
    assert attendee(world, 10, 1).event_id is None


@pytest.mark.rule("S4")
def test_attendees_who_are_one_person_are_told_who_carries_their_event(world: World) -> None:
    world.client(1, **ANN)
    world.client(2, **ANN)
    world.booking(10, 1, 2)
    world.sync()
    assert "carries its Event. It is client 1." in words(world, 10, 2)
    assert "This is the primary attendee." in words(world, 10, 1)


def test_no_word_of_it_is_personal(world: World) -> None:
    world.client(1, **ANN, salesforce_id="Annabel Leeson")
    world.client(2, first_name="Annabel", last_name="Leeson", email="not an e-mail")
    world.booking(10, 1, 2, notes="Annabel is moving")
    world.sync()
    told = "\n".join(story(world, 10).lines())
    assert "not a Salesforce Id" in told
    assert "The client's e-mail is not one that Salesforce accepts" in told
    assert not [
        value
        for value in ("Annabel", "Leeson", "example.com", "555", "moving", "not an e-mail")
        if value in told
    ]


def test_a_booking_that_no_run_has_read_or_that_lost_its_attendees_says_so(world: World) -> None:
    world.client(1, **ANN)
    world.booking(10, 1)
    assert "No run has read this attendee yet" in words(world, 10, 1)
    world.sync()
    world.change("attendees", {"appointment_id": 10}, deleted_at=world.tick())
    world.sync()
    assert "This client was removed from the booking." in words(world, 10, 1)
    assert attendee(world, 10, 1).event_id is None
    world.booking(11)
    assert story(world, 11).sentences == ("The booking never had an attendee.",)
    world.edit(11, deleted_at=world.tick())
    assert "The booking was deleted in Coconut." in story(world, 11).sentences


@pytest.mark.parametrize("appointment_id", ["99", "x", "", "9" * 40])
def test_an_unknown_booking_is_an_error_that_says_what_to_do(world: World, appointment_id: str) -> None:
    with pytest.raises(ConfigurationError, match="look the id up in Coconut"):
        explain_booking(world.ledger, SourceGateway(world.source), appointment_id)
