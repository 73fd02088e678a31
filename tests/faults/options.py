"""The options of the fault suite."""

from __future__ import annotations

from typing import Final

import pytest

KILLS: Final = 190
SEED: Final = 2026


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person ask for more kills, others, or one world's again."""
    group = parser.getgroup("faults", "killed processes (tests/faults)")
    group.addoption("--kills", type=int, default=KILLS, help="how many children are killed, over both files")
    group.addoption(
        "--fault-seed", type=int, default=SEED, help="another seed kills elsewhere, in other worlds"
    )
    group.addoption(
        "--fault-number", type=int, default=None, help="the one world to go through, as a failure names it"
    )
