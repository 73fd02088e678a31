"""A person is erased from ledger and staging, and nobody brings them back."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from include.errors import ConfigurationError, RunsAtWorkError
from include.ledger.tables import erasures
from include.pipeline.context import Selection
from include.pipeline.extract_changes import extract_changes
from include.privacy.erase_client import begin_erasure, erase_ledger, erase_staging, list_personal_data
from tests.pipeline.world import World
from tests.privacy.erasing import (
    ANN,
    BEN,
    erase,
    erasure,
    marked_booking,
    marked_client,
    places_in_ledger,
    places_in_staging,
)

pytestmark = pytest.mark.rule("Q11")


@pytest.fixture
def filled(world: World) -> World:
    """Ann, whose values are marked, with a booking of her own and one that Ben attends too, both synced."""
    world.insert("questions", id=1, name="drink", label="Drink", scope="appointment")
    marked_client(world)
    world.client(BEN)
    marked_booking(world, 11, ANN)
    marked_booking(world, 12, ANN, BEN)
    world.sync()
    return world


def erasure_rows(world: World) -> list[dict[str, Any]]:
    with world.ledger.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(erasures)).mappings()]


def test_nothing_of_an_erased_person_is_left_in_ledger_and_staging(filled: World) -> None:
    assert places_in_ledger(filled)
    assert places_in_staging(filled)

    result = erase(filled, ANN)

    assert places_in_ledger(filled) == set()
    assert places_in_staging(filled) == set()
    assert result["removed"]["staged_rows"] > 0


def test_the_record_of_an_erasure_says_who_when_how_much_and_which_records_stay(filled: World) -> None:
    lead_id, event_ids = filled.event("11-1")["WhoId"], {filled.event(f"{key}-1")["Id"] for key in (11, 12)}

    result = erase(filled, ANN)

    (row,) = erasure_rows(filled)
    assert (row["client_id"], row["erased_by"], row["finished_at"] is not None) == ("1", "Pat", True)
    assert row["removed"]["event_links"] > 0
    assert row["salesforce_ids"] == result["salesforce_ids"]["1"]
    assert row["salesforce_ids"]["Lead"] == [lead_id]
    assert set(row["salesforce_ids"]["Event"]) == event_ids
    assert filled.org.records("Lead", Id=lead_id)


def test_a_dry_run_counts_the_same_rows_and_changes_nothing(filled: World) -> None:
    before = places_in_ledger(filled), places_in_staging(filled)

    planned = list_personal_data(erasure(filled, ANN, dry_run=True), filled.wiring())

    assert (places_in_ledger(filled), places_in_staging(filled)) == before
    assert erasure_rows(filled) == []
    done = erase(filled, ANN)
    assert done["removed"] == {**planned["removed"], "staged_rows": planned["staged_rows"]}
    assert done["salesforce_ids"] == planned["salesforce_ids"]


def test_the_next_sync_neither_recreates_the_person_nor_stages_their_values(filled: World) -> None:
    erase(filled, ANN)
    people, events = len(filled.org.records("Lead")), len(filled.events())

    filled.edit(11, notes="Qzx comes later")
    filled.edit(12, cancellation_reason="Qzx", status="cancelled")
    counts = filled.sync()

    assert counts["disabled"] == 2
    assert (len(filled.org.records("Lead")), len(filled.events())) == (people, events)
    assert {place for place in places_in_staging(filled) if place[1].startswith("client_")} == set()
    own = filled.staging.read_frame(counts["run_id"], "extract_changes", "bookings-00000")
    assert own.loc[own["client_id"] == "1", ["notes", "client_last_name"]].isna().all(axis=None)


def test_an_erased_person_who_is_enabled_again_keeps_record_and_events(filled: World) -> None:
    event_id, lead_id = filled.event("11-1")["Id"], filled.event("11-1")["WhoId"]
    erase(filled, ANN)

    filled.ledger.enable_clients(["1"], who="Pat", now=filled.tick())
    filled.edit(11, notes="back again")
    filled.sync()

    assert (filled.event("11-1")["Id"], filled.event("11-1")["WhoId"]) == (event_id, lead_id)
    assert "back again" in filled.event("11-1")["Description"]
    assert len(filled.events()) == 3


def test_others_keep_their_links_and_their_bookings_go_on(filled: World) -> None:
    erase(filled, ANN)

    filled.edit(12, status="confirmed")
    counts = filled.sync()

    assert counts["updated"] == 1
    assert len(filled.events()) == 3


def test_erasing_again_finds_nothing_and_leaves_one_record(filled: World) -> None:
    first = erase(filled, ANN)

    again = erase(filled, ANN)

    assert again["removed"] == {}
    (row,) = erasure_rows(filled)
    assert row["removed"] == first["removed"]


def test_an_erasure_that_broke_off_anywhere_is_finished_by_the_next(filled: World) -> None:
    broken = erasure(filled, ANN)
    begin_erasure(broken, filled.wiring(), who="Pat")
    erase_staging(broken, filled.wiring())

    erase(filled, ANN)

    assert (places_in_ledger(filled), places_in_staging(filled)) == (set(), set())
    assert len(erasure_rows(filled)) == 1


def test_clients_whom_nobody_knows_are_named_together_before_anything_is_removed(filled: World) -> None:
    before = places_in_ledger(filled)

    with pytest.raises(ConfigurationError, match=r"2 clients \(77, 88\)"):
        list_personal_data(erasure(filled, ANN, 77, 88), filled.wiring())

    assert places_in_ledger(filled) == before


@pytest.mark.parametrize("given", [[], "", "Ann"])
def test_a_request_that_names_nobody_is_refused_without_quoting_it(world: World, given: object) -> None:
    run = world.run(Selection.ERASURE, conf={"client_ids": given})
    with pytest.raises(ConfigurationError, match="The erasure is refused") as refused:
        list_personal_data(run, world.wiring())
    assert "Ann" not in str(refused.value)


def test_a_run_that_read_the_person_before_is_waited_for_and_one_that_began_later_is_not(
    filled: World,
) -> None:
    filled.edit(11, notes="Qzx once more")
    reading = filled.run()
    extract_changes(reading, filled.wiring())
    run = erasure(filled, ANN)

    with pytest.raises(RunsAtWorkError, match=reading.run_id):
        begin_erasure(run, filled.wiring(), who="Pat")
    filled.ledger.finish_run(reading.run_id, state="failed", now=filled.tick())
    filled.edit(12, status="confirmed")
    later = filled.run()
    extract_changes(later, filled.wiring())
    begin_erasure(run, filled.wiring(), who="Pat")
    staged = erase_staging(run, filled.wiring())
    erase_ledger(run, filled.wiring(), staged_rows=staged["staged_rows"])

    assert {place for place in places_in_staging(filled) if "client" in place[1]} == set()
    rows = filled.staging.read_frame(later.run_id, "extract_changes", "bookings-00000")
    assert len(rows[rows["client_id"] == "1"])


def test_other_clients_who_are_the_same_record_are_told_of_and_keep_their_values(world: World) -> None:
    marked_client(world, email="qzxann@example.com", first_name="QzxAnn", last_name="QzxLee")
    marked_client(world, BEN, email="qzxann@example.com", first_name="QzxAnn", last_name="QzxLee")
    world.booking(11, ANN)
    world.booking(12, BEN)
    world.sync()

    planned = list_personal_data(erasure(world, ANN, dry_run=True), world.wiring())
    assert planned["also_linked"] == ["2"]
    erase(world, ANN, BEN)

    assert places_in_ledger(world) == set()
