"""What the legacy integration left in the booking database (rules G1, G2, G5, G8)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, Table, delete, insert, update

from include.legacy import UPGRADE_FLAG
from include.source import legacy, tables
from tests.engines import OpenEngine
from tests.source.bookings import T0


@pytest.fixture
def database(tmp_path: Path, open_engine: OpenEngine) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    tables.create_all(engine)
    return engine


def _add(engine: Engine, table: Table, *rows: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(table), list(rows))


def _link(appointment_id: int, client_id: int, event_id: str | None) -> dict[str, object]:
    return {"appointment_id": appointment_id, "client_id": client_id, "salesforce_event_id": event_id}


@pytest.mark.rule("G1")
def test_a_database_without_the_legacy_tables_reads_as_one_that_never_was_on_the_legacy_integration(
    tmp_path: Path, open_engine: OpenEngine
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    tables.create_all(engine)
    for table in (
        tables.feature_flags,
        tables.legacy_settings,
        tables.legacy_field_mappings,
        tables.legacy_staff_links,
        tables.legacy_event_links,
    ):
        table.drop(engine)
    assert not legacy.has_legacy_links(engine)
    assert not legacy.is_upgrade_offered(engine)
    assert legacy.read_legacy_settings(engine) == {}
    assert legacy.read_legacy_field_mappings(engine).empty
    assert legacy.read_legacy_staff_links(engine).empty
    assert legacy.legacy_event_links_after(engine, legacy.START, 10).empty
    assert legacy.legacy_event_links_of(engine, ["1"]).empty
    assert legacy.links_fingerprint(engine) == legacy.LinksFingerprint()


@pytest.mark.rule("G1")
def test_one_event_link_is_enough_to_have_been_on_the_legacy_integration(database: Engine) -> None:
    assert not legacy.has_legacy_links(database)
    _add(database, tables.legacy_event_links, _link(1, 10, "00U000000000001AAA"))
    assert legacy.has_legacy_links(database)


@pytest.mark.rule("G2")
@pytest.mark.parametrize(("enabled", "is_offered"), [(True, True), (False, False), (None, False)])
def test_the_upgrade_is_offered_while_coconuts_flag_is_on(
    database: Engine, enabled: bool | None, is_offered: bool
) -> None:
    rows = [("Something else", True), (UPGRADE_FLAG, enabled)]
    _add(
        database,
        tables.feature_flags,
        *({"name": name, "enabled": is_on, "updated_at": T0} for name, is_on in rows),
    )
    assert legacy.is_upgrade_offered(database) is is_offered


@pytest.mark.rule("G5")
def test_settings_mappings_and_staff_links_are_read_whole_and_in_order(database: Engine) -> None:
    _add(
        database,
        tables.legacy_settings,
        {"name": "entity_type", "value": "lead"},
        {"name": "empty", "value": None},
    )
    _add(
        database,
        tables.legacy_field_mappings,
        {"id": 2, "source_field": "client.email", "sobject": "Lead", "target_field": "Email"},
        {"id": 1, "source_field": None, "sobject": "Event", "target_field": None},
    )
    _add(
        database,
        tables.legacy_staff_links,
        {"staff_id": 7, "salesforce_user_id": "005000000000001"},
        {"staff_id": 5, "salesforce_user_id": None},
    )
    assert legacy.read_legacy_settings(database) == {"entity_type": "lead"}
    mappings = legacy.read_legacy_field_mappings(database)
    assert mappings["mapping_id"].tolist() == ["1", "2"]
    assert mappings["source_field"].isna().tolist() == [True, False]
    assert legacy.read_legacy_staff_links(database)["staff_id"].tolist() == ["5", "7"]


@pytest.mark.rule("G5")
@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_event_links_are_read_page_by_page_each_once_and_in_the_order_of_numbers(
    database: Engine, limit: int
) -> None:
    pairs = [(2, 9), (2, 10), (10, 1), (10, 2), (11, 1)]
    _add(database, tables.legacy_event_links, *(_link(*pair, f"00U{pair}") for pair in reversed(pairs)))
    found: list[tuple[int, int]] = []
    after = legacy.START
    while len(page := legacy.legacy_event_links_after(database, after, limit)):
        found += [(int(row.appointment_id), int(row.client_id)) for row in page.itertuples()]
        after = found[-1]
    assert found == pairs


@pytest.mark.rule("G1")
def test_the_event_links_of_some_bookings_are_read_by_those_alone(database: Engine) -> None:
    _add(database, tables.legacy_event_links, _link(1, 1, "00Ua"), _link(1, 2, None), _link(2, 1, "00Ub"))
    found = legacy.legacy_event_links_of(database, ["1", "3"])
    assert found["client_id"].tolist() == ["1", "2"]
    assert found["event_id"].isna().tolist() == [False, True]
    assert legacy.legacy_event_links_of(database, []).empty


@pytest.mark.rule("G8")
def test_whatever_the_legacy_writer_does_to_its_links_shows_in_their_fingerprint(database: Engine) -> None:
    own = tables.legacy_event_links
    _add(database, own, _link(1, 1, "00Ua"), _link(2, 2, "00Ub"))
    seen = [legacy.links_fingerprint(database)]
    assert legacy.links_fingerprint(database) == seen[0]
    for change in (
        insert(own).values(_link(3, 1, "00Uc")),
        update(own).where(own.c.appointment_id == 1).values(salesforce_event_id="00Ud"),
        update(own).where(own.c.appointment_id == 2).values(client_id=7),
        delete(own).where(own.c.appointment_id == 1),
    ):
        with database.begin() as connection:
            connection.execute(change)
        seen.append(legacy.links_fingerprint(database))
    assert len(set(seen)) == len(seen)
