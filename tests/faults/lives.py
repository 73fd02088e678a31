"""Two lives of one story: one that nobody disturbs, and one whose processes are killed and come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Protocol

from include.pipeline.context import Selection, SyncRun, Trigger
from include.salesforce.transport import READ_TIMEOUT_SECONDS
from tests.faults.child import STAGES, Ended, Order, Place
from tests.faults.nursery import Attempt, KillAfter, Nursery
from tests.faults.pictures import Picture, differences, imbalances, take_picture
from tests.faults.steps import AT_A_STEP, KillAt, Moment, Step
from tests.faults.stories import Story
from tests.pipeline.world import World

SELECTIONS: Final = ((Selection.APPOINTMENTS,), (Selection.APPOINTMENTS, Selection.WALK_INS))
"""What is synced in each round; walk-ins have changed before they are first seen."""

RUNS: Final = sum(map(len, SELECTIONS))
NAMES: Final = tuple(STAGES)
LOADING: Final = ("load_people", "load_events", "settle_run")
RETRIES: Final = 4
"""Times that a stage may fail by itself before that is a defect; Airflow's own number (``STAGE_DEFAULTS``)."""

ABANDONED_SHARE: Final = 0.15
STEPS_OF_A_RUN: Final = 70
"""How many steps by name the loading stages have, about."""

HELD_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Doom:
    """How one child is to die."""

    at: KillAt | None = None
    after: KillAfter | None = None


class Fate(Protocol):
    """Says how the next child dies that goes on with a run."""

    def __call__(self, stages: tuple[str, ...], *, met: frozenset[Step], kills_left: int) -> Doom:
        """``stages`` are those that the run has before it, ``met`` the steps at which it was killed before."""


@dataclass
class Life:
    """One world, its runs and what became of each child; ``history`` tells them in words."""

    world: World
    story: Story
    nursery: Nursery
    place: Place
    history: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def begin(cls, story: Story, nursery: Nursery, world: World, folder: Path) -> Life:
        """Begin a story in an empty world; its staged frames go to a folder."""
        story.set_up(world)
        source_url, ledger_url = (
            engine.url.render_as_string(hide_password=False) for engine in (world.source, world.ledger.engine)
        )
        staging_url = f"file://{folder / 'staging'}"
        return cls(world, story, nursery, Place(source_url, ledger_url, staging_url, world.org.credentials()))

    def runs(self) -> Iterator[SyncRun]:
        """Let the story go on round by round, and give the runs of each."""
        for number, selections in enumerate(SELECTIONS):
            self.story.go_on(self.world, number)
            for selection in selections:
                yield self.run_of(f"round{number}", selection)

    def close(self) -> Picture:
        """Sync once more, let Salesforce finish what it holds, and return what is there in the end."""
        for selection in SELECTIONS[-1]:
            self.finish(self.run_of("closing", selection))
        self.world.org.control("POST", "drain", {})
        return take_picture(self.world)

    def finish(self, run: SyncRun, stages: tuple[str, ...] = NAMES) -> Ended:
        """Run the stages to their end, again where they fail of what may pass by itself."""
        for _ in range(RETRIES + 1):
            attempt = self.attempt(run, stages)
            ended = attempt.ended
            assert ended is not None, f"nobody was to kill this child\n{self.told}"
            if not ended.error:
                return ended
            assert ended.is_retried, f"{run.run_id} failed for good:\n{ended.error}\n{self.told}"
            stages = _from(attempt.stages[-1], stages)
        raise AssertionError(f"{run.run_id} went on failing\n{self.told}")

    def attempt(
        self,
        run: SyncRun,
        stages: tuple[str, ...],
        doom: Doom | None = None,
        *,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        on_step: Callable[[Step], None] | None = None,
    ) -> Attempt:
        """Have a child go on with a run."""
        doom = doom or Doom()
        order = Order(self.place, run, stages, kill_at=doom.at, read_timeout_seconds=read_timeout_seconds)
        attempt = self.nursery.attempt(order, kill_after=doom.after, on_step=on_step)
        self.history.append(f"{run.run_id}: {attempt}")
        self.seconds |= attempt.seconds
        return attempt

    @property
    def told(self) -> str:
        return "\n".join(self.history)

    def run_of(self, name: str, selection: Selection) -> SyncRun:
        """Return a run that begins now."""
        run_id, now = f"{name}-{selection}", self.world.tick()
        return SyncRun(run_id, f"sync_{selection}", selection, Trigger.SCHEDULED, dry_run=False, now=now)


