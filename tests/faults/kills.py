"""Kills by number: which world each happens in, so that a seed and a number say everything."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.faults.stories import APIS, Story, tell

KILLS_PER_WORLD: Final = 16
BOOKINGS: Final = (12, 20, 30, 150)
HOW_OFTEN: Final = (4, 4, 4, 1)
"""The largest world comes rarely: its rows show little that the others do not."""


@dataclass(frozen=True, slots=True)
class Kills:
    """So many kills in the disturbed life of one story."""

    seed: int
    number: int
    kills: int

    @classmethod
    def cases(cls, seed: int, *, total: int, only: int | None) -> list[Kills]:
        """Return the worlds that a number of kills takes, or the one of a number."""
        numbers = range(-(-total // KILLS_PER_WORLD)) if only is None else (only,)
        return [
            cls(seed, number, max(1, min(KILLS_PER_WORLD, total - number * KILLS_PER_WORLD)))
            for number in numbers
        ]

    def __str__(self) -> str:
        return f"seed{self.seed}-number{self.number}-{self.kills}kills"

    @property
    def command(self) -> str:
        """Return the options that bring about the same kills again."""
        return f"again by: pytest --fault-seed={self.seed} --fault-number={self.number} (kills: {self.kills})"

    def random(self, what: str) -> Random:
        """Return what draws one kind of thing for this number."""
        return Random(f"{what} {self.seed}:{self.number}")

    def story(self, chapter: str) -> Story:
        """Return what is lived through; two numbers in a row live the same story, by Bulk API and by REST."""
        number = self.number // len(APIS)
        size = Random(f"{chapter} {self.seed}:{number}").choices(BOOKINGS, weights=HOW_OFTEN)[0]
        return tell(f"{chapter} {self.seed}", number, bookings=size).by(APIS[self.number % len(APIS)])
