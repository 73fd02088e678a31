"""The columnar decision against the slow one, on made-up worlds (rules M1-M8)."""

from __future__ import annotations

from itertools import cycle, product
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.frames import CANDIDATES, CLAIMS, CLIENTS, PERSON_LINKS
from include.matching.decide import Decisions, decide
from include.settings.model import Settings
from tests.matching.builders import frame
from tests.matching.reference import Reference, Verdict, World
from tests.matching.worlds import ALGORITHMS, make_world

pytestmark = [pytest.mark.rule(f"M{number}") for number in (1, 2, 3, 4, 6, 7, 8)]

SETTINGS = [
    {
        "matching_algorithm": algorithm,
        "entity_type": entity_type,
        "ambiguous_match": policy,
        "insufficient_evidence": evidence,
        "register_people": people,
    }
    for (algorithm, entity_type), policy, evidence, people in zip(
        product(ALGORITHMS, ["lead", "contact", "person_account"]),
        cycle(["oldest", "most_recently_modified", "hold", "hold", "oldest"]),
        cycle(["create", "hold", "create"]),
        cycle(["on", "on", "on", "off"]),
        strict=False,
    )
]
"""Every algorithm with every entity type; the policies take turns."""

WORLDS_PER_SETTINGS = 170


def decide_worlds(worlds: list[World], chosen: dict[str, str]) -> Decisions:
    """Decide many worlds as one frame."""
    return decide(
        frame(CLIENTS, [row for world in worlds for row in world.clients]),
        frame(PERSON_LINKS, [row for world in worlds for row in world.links]),
        claims=frame(CLAIMS, [row for world in worlds for row in world.claims]),
        candidates=frame(CANDIDATES, [row for world in worlds for row in world.records]),
        settings=Settings.model_validate(chosen),
        settings_version=1,
    )


def as_verdicts(decisions: pd.DataFrame) -> dict[str, Verdict]:
    names = [name for name in Verdict.__dataclass_fields__ if name != "identities"]
    rows = decisions.astype(object).where(decisions.notna(), None).to_dict("records")
    return {
        row["client_id"]: Verdict(
            **{name: row[name] for name in names}, identities=frozenset(row["identities"].split())
        )
        for row in rows
    }


def check(worlds: list[World], chosen: dict[str, str]) -> Decisions:
    decisions = decide_worlds(worlds, chosen)
    found = as_verdicts(decisions.decisions)
    references = [Reference(world, chosen) for world in worlds]
    assert len(found) == sum(len(world.clients) for world in worlds)
    for world, reference in zip(worlds, references, strict=True):
        expected = reference.decide()
        assert {client_id: found[client_id] for client_id in expected} == expected, (world, chosen)
    assert set(decisions.retired_claims) == set().union(
        *(reference.retired_claims() for reference in references)
    )
    forwards = dict(zip(decisions.forwards["old_id"], decisions.forwards["new_id"], strict=True))
    assert forwards == {old: new for reference in references for old, new in reference.forwards().items()}
    return decisions


@pytest.mark.parametrize("chosen", SETTINGS, ids=lambda chosen: "-".join(chosen.values()))
def test_columns_decide_as_the_rules_do_client_by_client(chosen: dict[str, str]) -> None:
    random = Random(SETTINGS.index(chosen))
    worlds = [
        make_world(random, number, chosen["matching_algorithm"])
        for number in range(1, WORLDS_PER_SETTINGS + 1)
    ]
    decisions = check(worlds, chosen).decisions
    assert {"link", "none"} <= set(decisions["action"])


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=12), st.sampled_from(SETTINGS))
@settings(max_examples=8, deadline=None)
def test_no_world_of_any_seed_is_decided_otherwise(seeds: list[int], chosen: dict[str, str]) -> None:
    algorithm = chosen["matching_algorithm"]
    check([make_world(Random(seed), number, algorithm) for number, seed in enumerate(seeds, start=1)], chosen)
