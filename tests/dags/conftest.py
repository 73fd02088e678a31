"""One parse of all DAG files, shared by the tests of this folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT_ROOT


@dataclass(frozen=True, slots=True)
class Parsed:
    """What parsing a folder of DAG files gave."""

    dags: dict[str, dict[str, Any]]
    errors: dict[str, str]
    imported: frozenset[str]


def parse(folder: Path) -> Parsed:
    """Parse a folder of DAG files in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.dags.parse", str(folder)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return Parsed(found["dags"], found["errors"], frozenset(found["imported"]))


@pytest.fixture(scope="session")
def parsed() -> Parsed:
    """Return the project's DAGs."""
    return parse(PROJECT_ROOT / "dags")
