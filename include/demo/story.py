"""A demo is a story about the local stack: told line by line as it happens, and it says in the end whether it held."""

from __future__ import annotations

import argparse
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from include.local_stack.layout import Layout, StackInUseError
from include.local_stack.processes import Interrupted, StackError, ending_on_signals, seconds_since
from include.local_stack.stack import DEMO_SEED, Stack, local_stack


@dataclass(slots=True)
class Story(ABC):
    """A story, told as it happens."""

    stack: Stack
    bookings: int
    seed: int
    started: float = field(default_factory=time.monotonic)
    complaints: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print a line of progress."""
        print(f"{seconds_since(self.started)}  {text}", flush=True)

    def complain(self, text: str) -> None:
        """Note something that does not hold; the demo goes on, and fails at its end."""
        self.complaints.append(text)
        self.say(f"  NOT HELD: {text}")

    @abstractmethod
    def tell(self) -> bool:
        """Run the demo; return whether everything held."""


def tell_story(kind: type[Story], *, module: str, about: str | None, bookings: int) -> int:
    """Run a demo as a command line; the exit code says whether everything held."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("--bookings", type=int, default=bookings, help="how many bookings to begin with")
    parser.add_argument("--seed", type=int, default=DEMO_SEED, help="the same seed gives the same data")
    parser.add_argument("--state", type=Path, default=Layout().state, help="folder that keeps everything")
    options = parser.parse_args()
    layout = Layout(state=options.state.resolve())
    try:
        with ending_on_signals(), layout.locked(), local_stack(layout) as stack:
            story = kind(stack, options.bookings, options.seed)
            held = story.tell()
            story.say("Everything held." if held else "NOT everything held:")
            for complaint in story.complaints:
                story.say(f"  {complaint}")
            story.say("See these runs in Airflow's UI: make up")
            return 0 if held else 1
    except Interrupted as interrupted:
        return interrupted.exit_code
    except (StackError, StackInUseError) as error:
        print(error, file=sys.stderr)
        return 1
