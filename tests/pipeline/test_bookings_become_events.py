"""Rules S1 to S14 from the booking database to what the org holds."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from include.frames import EVENTS
from include.ledger.reports import ReportKind
from include.reasons import Reason
from tests.pipeline.world import NOW, World


@pytest.mark.rule("S1")
@pytest.mark.rule("Q3")
def test_a_scheduled_appointment_becomes_one_event_on_its_person(world: World) -> None:
    world.client(1, first_name="Zoë", last_name="O'Neil", email="zoe.o'neil@example.com")
    world.booking(10, 1, notes='He said "yes",\nthen left 🎉')
    counts = world.sync()
    event = world.event("10-1")
    (lead,) = world.org.records("Lead")
    assert event["Subject"] == "Advice with Zoë O'Neil [Appointment]"
    assert event["WhoId"] == lead["Id"]
    assert 'He said "yes",\nthen left 🎉' in event["Description"]
    assert lead["Email"] == "zoe.o'neil@example.com"
    assert counts["conservation"] == "read 1 = 1 written + 0 unchanged + 0 held + 0 quarantined + 0 disabled"


@pytest.mark.rule("S1")
@pytest.mark.rule("S12")
def test_a_reschedule_sends_only_the_times(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    world.sync()
    before = world.event("10-1")
    world.org.forget_calls()
    world.edit(10, starts_at=NOW + timedelta(days=4), ends_at=NOW + timedelta(days=4, minutes=45))
    counts = world.sync()
    after = world.event("10-1")
    assert counts["updated"] == 1
    assert after["Id"] == before["Id"]
    assert after["StartDateTime"].startswith("2026-06-05T12:00:00")
    assert after["EndDateTime"].startswith("2026-06-05T12:45:00")
    assert world.written() == {"collections_update": 1}


@pytest.mark.rule("S2")
def test_a_walk_in_is_held_until_its_status_is_final(world: World) -> None:
    world.client(1)
    world.booking(10, 1, kind="walk_in", status="arrived")
    counts = world.walk_ins()
    assert (counts["held"], world.events()) == (1, [])
    assert world.waiting("10-1")["reason"] == Reason.WALK_IN_NOT_FINAL
    assert world.waiting("10-1")["waits_for"] == "row"
    world.edit(10, status="complete")
    assert world.walk_ins()["created"] == 1
    assert world.event("10-1")["Subject"].endswith(" [Walk-In]")
    assert world.ledger.quarantine_rows().empty


@pytest.mark.rule("S2")
def test_a_walk_in_that_leaves_a_final_status_keeps_its_event(world: World) -> None:
    world.client(1)
    world.booking(10, 1, kind="walk_in", status="no_show")
    world.walk_ins()
    before = world.event("10-1")
    world.edit(10, status="in_service", notes="came back")
    assert world.walk_ins()["held"] == 1
    assert world.event("10-1") == before
    world.edit(10, status="complete")
    assert world.walk_ins()["updated"] == 1
    assert world.event("10-1")["Coconut_Status__c"] == "complete"


@pytest.mark.rule("S3")
def test_a_long_service_name_never_cuts_the_suffix(world: World) -> None:
    world.insert("services", id=2, name="ß" * 300, duration_minutes=30)
    world.client(1)
    world.booking(10, 1, service_id=2)
    world.sync()
    subject = world.event("10-1")["Subject"]
    assert len(subject) == 255
    assert subject.endswith(" [Appointment]")


@pytest.mark.rule("S4")
def test_each_attendee_gets_an_event_of_their_own(world: World) -> None:
    for number in (1, 2, 3):
        world.client(number)
    world.booking(10, 1, 2, 3)
    assert world.sync()["created"] == 3
    assert {row["Coconut_Booking_Key__c"] for row in world.events()} == {"10-1", "10-2", "10-3"}
    assert len({row["WhoId"] for row in world.events()}) == 3


@pytest.mark.rule("S4")
@pytest.mark.rule("M8")
def test_two_attendees_who_are_one_person_share_the_primary_attendees_event(world: World) -> None:
    world.client(5, first_name="Ann", last_name="Lee", email="ann@example.com")
    world.client(3, first_name=" ANN ", last_name="lee", email="Ann@Example.com")
    world.booking(10, 5, 3)
    counts = world.sync()
    assert (counts["created"], counts["unchanged"]) == (1, 1)
    assert [row["Coconut_Booking_Key__c"] for row in world.events()] == ["10-5"]
    assert len(world.org.records("Lead")) == 1


@pytest.mark.rule("S4")
def test_a_removed_attendee_loses_the_event(world: World) -> None:
    world.client(1)
    world.client(2)
    world.booking(10, 1, 2)
    world.sync()
    world.change("attendees", {"appointment_id": 10, "client_id": 2}, deleted_at=world.now)
    counts = world.sync()
    assert counts["deleted"] == 1
    assert [row["Coconut_Booking_Key__c"] for row in world.events()] == ["10-1"]


@pytest.mark.rule("S4")
def test_an_attendee_replaced_by_another_row_of_the_same_person_keeps_the_event(world: World) -> None:
    world.client(1, first_name="Ann", last_name="Lee", email="ann@example.com")
    world.booking(10, 1)
    world.sync()
    before = world.event("10-1")
    world.client(2, first_name="Ann", last_name="Lee", email="ann@example.com")
    world.change("attendees", {"appointment_id": 10, "client_id": 1}, deleted_at=world.now)
    world.insert("attendees", appointment_id=10, client_id=2, is_primary=True)
    counts = world.sync()
    (after,) = world.events()
    assert (after["Id"], after["Coconut_Booking_Key__c"]) == (before["Id"], "10-2")
    assert (counts["updated"], counts["deleted"], counts["created"]) == (1, 0, 0)


@pytest.mark.rule("S4")
@pytest.mark.rule("Q4")
def test_an_event_that_a_run_made_for_the_replacement_before_it_was_cut_off_is_the_one_that_stays(
    world: World,
) -> None:
    world.client(1, first_name="Ann", last_name="Lee", email="ann@example.com")
    world.booking(10, 1)
    world.sync()
    before = world.event("10-1")
    world.client(2, first_name="Ann", last_name="Lee", email="ann@example.com")
    world.change("attendees", {"appointment_id": 10, "client_id": 1}, deleted_at=world.now)
    world.insert("attendees", appointment_id=10, client_id=2, is_primary=True)
    cut_off = {"booking_key": "10-2", "appointment_id": "10", "client_id": "2", "kind": "appointment"}
    world.ledger.claim_versions("killed", pd.DataFrame([{**cut_off, "source_version": 1}]))
    names = ("StartDateTime", "EndDateTime", "OwnerId")
    made = {name: before[name] for name in names} | {"Subject": "As it was", "Coconut_Booking_Key__c": "10-2"}
    (event_id,) = world.org.seed("Event", made)
    world.sync()
    (after,) = world.events()
    assert (after["Id"], after["WhoId"], after["Subject"]) == (event_id, before["WhoId"], before["Subject"])
    deleted = [
        row["Id"]
        for row in world.org.control("GET", "records/Event?include_deleted=true")
        if row["IsDeleted"]
    ]
    assert deleted == [before["Id"]]


@pytest.mark.rule("S5")
def test_a_booking_without_end_takes_the_services_duration(world: World) -> None:
    world.client(1)
    world.booking(10, 1, ends_at=None)
    world.sync()
    assert world.event("10-1")["EndDateTime"].startswith("2026-06-04T12:30:00")


@pytest.mark.rule("S5")
@pytest.mark.rule("Q1")
@pytest.mark.parametrize(
    ("minutes", "reason"),
    [
        pytest.param(-1, Reason.ENDS_BEFORE_START, id="a minute before the start"),
        pytest.param(14 * 24 * 60 + 1, Reason.TOO_LONG, id="a minute more than 14 days"),
    ],
)
def test_impossible_times_are_quarantined_until_the_row_changes(
    world: World, minutes: int, reason: Reason
) -> None:
    world.client(1)
    world.booking(10, 1, ends_at=NOW + timedelta(days=3, minutes=minutes))
    world.client(2)
    world.booking(11, 2)
    counts = world.sync()
    assert (counts["created"], counts["quarantined"]) == (1, 1)
    assert world.waiting("10-1")["reason"] == reason
    assert len(world.org.records("Lead")) == 1, "a person whom only a quarantined row needs is not created"
    world.edit(10, ends_at=NOW + timedelta(days=3))
    assert world.sync()["created"] == 1


@pytest.mark.rule("S6")
@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        pytest.param("", Reason.NO_EVENTS_OWNER, id="missing"),
        pytest.param("not-an-id", Reason.EVENTS_OWNER_MALFORMED, id="malformed"),
        pytest.param("inactive", Reason.EVENTS_OWNER_INACTIVE, id="inactive"),
    ],
)
def test_without_a_usable_owner_the_row_waits_and_goes_on_once_the_setting_is_fixed(
    world: World, owner: str, reason: Reason
) -> None:
    inactive = world.user("gone@example.com", is_active=False)
    linked = world.user("sam@example.com")
    world.set(unassigned_events_owner=inactive if owner == "inactive" else owner)
    world.staff(7, "sam@example.com")
    world.client(1)
    world.client(2)
    world.booking(10, 1)
    world.booking(11, 2, staff_id=7)
    counts = world.sync()
    assert (counts["created"], counts["quarantined"]) == (1, 1)
    assert world.event("11-2")["OwnerId"] == linked
    assert world.waiting("10-1")["reason"] == reason
    assert world.sync()["read"] == 0, "nothing moved yet"
    world.set(unassigned_events_owner=world.owner_id)
    assert world.sync()["created"] == 1
    assert world.event("10-1")["OwnerId"] == world.owner_id


@pytest.mark.rule("S6")
@pytest.mark.rule("Q2")
def test_a_reactivated_owner_releases_the_rows_that_waited_for_the_user(world: World) -> None:
    inactive = world.user("gone@example.com", is_active=False)
    world.set(unassigned_events_owner=inactive)
    world.client(1)
    world.booking(10, 1)
    world.sync()
    assert world.waiting("10-1")["waits_for"] == "salesforce_user"
    world.org.change("User", Id=inactive, IsActive=True)
    assert world.sync()["created"] == 1


@pytest.mark.rule("S7")
def test_events_on_the_unassigned_owner_move_when_the_link_appears(world: World) -> None:
    from include.pipeline.context import Selection
    from include.pipeline.sync_staff import sync_staff

    world.staff(7, "sam@example.com")
    world.client(1)
    world.booking(10, 1, staff_id=7)
    world.sync()
    assert world.event("10-1")["OwnerId"] == world.owner_id
    linked = world.user("sam@example.com")
    counts = sync_staff(world.run(Selection.STAFF), world.wiring())
    assert (counts["read"], counts["written"]) == (1, 1)
    assert world.sync()["updated"] == 1
    assert world.event("10-1")["OwnerId"] == linked


@pytest.mark.rule("S7")
@pytest.mark.rule("T6")
def test_staff_are_linked_by_the_first_sync_and_planned_alike_by_a_dry_run(world: World) -> None:
    linked = world.user("sam@example.com")
    world.staff(7, "SAM@example.com")
    world.client(1)
    world.booking(10, 1, staff_id=7)
    plan = world.sync(dry_run=True)
    planned = world.staging.read_frame(plan["run_id"], "check_frames", "events-00000", EVENTS)
    assert planned["desired_owner_id"].tolist() == [linked]
    assert world.ledger.staff_synced_at() is None
    world.sync()
    assert world.event("10-1")["OwnerId"] == linked
    assert world.ledger.staff_synced_at() is not None


@pytest.mark.rule("S7")
@pytest.mark.rule("T6")
def test_a_dry_run_says_how_many_staff_links_would_move_and_moves_none(world: World) -> None:
    from include.pipeline.context import Selection
    from include.pipeline.sync_staff import sync_staff

    world.staff(7, "sam@example.com")
    sync_staff(world.run(Selection.STAFF), world.wiring())
    world.user("sam@example.com")
    kept = world.ledger.staff_links()
    planned = sync_staff(world.run(Selection.STAFF, dry_run=True), world.wiring())
    assert (planned["read"], planned["written"]) == (1, 1)
    pd.testing.assert_frame_equal(world.ledger.staff_links(), kept)
    report = world.ledger.report(str(planned["plan_of_run"]), ReportKind.PLAN)
    assert report is not None
    assert report.summary["records"] == {"staff link": {"update": 1}}
    assert report.summary["api_calls"]["writing"] == {}
    assert sync_staff(world.run(Selection.STAFF), world.wiring())["written"] == 1


@pytest.mark.rule("S8")
def test_a_cancelled_booking_is_marked_and_frees_the_time(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    world.sync()
    world.edit(10, status="cancelled", cancellation_reason="Moved away")
    world.sync()
    event = world.event("10-1")
    assert (event["ShowAs"], event["Coconut_Status__c"]) == ("Free", "cancelled")
    assert "Moved away" in event["Description"]


@pytest.mark.rule("S8")
def test_with_on_cancel_delete_the_event_goes_and_comes_back(world: World) -> None:
    world.set(on_cancel="delete")
    world.client(1)
    world.booking(10, 1)
    world.sync()
    world.edit(10, status="cancelled")
    assert world.sync()["deleted"] == 1
    assert world.events() == []
    world.edit(10, status="booked")
    assert world.sync()["created"] == 1
    assert world.event("10-1")["Coconut_Status__c"] == "booked"


@pytest.mark.rule("S9")
def test_a_deleted_booking_deletes_its_events_and_already_deleted_is_success(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    world.booking(11, 1)
    world.sync()
    world.org.delete("Event", world.event("10-1")["Id"])
    for booking in (10, 11):
        world.edit(booking, deleted_at=world.now)
    counts = world.sync()
    assert counts["deleted"] == 2
    assert world.events() == []


@pytest.mark.rule("S9")
def test_a_clients_own_deletion_deletes_nobody(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    world.sync()
    world.change("clients", {"id": 1}, deleted_at=world.now)
    world.edit(10, notes="changed")
    counts = world.sync()
    assert counts["held"] == 1
    assert world.waiting("10-1")["reason"] == Reason.CLIENT_DELETED
    assert len(world.events()) == 1


@pytest.mark.rule("S10")
def test_the_event_carries_the_link_that_opens_the_booking(world: World) -> None:
    world.set(edit_url_template="https://book.example.com/a/{appointment_id}")
    world.client(1)
    world.booking(10, 1)
    world.sync()
    assert world.event("10-1")["Coconut_Edit_Url__c"] == "https://book.example.com/a/10"


@pytest.mark.rule("S11")
def test_with_events_off_people_are_registered_and_no_event_is_written(world: World) -> None:
    world.set(sync_events="off")
    world.client(1)
    world.booking(10, 1)
    counts = world.sync()
    assert counts["held"] == 1
    assert world.events() == []
    assert len(world.org.records("Lead")) == 1
    world.set(sync_events="on")
    assert world.sync()["created"] == 1
    assert len(world.org.records("Lead")) == 1


@pytest.mark.rule("S12")
@pytest.mark.rule("T1")
def test_a_second_run_without_changes_reads_nothing_and_calls_nobody(world: World) -> None:
    for number in range(1, 6):
        world.client(number)
        world.booking(10 + number, number)
    world.sync()
    world.org.forget_calls()
    assert world.sync()["read"] == 0
    assert world.org.calls() == {} or sum(world.org.calls().values()) == 0


@pytest.mark.rule("S12")
def test_an_edit_in_coconut_does_not_undo_an_owner_changed_in_salesforce(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    world.sync()
    other = world.user("other@example.com")
    event = world.event("10-1")
    world.org.change("Event", Id=event["Id"], OwnerId=other)
    world.edit(10, notes="bring the papers")
    assert world.sync()["updated"] == 1
    assert world.event("10-1")["OwnerId"] == other
    assert "bring the papers" in world.event("10-1")["Description"]


@pytest.mark.rule("S12")
def test_an_answer_changed_without_the_booking_row_updates_the_event(world: World) -> None:
    world.insert("questions", id=1, name="topic", label="What is it about?", scope="appointment")
    world.client(1)
    world.booking(10, 1)
    world.insert("answers", appointment_id=10, client_id=1, question_id=1, value="A loan")
    world.sync()
    assert "A loan" in world.event("10-1")["Description"]
    world.change("answers", {"appointment_id": 10, "client_id": 1, "question_id": 1}, value="A mortgage")
    assert world.sync()["updated"] == 1
    assert "A mortgage" in world.event("10-1")["Description"]


@pytest.mark.rule("S12")
@pytest.mark.parametrize("policy", ["recreate", "leave"])
def test_an_event_deleted_by_salesforce_users_follows_the_setting(world: World, policy: str) -> None:
    world.set(on_event_deleted_in_salesforce=policy)
    world.client(1)
    world.booking(10, 1)
    world.sync()
    world.org.delete("Event", world.event("10-1")["Id"])
    world.edit(10, notes="still coming")
    counts = world.sync()
    assert (len(world.events()), counts["written"]) == ((1, 1) if policy == "recreate" else (0, 0))


@pytest.mark.rule("S14")
def test_bookings_that_start_before_sync_from_are_held_until_the_date_moves(world: World) -> None:
    world.set(sync_from=date(2026, 6, 1))
    world.client(1)
    world.booking(10, 1, starts_at=NOW - timedelta(days=30), ends_at=NOW - timedelta(days=30))
    assert world.sync()["held"] == 1
    assert world.waiting("10-1")["reason"] == Reason.BEFORE_SYNC_FROM
    world.set(sync_from=date(2026, 1, 1))
    assert world.sync()["created"] == 1
