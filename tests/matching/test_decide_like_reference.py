"""The columnar decision against the slow one, on made-up worlds (rules M1-M8)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.matching.decided_worlds import SETTINGS, Case, decide_worlds, decided, name_of
from tests.matching.reference import Reference
from tests.matching.worlds import make_world

pytestmark = [pytest.mark.rule(f"M{number}") for number in (1, 2, 3, 4, 6, 7, 8)]

EVERY_ACTION = {"link", "create", "hold", "none"}


def check(case: Case) -> None:
    found = case.verdicts
    references = [Reference(world, case.chosen) for world in case.worlds]
    assert len(found) == sum(len(world.clients) for world in case.worlds)
    for world, reference in zip(case.worlds, references, strict=True):
        expected = reference.decide()
        assert {client_id: found[client_id] for client_id in expected} == expected, (world, case.chosen)
    retired = set().union(*(reference.retired_claims() for reference in references))
    assert set(case.decisions.retired_claims) == retired
    moves = case.decisions.forwards.set_index("old_id")
    forwards = dict(zip(moves.index, zip(moves["new_id"], moves["new_record_id"], strict=True), strict=True))
    assert forwards == {old: new for reference in references for old, new in reference.forwards().items()}


@pytest.mark.parametrize("index", range(len(SETTINGS)), ids=[name_of(chosen) for chosen in SETTINGS])
def test_columns_decide_as_the_rules_do_client_by_client(index: int) -> None:
    case = decided(index)
    check(case)
    assert {"link", "none"} <= {verdict.action for verdict in case.verdicts.values()} <= EVERY_ACTION


def test_the_worlds_reach_every_action_reason_and_evidence() -> None:
    verdicts = [verdict for index in (2, 4, 14, 27) for verdict in decided(index).verdicts.values()]
    assert {verdict.action for verdict in verdicts} == EVERY_ACTION
    assert {verdict.reason for verdict in verdicts} == {
        None,
        "client_deleted",
        "client_disabled",
        "ambiguous_match",
        "insufficient_evidence",
        "registration_off",
    }
    known = {"admin_choice", "source_id", "kept_link", "claim_key", "new"}
    assert {verdict.evidence for verdict in verdicts} == {None, *known, "name_and_email", "email", "phone"}


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=12), st.sampled_from(SETTINGS))
@settings(max_examples=8, deadline=None)
def test_no_world_of_any_seed_is_decided_otherwise(seeds: list[int], chosen: dict[str, str]) -> None:
    algorithm = chosen["matching_algorithm"]
    worlds = [make_world(Random(seed), number, algorithm) for number, seed in enumerate(seeds, start=1)]
    check(Case(worlds, chosen, decide_worlds(worlds, chosen)))
