"""What every test shares: an Airflow that touches nobody's home, and no proxies on the way to loopback."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parents[1]

LONG_FIRST = ("faults", "migration", "e2e", "browser", "demo", "privacy", "reconcile")
"""Folders whose files take minutes: begun first, so that no worker is left alone with one in the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before anything imports Airflow, which reads it once."""
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "APPOINTMENT_SYNC_"))]:
        del os.environ[name]
    airflow_home = tempfile.mkdtemp(prefix="airflow-home-")
    config.add_cleanup(lambda: shutil.rmtree(airflow_home, ignore_errors=True))
    os.environ["AIRFLOW_HOME"] = airflow_home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take long first; ``make test`` hands files to its workers in this order."""
    items.sort(key=lambda item: _place(item.path.relative_to(PROJECT_ROOT).parts))


def _place(parts: tuple[str, ...]) -> int:
    folder = parts[1] if parts[0] == "tests" else ""
    return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)
