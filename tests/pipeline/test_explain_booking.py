"""One function tells why a booking is on the record it is on (rules M9, T5)."""

from __future__ import annotations

import pytest

from include.errors import ConfigurationError
from include.pipeline.explain_booking import AttendeeStory, BookingStory, explain_booking
from include.source.gateway import SourceGateway
from tests.pipeline.test_campaigns import campaign
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


@pytest.mark.rule("M13")
def test_a_booking_of_a_campaign_says_which_one_and_what_was_asked_of_the_membership(world: World) -> None:
    world.client(1, **ANN)
    spring = campaign(world)
    world.booking(10, 1, utm_campaign="Spring")
    assert "No run has dealt with its membership yet." in words(world, 10, 1)
    world.sync()
    (member,) = world.org.records("CampaignMember")
    told = words(world, 10, 1)
    assert f"The booking names the campaign Spring. It counts towards Campaign {spring}." in told
    assert f"member {member['Id']} of it; Coconut last asked for the member status Sent." in told
    assert "most advanced" not in told
    world.set(campaign_rules=[{"campaign": spring, "service": "Advice"}])
    world.booking(11, 1, status="complete")
    world.sync()
    told = words(world, 11, 1)
    assert f"A campaign rule of the settings gives the booking the campaign {spring}." in told
    assert "the most advanced decides" in told
    assert "Coconut last asked for the member status Responded." in told


@pytest.mark.rule("M13")
def test_a_campaign_that_stands_in_the_way_of_itself_is_told_and_one_that_was_left_is_not(
    world: World,
) -> None:
    world.client(1, **ANN)
    campaign(world, "Old", IsActive=False)
    world.booking(10, 1, utm_campaign="Old")
    world.booking(11, 1, utm_campaign="None such")
    world.booking(12, 1)
    world.sync()
    assert "names the campaign Old. The Campaign is not active." in words(world, 10, 1)
    assert "has no Campaign of that Id or exactly that name." in words(world, 11, 1)
    assert "ampaign" not in words(world, 12, 1)
    world.edit(10, deleted_at=world.tick())
    assert "ampaign" not in words(world, 10, 1)


@pytest.mark.rule("M5")
def test_fields_that_a_salesforce_user_changed_or_that_were_dropped_are_told_by_name(world: World) -> None:
    world.set(overwrite_existing="on", on_invalid_field="drop_and_report")
    world.client(1, **ANN, city="Bern", company="Boat yard", country="x" * 100)
    world.booking(10, 1)
    world.sync()
    created = str(attendee(world, 10, 1).record_id)
    assert f"Country of Lead {created} was written without Coconut's value on 2026-06-01" in words(
        world, 10, 1
    )
    world.org.change("Lead", Id=created, City="Basel", Company="Ship yard")
    world.change("clients", {"id": 1}, city="Chur", company="Dock", country=None)
    world.edit(10, notes="again")
    world.sync()
    told = words(world, 10, 1)
    assert f"City of Lead {created} had a value that a Salesforce user wrote; it was overwritten on" in told
    assert f"Company of Lead {created} keeps the value that a Salesforce user wrote" in told
    assert not [value for value in ("Bern", "Basel", "Chur", "yard", "Dock", "xxx") if value in told]


def test_no_word_of_it_is_personal(world: World) -> None:
    world.client(1, **ANN, salesforce_id="Annabel Leeson")
    world.client(2, first_name="Annabel", last_name="Leeson", email="not an e-mail")
    world.booking(10, 1, 2, notes="Annabel is moving", utm_campaign="Spring")
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
