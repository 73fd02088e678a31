"""Fifty writers at once, with long transactions and wrong clocks, and twenty runs beside them (rules Q4, Q5).

What a writer wrote last is what Salesforce holds in the end, and the ledger has an outcome for every version.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from include.mapping.pairs import booking_keys, digest_pairs
from include.pipeline.context import Selection
from include.source.changes import ChangeQuery, ChangeReader
from include.source.pairs import SourceChunk
from tests.faults.booking_writers import Clockwork, Writer, at_work
from tests.local_org import LocalOrg
from tests.pipeline.world import World

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(2400)]

SEED = 20260601
WRITERS = 50
RUNS = 20
CLIENTS = range(1, 13)
MINUTES_BETWEEN_RUNS = 10  # two runs, and a transaction is open longer than the overlap


@pytest.fixture
def world(
    org: LocalOrg, postgres_booking_db: sa.Engine, ledger_template: Path, tmp_path: Path
) -> Iterator[World]:
    source = sa.create_engine(postgres_booking_db.url, pool_size=WRITERS + 5)
    with World.begin(org, source, tmp_path, ledger_template) as world:
        world.insert("questions", id=1, name="reason", label="What is it about?", scope="appointment")
        for client_id in CLIENTS:
            world.client(client_id)
        yield world


def source_of(world: World) -> SourceChunk:
    (chunk,) = ChangeReader(world.source, ChangeQuery(kinds=("appointment", "walk_in"))).chunks()
    return chunk


def expected_events(chunk: SourceChunk) -> dict[str, set[str]]:
    """Return by key the words that the Event of every live pair has to tell."""
    pairs = chunk.bookings[~chunk.bookings["booking_deleted"] & ~chunk.bookings["attendee_deleted"]]
    is_final = (pairs["kind"] == "appointment") | pairs["status"].isin(["complete", "no_show", "cancelled"])
    said = chunk.answers.groupby("appointment_id")["value"].agg(set).to_dict()
    live = pairs[is_final]
    return {
        key: {notes, *said.get(booking_id, set())}
        for key, notes, booking_id in zip(
            booking_keys(live), live["notes"], live["appointment_id"], strict=True
        )
    }


@pytest.mark.rule("Q5")
@pytest.mark.rule("Q4")
def test_fifty_writers_beside_twenty_runs_lose_nothing(world: World) -> None:
    clock = Clockwork(world.tick(), timedelta(minutes=MINUTES_BETWEEN_RUNS))
    writers = [
        Writer(number, world.source, clock, CLIENTS, random.Random(SEED + number), RUNS)
        for number in range(1, WRITERS + 1)
    ]
    with at_work(writers, clock) as ends:
        for number in range(RUNS):
            selection = Selection.WALK_INS if number % 4 == 3 else Selection.APPOINTMENTS
            world.sync(selection, now=clock.next_run())
    transactions = sum(end.result() for end in ends)
    assert transactions > 3 * WRITERS
    for selection in (Selection.APPOINTMENTS, Selection.WALK_INS):
        world.sync(selection, now=clock.next_run())

    chunk = source_of(world)
    settled = world.ledger.settled(chunk.bookings["appointment_id"].unique()).set_index("booking_key")
    keys = booking_keys(chunk.bookings)
    digests = pd.Series(digest_pairs(chunk.bookings, chunk.answers).to_numpy(), index=keys)
    lost = digests.index[settled["settled_digest"].reindex(keys) != digests]
    assert lost.tolist() == []
    events = {event["Coconut_Booking_Key__c"]: event for event in world.events()}
    wanted = expected_events(chunk)
    stale = [
        key for key, words in wanted.items() if not words <= set((events[key]["Description"] or "").split())
    ]
    assert stale == []
