"""What every test shares: an Airflow that touches nobody's home, and no proxies on the way to loopback."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Set the environment before anything imports Airflow, which reads it once."""
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "APPOINTMENT_SYNC_"))]:
        del os.environ[name]
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
