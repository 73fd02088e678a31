"""Rules T, Q and P: when runs go, what they account for, and what a rerun or a fault does to them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.errors import AutomaticSyncOff, ConfigurationError, LedgerConflictError, SourceUnavailableError
from include.ledger.repository import Ledger
from include.pipeline.check_frames import check_frames
from include.pipeline.context import Trigger
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.map_events import map_events
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.settle_run import settle_run
from include.reasons import Reason
from include.source.gateway import SourceGateway
from include.staging import Staging
from tests.engines import OpenEngine
from tests.local_org import started
from tests.pipeline.world import World

STAGES: tuple[Callable[..., object], ...] = (
    extract_changes,
    match_people,
    map_people,
    map_events,
    check_frames,
    load_people,
    load_events,
    settle_run,
)
CHUNKED = (map_events, load_events)


def call(stage: Callable[..., object], run: object, world: World) -> object:
    return stage(run, world.wiring(), 0) if stage in CHUNKED else stage(run, world.wiring())


def fill(world: World, bookings: int = 5) -> None:
    for number in range(1, bookings + 1):
        world.client(number)
        world.booking(100 + number, number)


@pytest.mark.rule("T2")
def test_with_automatic_sync_off_scheduled_runs_skip_and_manual_ones_work(world: World) -> None:
    world.set(automatic_sync="off")
    fill(world, 1)
    with pytest.raises(AutomaticSyncOff):
        world.sync()
    assert world.sync(trigger=Trigger.MANUAL)["created"] == 1


@pytest.mark.rule("T4")
def test_a_disabled_client_is_not_touched_and_catches_up_when_enabled(world: World) -> None:
    world.client(1)
    world.booking(10, 1)
    world.booking(11, 1)
    world.sync()
    world.change("clients", {"id": 1}, sync_disabled=True)
    world.edit(10, notes="changed while disabled")
    world.edit(11, deleted_at=world.now)
    assert world.sync()["disabled"] == 2
    assert len(world.events()) == 2
    world.change("clients", {"id": 1}, sync_disabled=False)
    counts = world.sync()
    assert (counts["updated"], counts["deleted"]) == (1, 1)
    assert world.ledger.quarantine_rows().empty


@pytest.mark.rule("T6")
def test_a_dry_run_writes_nothing_and_leaves_the_watermark(world: World) -> None:
    fill(world)
    plan = world.sync(dry_run=True)
    assert plan["create"] == 5
    assert (world.events(), world.org.records("Lead")) == ([], [])
    assert world.ledger.watermark("appointments") is None
    assert world.sync()["created"] == 5


@pytest.mark.rule("Q2")
@pytest.mark.rule("Q3")
def test_every_pair_that_is_not_written_says_why_and_what_it_waits_for(world: World) -> None:
    world.client(1)
    world.client(2, first_name=None, last_name=" ")
    world.booking(10)
    world.booking(11, 99)
    world.booking(12, 2)
    world.booking(13, 1, status="dreaming")
    world.booking(14, 1, timezone="Mars/Olympus")
    world.booking(15, 1, starts_at=None)
    world.booking(16, 1, kind="seance")
    world.booking(17, 1, deleted_at=world.now)
    world.booking(18, 1)
    counts = world.sync()
    reasons = world.ledger.quarantine_rows().set_index("booking_key")["reason"].to_dict()
    assert reasons == {
        "10-": Reason.NO_ATTENDEE,
        "11-99": Reason.CLIENT_MISSING,
        "12-2": Reason.UNNAMED_CLIENT,
        "13-1": Reason.UNKNOWN_STATUS,
        "14-1": Reason.UNKNOWN_TIME_ZONE,
        "15-1": Reason.MISSING_START,
        "16-1": Reason.UNKNOWN_KIND,
    }
    assert (counts["read"], counts["written"], counts["unchanged"], counts["quarantined"]) == (9, 1, 1, 7)
    assert not world.ledger.quarantine_rows()["waits_for"].isna().any()


@pytest.mark.rule("Q2")
def test_a_client_that_was_mended_releases_its_bookings(world: World) -> None:
    world.client(1, first_name=None, last_name=None)
    world.booking(10, 1)
    assert world.sync()["quarantined"] == 1
    assert world.sync()["read"] == 0
    world.change("clients", {"id": 1}, last_name="Prince")
    assert world.sync()["created"] == 1
    assert world.org.records("Lead")[0]["LastName"] == "Prince"


@pytest.mark.rule("Q4")
@pytest.mark.parametrize("again", STAGES, ids=lambda stage: stage.__name__)
def test_any_single_task_can_be_run_again(world: World, again: Callable[..., object]) -> None:
    fill(world)
    world.sync()
    world.edit(101, notes="new")
    world.edit(102, deleted_at=world.now)
    world.client(9)
    world.booking(109, 9)
    run = world.run()
    for stage in STAGES:
        first = call(stage, run, world)
        if stage is again:
            assert call(stage, run, world) == first or stage is load_people
    assert len(world.events()) == 5
    assert len(world.org.records("Lead")) == 6
    assert "new" in world.event("101-1")["Description"]
    assert world.sync()["read"] == 0


@pytest.mark.rule("Q4")
def test_a_run_cut_off_between_writing_and_settling_is_made_up_by_the_next(world: World) -> None:
    fill(world)
    run = world.run()
    for stage in STAGES[:-1]:
        call(stage, run, world)
    counts = world.sync()
    assert counts["read"] == 5
    assert len(world.events()) == 5
    assert len(world.org.records("Lead")) == 5


@pytest.mark.rule("Q5")
def test_a_late_committed_change_inside_the_overlap_is_found(world: World) -> None:
    fill(world)
    world.sync()
    late = world.now - timedelta(minutes=10)
    world.change("appointments", {"id": 101}, notes="committed late", updated_at=late)
    counts = world.sync()
    assert (counts["read"], counts["updated"]) == (1, 1)
    assert "committed late" in world.event("101-1")["Description"]


@pytest.mark.rule("Q5")
def test_an_older_version_that_settles_after_a_newer_one_is_not_sent(world: World) -> None:
    fill(world, 1)
    world.sync()
    world.edit(101, notes="older")
    older = world.run()
    for stage in STAGES[:5]:
        call(stage, older, world)
    world.edit(101, notes="newer")
    world.sync()
    for stage in STAGES[5:]:
        result = call(stage, older, world)
    assert result["unchanged"] == 1
    assert "newer" in world.event("101-1")["Description"]
    world.sync()
    assert "newer" in world.event("101-1")["Description"]


@pytest.mark.rule("Q8")
def test_api_calls_are_kept_by_kind_and_agree_with_the_org(world: World) -> None:
    fill(world)
    world.org.forget_calls()
    counts = world.sync()
    assert sum(world.ledger.api_calls(counts["run_id"]).values()) == sum(world.org.calls().values())


@pytest.mark.rule("Q10")
def test_the_ledger_refuses_another_org(world: World) -> None:
    world.ledger.bind_org("00D000000000001AAA")
    fill(world, 1)
    with pytest.raises(LedgerConflictError):
        world.sync()
    assert (world.events(), world.org.records("Lead")) == ([], [])


@pytest.mark.rule("P2")
@pytest.mark.parametrize("wrong", ["consumer_secret", "instance_url"])
def test_wrong_credentials_fail_with_one_sentence_and_change_nothing(world: World, wrong: str) -> None:
    fill(world, 1)
    run = world.run()
    extract_changes(run, world.wiring())
    wiring = world.wiring()
    value = "http://127.0.0.1:9" if wrong == "instance_url" else "wrong"
    wiring.connect_salesforce = lambda: world.org.connect(**{wrong: value})
    from include.errors import AppointmentSyncError

    with pytest.raises(AppointmentSyncError) as caught:
        match_people(run, wiring)
    assert "wrong" not in str(caught.value).split()
    assert world.ledger.watermark("appointments") is None


@pytest.mark.rule("P3")
@pytest.mark.rule("Q6")
def test_an_unreachable_booking_database_is_transient_and_an_incomplete_one_is_not(
    world: World, tmp_path: Path, open_engine: OpenEngine
) -> None:
    wiring = world.wiring()
    wiring.source = SourceGateway(open_engine("postgresql+psycopg://nobody@127.0.0.1:9/none"))
    with pytest.raises(SourceUnavailableError):
        extract_changes(world.run(), wiring)
    other = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    sa.Table("clients", sa.MetaData(), sa.Column("id", sa.Integer)).create(other)
    wiring.source = SourceGateway(other)
    with pytest.raises(ConfigurationError) as caught:
        extract_changes(world.run(), wiring)
    assert "appointments" in str(caught.value)


def test_an_empty_booking_database_is_an_empty_run(world: World) -> None:
    assert world.sync()["read"] == 0


def test_staging_that_cannot_be_written_is_said_before_anything_is_read(world: World, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("not a folder")
    wiring = world.wiring()
    wiring.staging = Staging(f"file://{blocked}/staging")
    with pytest.raises(ConfigurationError, match="APPOINTMENT_SYNC_STAGING"):
        extract_changes(world.run(), wiring)


@pytest.mark.rule("Q10")
def test_the_ledger_remembers_its_org(world: World) -> None:
    fill(world, 1)
    world.sync()
    assert Ledger.open(world.ledger.engine).bound_org() == world.org.connect().organization_id


@pytest.mark.rule("M4")
def test_a_setting_without_effect_stops_the_run_instead_of_being_ignored(world: World) -> None:
    world.set(sync_mode="two_way", auto_merge="on")
    fill(world, 1)
    with pytest.raises(ConfigurationError) as caught:
        world.sync()
    assert "sync_mode" in str(caught.value)
    assert "auto_merge" in str(caught.value)
    assert (world.events(), world.org.records("Lead")) == ([], [])


@pytest.mark.rule("Q6")
@pytest.mark.rule("M8")
def test_a_person_whom_passing_trouble_outlasts_is_tried_again_by_the_next_run(world: World) -> None:
    fill(world, 1)
    world.org.control(
        "POST",
        "faults",
        [{"type": "lock_rows", "sobject": "Lead", "field": "LastName", "values": ["Lee 1"], "times": None}],
    )
    assert world.sync()["quarantined"] == 1
    assert world.waiting("101-1")["reason"] == Reason.TRANSIENT_EXHAUSTED
    world.org.control("DELETE", "faults")
    assert world.sync()["created"] == 1
    assert len(world.org.records("Lead")) == 1


@pytest.mark.rule("S4")
def test_another_key_namespace_is_refused_once_something_is_written(world: World) -> None:
    world.set(key_namespace="eu-")
    fill(world, 1)
    world.sync()
    assert world.event("eu-101-1")
    world.set(key_namespace="us-")
    with pytest.raises(ConfigurationError, match="key_namespace"):
        world.sync()


@pytest.mark.rule("M11")
def test_an_empty_default_owner_is_a_standing_warning(world: World) -> None:
    fill(world, 1)
    run = world.run()
    for stage in STAGES[:2]:
        call(stage, run, world)
    result = call(map_people, run, world)
    assert isinstance(result, dict)
    assert "default_owner is empty" in result["warning"]


@pytest.mark.rule("S12")
def test_an_update_leaves_alone_what_salesforce_users_changed_in_other_fields(world: World) -> None:
    fill(world, 1)
    world.sync()
    event = world.event("101-1")
    world.org.change("Event", Id=event["Id"], Subject="Renamed by hand [Appointment]", Location="Room 5")
    world.edit(101, notes="bring the papers")
    world.sync()
    assert world.event("101-1")["Subject"] == "Renamed by hand [Appointment]"
    assert world.event("101-1")["Location"] == "Room 5"
    assert "bring the papers" in world.event("101-1")["Description"]


@pytest.mark.rule("F3")
def test_an_org_without_our_fields_fails_the_matching_task_and_names_all_of_them(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "empty_package").mkdir()
    fill(world, 1)
    run = world.run()
    extract_changes(run, world.wiring())
    with started("--package", str(tmp_path / "empty_package")) as bare:
        wiring = world.wiring()
        wiring.connect_salesforce = bare.connect
        with closing(wiring), pytest.raises(ConfigurationError) as caught:
            match_people(run, wiring)
        written = bare.calls()
    for name in ("Event.Coconut_Booking_Key__c", "Event.Coconut_Edit_Url__c", "Lead.Coconut_Client_Key__c"):
        assert name in str(caught.value)
    assert "deploy include/salesforce_package" in str(caught.value)
    assert not [kind for kind in written if kind.startswith(("collections", "bulk_ingest"))]
    assert world.ledger.watermark("appointments") is None
    assert world.ledger.bound_org() is None