def live_undisturbed(life: Life) -> Picture:
    """Live through the story with every run to its end at the first try."""
    for run in life.runs():
        life.finish(run)
    return life.close()


def live_disturbed(life: Life, fate: Fate, random: Random, *, kills: int) -> Picture:
    """Live through the story with so many kills, spread over the runs."""
    left, runs_left = kills, RUNS
    for run in life.runs():
        share = -(-left // runs_left)
        left -= _run_with_kills(life, run, fate, random, kills=share)
        runs_left -= 1
    for number in range(left):
        _kill_at_the_start(life, number)
    return life.close()


def _run_with_kills(life: Life, run: SyncRun, fate: Fate, random: Random, *, kills: int) -> int:
    """Run one sync whose children are killed; return how many were before one came to the end."""
    current, stages, killed = run, NAMES, 0
    met: set[Step] = set()
    while killed < kills:
        attempt = life.attempt(current, stages, fate(stages, met=frozenset(met), kills_left=kills - killed))
        if attempt.stages:
            stages = _from(attempt.stages[-1], stages)
        if attempt.ended is not None:
            if not attempt.ended.error:
                return killed
            assert attempt.ended.is_retried, (
                f"{current.run_id} failed for good:\n{attempt.ended.error}\n{life.told}"
            )
            break
        killed += 1
        met.update(attempt.steps[-1:])
        if current is run and random.random() < ABANDONED_SHARE:
            current, stages = _next_run(run), NAMES
    life.finish(current, stages)
    return killed


def _kill_at_the_start(life: Life, number: int) -> None:
    """Kill a run that has nothing to do, in place of one whose child got away."""
    run = life.run_of(f"spare{number}", SELECTIONS[0][0])
    first = KillAt(1, AT_A_STEP, frozenset(NAMES))
    assert life.attempt(run, NAMES, Doom(at=first)).was_killed, life.told


def _next_run(run: SyncRun) -> SyncRun:
    """Return the run that comes when nobody takes up this one again."""
    return SyncRun(f"{run.run_id}-next", run.dag_id, run.selection, run.trigger, dry_run=False, now=run.now)


def _from(stage: str, stages: tuple[str, ...]) -> tuple[str, ...]:
    return stages[stages.index(stage) :]


def at_steps(random: Random, moments: frozenset[Moment]) -> Fate:
    """Kill at named steps of the loading stages, each name at most once in a run."""

    def fate(stages: tuple[str, ...], *, met: frozenset[Step], kills_left: int) -> Doom:
        way = STEPS_OF_A_RUN * len(moments) // len(Moment)
        nth = random.randint(1, max(1, way // (kills_left + 1)))
        held = HELD_SECONDS if random.random() < 0.5 else 0.0
        return Doom(at=KillAt(nth, moments, frozenset(LOADING), spared=met, held_seconds=held))

    return fate


def at_instants(random: Random, seconds_of: Callable[[str], float]) -> Fate:
    """Kill at random instants, mostly of the loading stages; ``seconds_of`` is how long a stage takes undisturbed."""

    def fate(stages: tuple[str, ...], *, met: frozenset[Step], kills_left: int) -> Doom:
        loading = [stage for stage in stages if stage in LOADING]
        stage = loading[0] if loading and random.random() < 0.75 else stages[0]
        later = _from(stage, stages)
        return Doom(after=KillAfter(stage, random.uniform(0.0, sum(map(seconds_of, later)) / kills_left)))

    return fate


def either(one: Fate, other: Fate, random: Random, *, share: float) -> Fate:
    """Follow one fate for a share of the kills, and another for the rest."""

    def fate(stages: tuple[str, ...], *, met: frozenset[Step], kills_left: int) -> Doom:
        chosen = one if random.random() < share else other
        return chosen(stages, met=met, kills_left=kills_left)

    return fate


def expect_equal(undisturbed: Picture, disturbed: Picture, life: Life) -> None:
    """Nothing is lost, nothing came twice, and every run adds up."""
    problems = [*differences(undisturbed, disturbed), *imbalances(life.world)]
    assert not problems, "\n".join([f"{life.story.title}:", *problems, "after", life.told])
