"""A migration begins only where everything holds, and says together what does not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from include.errors import ConfigurationError, SourceUnavailableError
from include.ledger.tables import metadata
from include.legacy import Phase
from include.migration.preflight import preflight
from include.pipeline.context import Wiring
from include.source.gateway import SourceGateway
from tests.migration.legacy_world import LegacyWorld
from tests.migration.test_until_review import migration_run


def ledger_rows(world: LegacyWorld) -> dict[str, list[tuple[object, ...]]]:
    """Return all that the ledger holds but for the counts of API calls, which every attempt adds to."""
    tables = [table for name, table in metadata.tables.items() if name != "run_api_calls"]
    with world.ledger.engine.connect() as connection:
        return {table.name: [tuple(row) for row in connection.execute(sa.select(table))] for table in tables}


@pytest.mark.rule("G10")
def test_where_everything_holds_the_run_takes_the_lease_and_again_changes_nothing(
    legacy: LegacyWorld,
) -> None:
    run = migration_run(legacy)
    assert preflight(run, legacy.wiring())["phase"] == Phase.STARTED
    taken = legacy.ledger.newest_migration()
    assert taken is not None
    assert taken.lease_run_id == run.run_id
    assert preflight(run, legacy.wiring())["migration"] == taken.id
    assert legacy.ledger.newest_migration() == taken


@pytest.mark.rule("G2")
@pytest.mark.rule("G3")
def test_all_that_is_missing_is_told_at_once_and_nothing_is_changed(legacy: LegacyWorld) -> None:
    legacy.offer_upgrade(is_on=False)
    legacy.set(integration="modern", sync_mode="two_way")
    bind_to_another_org(legacy)
    before = ledger_rows(legacy)

    with pytest.raises(ConfigurationError) as refused:
        preflight(migration_run(legacy), legacy.wiring())

    for word in ("Opt-In Salesforce Upgrade", "integration is modern", "sync_mode", "00D000000000999AAA"):
        assert any(word in problem for problem in refused.value.problems), word
    assert ledger_rows(legacy) == before


def bind_to_another_org(world: LegacyWorld) -> None:
    world.ledger.bind_org("00D000000000999AAA")


@pytest.mark.rule("G3")
def test_a_refused_sign_in_stands_among_the_others(legacy: LegacyWorld) -> None:
    legacy.offer_upgrade(is_on=False)
    wiring = Wiring(
        SourceGateway(legacy.source),
        legacy.ledger,
        legacy.staging,
        lambda: legacy.org.connect(consumer_secret="wrong"),
    )
    with pytest.raises(ConfigurationError) as refused:
        preflight(migration_run(legacy), wiring)
    assert len(refused.value.problems) == 2
    assert legacy.ledger.newest_migration() is None


@pytest.mark.rule("G1")
def test_a_booking_database_that_lacks_legacy_tables_is_told_with_their_names(legacy: LegacyWorld) -> None:
    with legacy.source.begin() as connection:
        connection.exec_driver_sql("DROP TABLE legacy_settings")
        connection.exec_driver_sql("DROP TABLE legacy_staff_links")
    with pytest.raises(ConfigurationError, match="no table legacy_settings, legacy_staff_links"):
        preflight(migration_run(legacy), legacy.wiring())


@pytest.mark.rule("G10")
def test_another_runs_migration_is_told_with_everything_else(legacy: LegacyWorld) -> None:
    preflight(migration_run(legacy), legacy.wiring())
    legacy.offer_upgrade(is_on=False)
    with pytest.raises(ConfigurationError) as refused:
        preflight(migration_run(legacy, "migration-2"), legacy.wiring())
    assert len(refused.value.problems) == 2
    assert "the run migration-1 is migrating" in str(refused.value)


@pytest.mark.rule("G10")
def test_a_dry_run_takes_no_lease(legacy: LegacyWorld) -> None:
    preflight(migration_run(legacy, dry_run=True), legacy.wiring())
    assert legacy.ledger.newest_migration() is None


@pytest.mark.rule("Q6")
def test_a_booking_database_that_does_not_answer_is_no_shortcoming(legacy: LegacyWorld) -> None:
    gone = sa.create_engine("sqlite:////nowhere/at/all.db")
    wiring = Wiring(SourceGateway(gone), legacy.ledger, legacy.staging, legacy.org.connect)
    with pytest.raises(SourceUnavailableError):
        preflight(migration_run(legacy), wiring)
    gone.dispose()
