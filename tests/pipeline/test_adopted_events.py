"""Legacy Events that were taken over, in runs on the modern integration (rule G8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from include.frames import TEXT
from include.ledger.contracts import ADOPTIONS
from include.mapping.adoption import image_of
from include.mapping.event_fields import payload_mappings
from include.mapping.fields import default_mappings
from include.mapping.pairs import digest_pairs, source_versions
from include.mapping.plan import hash_payloads
from include.pipeline.explain_booking import explain_booking
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.reasons import Reason
from include.source.gateway import SourceGateway
from include.source.pairs import read_chunk
from include.source.snapshot import open_snapshot
from tests.pipeline.test_bulk_loading import checked
from tests.pipeline.test_legacy_mode import held, wire
from tests.pipeline.test_overlapping_writes import FIRST, MOVED, finish
from tests.pipeline.world import World
from tests.reconcile.reconciling import reconcile, repair, told

pytestmark = pytest.mark.rule("G8")


def adopt(world: World, booking_id: int, **values: Any) -> str:
    """Make the Event of a booking's only attendee as the legacy integration did, take it over, and return its Id."""
    with open_snapshot(world.source) as connection:
        chunk = read_chunk(connection, [booking_id])
    bookings = chunk.bookings
    times = {"StartDateTime": wire(FIRST["starts_at"]), "EndDateTime": wire(FIRST["ends_at"])}
    (event_id,) = world.org.seed(
        "Event", {"Subject": "Meeting", "OwnerId": world.owner_id, **times, **values}
    )
    event = held(world, event_id)
    fields = [mapping.target for mapping in payload_mappings(default_mappings())]
    record = pd.DataFrame([{"Id": event_id, **{name: event.get(name) for name in fields}}]).astype(TEXT)
    images = image_of(record, fields)["image"]
    adoptions = bookings.assign(
        booking_key=bookings["appointment_id"] + "-" + bookings["client_id"],
        event_id=event_id,
        who_id=event["WhoId"],
        owner_id=event["OwnerId"],
        payload=images,
        payload_hash=hash_payloads(images),
        settled_version=source_versions(bookings),
        settled_digest=digest_pairs(bookings, chunk.answers),
        adopted_digest=digest_pairs(bookings, chunk.answers),
        local_day=None,
    )
    world.ledger.adopt_events(ADOPTIONS.conform(adoptions), settings_version=1, now=world.tick())
    return event_id


@pytest.fixture
def adopted(world: World) -> World:
    """An organisation whose booking has a legacy Event that was taken over."""
    world.client(10)
    world.booking(1, 10, **FIRST)
    adopt(world, 1, WhoId=world.lead(Email="ann10@example.com", FirstName="Ann", LastName="Lee 10"))
    return world


def only_event(world: World) -> dict[str, Any]:
    (event,) = world.events()
    return event


def test_the_first_sync_reads_the_pair_and_touches_neither_event_nor_people(adopted: World) -> None:
    before = only_event(adopted)
    adopted.org.forget_calls()
    counts = adopted.sync()
    assert (counts["read"], counts["unchanged"]) == (1, 1)
    assert adopted.written() == {}
    assert only_event(adopted) == before
    assert adopted.sync()["read"] == 0


def test_a_real_change_writes_the_same_event_whole_and_stamps_it_with_our_key(adopted: World) -> None:
    event_id = only_event(adopted)["Id"]
    adopted.sync()
    adopted.edit(1, **MOVED)
    assert adopted.sync()["updated"] == 1
    event = only_event(adopted)
    assert (event["Id"], event["Coconut_Booking_Key__c"]) == (event_id, "1-10")
    assert event["Subject"].endswith(" [Appointment]")
    assert event["StartDateTime"] == wire(MOVED["starts_at"])
    adopted.edit(1, **FIRST)
    assert adopted.sync()["updated"] == 1


def test_a_run_killed_between_its_claim_and_its_end_is_no_reason_to_write_the_event(adopted: World) -> None:

    killed = checked(adopted)
    load_people(killed, adopted.wiring())
    load_events(killed, adopted.wiring(), 0)
    adopted.org.forget_calls()
    assert adopted.sync()["unchanged"] == 1
    assert adopted.written() == {}


def test_a_change_that_could_not_be_written_is_not_forgotten(adopted: World) -> None:
    adopted.sync()
    adopted.change("clients", {"id": 10}, sync_disabled=True)
    adopted.edit(1, **MOVED)
    assert adopted.sync()["disabled"] == 1
    adopted.change("clients", {"id": 10}, sync_disabled=False)
    assert adopted.sync()["updated"] == 1


@pytest.mark.rule("S9")
def test_a_deleted_booking_deletes_its_event_by_its_id(adopted: World) -> None:
    adopted.sync()
    adopted.edit(1, deleted_at=adopted.now)
    assert adopted.sync()["deleted"] == 1
    assert adopted.events() == []


@pytest.mark.rule("Q4")
def test_what_an_overlapping_run_wrote_meanwhile_is_mended_by_the_next(adopted: World) -> None:
    adopted.edit(1, **MOVED)
    earlier = checked(adopted)
    adopted.edit(1, **FIRST)
    later = checked(adopted)
    finish(adopted, earlier)
    assert finish(adopted, later)["unchanged"] == 1
    assert only_event(adopted)["StartDateTime"] == wire(MOVED["starts_at"])
    assert adopted.sync()["updated"] == 1
    assert only_event(adopted)["StartDateTime"] == wire(FIRST["starts_at"])


@pytest.mark.rule("Q7")
def test_reconcile_finds_it_by_its_id_and_calls_no_edit_of_a_user_drift(adopted: World) -> None:
    adopted.sync()
    assert told(reconcile(adopted)) == []
    event_id = only_event(adopted)["Id"]
    later = wire(FIRST["starts_at"] + timedelta(hours=1))
    adopted.org.change("Event", Id=event_id, Subject="Ours now", StartDateTime=later, EndDateTime=later)
    assert told(reconcile(adopted)) == []
    assert repair(adopted)["is_repair_due"] is False


@pytest.mark.rule("Q7")
def test_reconcile_misses_it_once_users_deleted_it_and_mends_that(adopted: World) -> None:
    adopted.sync()
    adopted.org.delete("Event", only_event(adopted)["Id"])
    assert told(reconcile(adopted)) == [("missing", "1-10")]
    assert repair(adopted)["created"] == 1
    assert only_event(adopted)["Coconut_Booking_Key__c"] == "1-10"


@pytest.mark.rule("M9")
@pytest.mark.rule("T5")
def test_the_booking_tells_that_its_event_was_taken_over_and_why_it_is_as_it_was(adopted: World) -> None:
    adopted.sync()
    story = explain_booking(adopted.ledger, SourceGateway(adopted.source), "1")
    (attendee,) = story.attendees
    text = " ".join(attendee.sentences)
    assert "was taken over from the legacy integration" in text
    assert (
        Reason.LEGACY_EVENT_KEPT in adopted.ledger.booking_history("1", ["10"]).events["1-10"]["last_reason"]
    )
    assert "stays as it is until the booking changes" in text
