"""The org and the ledger's PostgreSQL are restarted while rows travel (rules Q4, Q6)."""

from __future__ import annotations

import socket
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from include.ledger.repository import Ledger
from tests.faults.conftest import EndOf
from tests.faults.lives import Life, expect_equal
from tests.faults.nursery import Nursery
from tests.faults.restarts import live_with_restarts
from tests.faults.stories import APIS, tell
from tests.local_org import LocalOrg
from tests.pipeline.world import INSTALLED, World
from tests.postgres import create_database, started_postgres

pytestmark = [pytest.mark.rule("Q4"), pytest.mark.rule("Q6"), pytest.mark.timeout(2400)]

BOOKINGS = 12


class RestartedOrg:
    """A local org that keeps its records, secrets and jobs in a file, always at the same address."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._arguments = ("--data", str(data), "--port", str(port))
        self.org = LocalOrg(*self._arguments)

    def restart(self) -> None:
        """Kill this very process, as a power cut would, and start the one that follows it."""
        self.org.kill()
        following = LocalOrg(*self._arguments)
        following.use_session_of(self.org)
        self.org = following


@pytest.mark.parametrize("api", APIS)
def test_an_org_that_is_restarted_under_every_stage_ends_as_if_it_had_not_been(
    api: str, nursery: Nursery, undisturbed: EndOf, ledger_template: Path, tmp_path: Path
) -> None:
    story = tell("restarts", 0, bookings=BOOKINGS).by(api)
    expected, _ = undisturbed(story)
    restarted = RestartedOrg(tmp_path / "org.db")
    try:
        with World.create(restarted.org, tmp_path, ledger_template) as world:
            life = Life.begin(story, nursery, world, tmp_path)

            def restart() -> None:
                restarted.restart()
                world.org = restarted.org

            disturbed, restarts = live_with_restarts(life, restart, Random(f"org {api}"))
            expect_equal(expected, disturbed, life)
    finally:
        restarted.org.stop()
    assert restarts


@pytest.mark.postgres
@pytest.mark.parametrize("api", APIS)
def test_a_ledger_whose_postgresql_is_restarted_under_every_stage_ends_as_if_it_had_not_been(
    api: str, nursery: Nursery, org: LocalOrg, undisturbed: EndOf, ledger_template: Path, tmp_path: Path
) -> None:
    story = tell("restarts", 1, bookings=BOOKINGS).by(api)
    expected, _ = undisturbed(story)
    org.reset()
    with (
        started_postgres(is_restarted=True) as server,
        World.create(org, tmp_path, ledger_template) as world,
    ):
        world.ledger.engine.dispose()
        world.ledger = Ledger.open(sa.create_engine(create_database(server.url)), now=INSTALLED)
        world.set(unassigned_events_owner=world.owner_id)
        life = Life.begin(story, nursery, world, tmp_path)

        def restart() -> None:
            world.ledger.engine.dispose()
            server.restart()

        disturbed, restarts = live_with_restarts(life, restart, Random(f"ledger {api}"))
        expect_equal(expected, disturbed, life)
    assert restarts
