"""Worlds by the hundred under every kind of settings, decided as one frame, once for all tests of a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import cycle, product
from random import Random

import pandas as pd

from include.frames import CANDIDATES, CLAIMS, CLIENTS, PERSON_LINKS
from include.matching.decide import Decisions, decide
from include.settings.model import Settings
from tests.matching.builders import frame
from tests.matching.reference import Verdict, World
from tests.matching.worlds import ALGORITHMS, make_world

ENTITY_TYPES = ["lead", "contact", "person_account"]

SETTINGS = [
    {
        "matching_algorithm": algorithm,
        "entity_type": entity_type,
        "ambiguous_match": policy,
        "insufficient_evidence": evidence,
        "register_people": people,
        "default_phone_region": region,
    }
    for (algorithm, entity_type, policy), evidence, people, region in zip(
        product(ALGORITHMS, ENTITY_TYPES, ["oldest", "most_recently_modified", "hold"]),
        cycle(["create", "create", "hold", "create"]),
        cycle(["on", "on", "on", "on", "off"]),
        cycle(["US", "GB", "FR", "CA", "GB", "FR", "US"]),
        strict=False,
    )
]
"""Every algorithm with every entity type and policy; the other settings take turns."""

WORLDS_PER_SETTINGS = 60


@dataclass(frozen=True)
class Case:
    """Worlds, the settings they were decided under, and the decisions."""

    worlds: list[World]
    chosen: dict[str, str]
    decisions: Decisions

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Return the decision on every client of every world."""
        return as_verdicts(self.decisions.decisions)


def decide_worlds(
    worlds: list[World],
    chosen: dict[str, str],
    *,
    rearranged: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows,
) -> Decisions:
    """Decide many worlds as one frame; ``rearranged`` may put the rows of each frame in another order."""
    return decide(
        rearranged(frame(CLIENTS, [row for world in worlds for row in world.clients])),
        rearranged(frame(PERSON_LINKS, [row for world in worlds for row in world.links])),
        claims=rearranged(frame(CLAIMS, [row for world in worlds for row in world.claims])),
        candidates=rearranged(frame(CANDIDATES, [row for world in worlds for row in world.records])),
        settings=Settings.model_validate(chosen),
        settings_version=1,
    )


@cache
def decided(index: int) -> Case:
    """Return the case of ``SETTINGS[index]``."""
    chosen, random = SETTINGS[index], Random(index)
    numbers = range(1, WORLDS_PER_SETTINGS + 1)
    worlds = [make_world(random, number, chosen["matching_algorithm"]) for number in numbers]
    return Case(worlds, chosen, decide_worlds(worlds, chosen))


def as_verdicts(decisions: pd.DataFrame) -> dict[str, Verdict]:
    """Return ``frames.DECISIONS`` as the reference says it."""
    names = [name for name in Verdict.__dataclass_fields__ if name != "identities"]
    rows = decisions.astype(object).where(decisions.notna(), None).to_dict("records")
    return {
        row["client_id"]: Verdict(
            **{name: row[name] for name in names}, identities=frozenset(row["identities"].split())
        )
        for row in rows
    }


def name_of(chosen: dict[str, str]) -> str:
    """Return settings as the name of a test."""
    return "-".join(chosen.values())
