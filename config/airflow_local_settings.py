"""Airflow imports this by its bare name when a process starts.

The scheduler of a LocalExecutor forks its workers, and a Celery worker forks its tasks. What the parent has imported
costs the child nothing: Great Expectations alone takes some ten seconds, which every run's check_frames would pay.
"""

from __future__ import annotations

import importlib
import sys

SQLITE_CONNECT_ARGS = {"timeout": 60}
"""How many seconds Airflow waits for a lock of its SQLite database, which the local stack's components share."""

_FORKING_PARENTS = ({"scheduler"}, {"celery", "worker"})
_SLOW_IMPORTS = (
    "alembic.command",
    "great_expectations",
    "pandas",
    "phonenumbers",
    "pyarrow.parquet",
    "simple_salesforce",
    "sqlalchemy",
)

if any(words <= set(sys.argv) for words in _FORKING_PARENTS):
    for name in _SLOW_IMPORTS:
        importlib.import_module(name)
