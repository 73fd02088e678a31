from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select

from include.errors import LedgerConflictError
from include.ledger.repository import Ledger
from include.ledger.tables import settings_changes
from include.settings.model import OnCancel, Settings, Switch
from tests.ledger.builders import INSTALLED, at


@pytest.mark.rule("settings")
def test_a_ledger_without_saved_settings_has_the_defaults_as_version_0(ledger: Ledger) -> None:
    current = ledger.current_settings()
    assert (current.version, current.settings) == (0, Settings())
    assert ledger.settings_at(0) == current


@pytest.mark.rule("C4")
def test_every_change_is_audited_with_who_when_from_and_to(ledger: Ledger) -> None:
    ledger.save_settings(Settings(on_cancel=OnCancel.DELETE, scope_services=("3",)), who="ada", now=at(1))
    with ledger.engine.connect() as connection:
        rows = connection.execute(select(settings_changes).order_by(settings_changes.c.name)).all()
    assert [tuple(row) for row in rows] == [
        (1, "on_cancel", "mark", "delete"),
        (1, "scope_services", "[]", '["3"]'),
    ]
    current = ledger.current_settings()
    assert (current.version, current.saved_at) == (1, at(1))


@pytest.mark.rule("C4")
def test_settings_equal_to_the_current_ones_are_no_version(ledger: Ledger) -> None:
    first = ledger.save_settings(Settings(on_cancel=OnCancel.DELETE), who="ada", now=at(1))
    assert ledger.save_settings(Settings(on_cancel=OnCancel.DELETE), who="bob", now=at(2)) == first


@pytest.mark.rule("settings")
def test_every_type_of_setting_survives_being_kept(ledger: Ledger) -> None:
    settings = Settings(sync_from=date(2026, 1, 31), scope_statuses=("booked",), delete_guard_percent=2.5)
    ledger.save_settings(settings, who="ada", now=at(1))
    assert ledger.current_settings().settings == settings
    assert ledger.current_settings().sync_from == date(2026, 1, 31)


@pytest.mark.rule("Q2")
def test_each_setting_knows_when_it_changed_last(ledger: Ledger) -> None:
    ledger.save_settings(Settings(sync_events=Switch.OFF), who="ada", now=at(1))
    ledger.save_settings(Settings(sync_events=Switch.OFF, lead_source="Web"), who="ada", now=at(2))
    changed_at = ledger.current_settings().changed_at
    assert (changed_at["sync_events"], changed_at["lead_source"]) == (at(1), at(2))
    assert changed_at["on_cancel"] == INSTALLED
    assert ledger.settings_at(1).changed_at["lead_source"] == INSTALLED


@pytest.mark.rule("M9")
def test_an_older_version_can_be_read_again(ledger: Ledger) -> None:
    ledger.save_settings(Settings(lead_source="Web"), who="ada", now=at(1))
    ledger.save_settings(Settings(lead_source="Shop"), who="ada", now=at(2))
    assert ledger.settings_at(1).settings.lead_source == "Web"


@pytest.mark.rule("settings")
def test_a_version_that_never_was_is_a_conflict(ledger: Ledger) -> None:
    with pytest.raises(LedgerConflictError, match="version 7"):
        ledger.settings_at(7)


@pytest.mark.rule("C4")
def test_people_who_save_at_once_are_each_audited_against_the_one_before(ledger: Ledger) -> None:
    def save(number: int) -> None:
        ledger.save_settings(Settings(retention_days=number), who=str(number), now=at(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, [91, 92, 93, 94]))
    with ledger.engine.connect() as connection:
        chain = connection.execute(select(settings_changes).order_by(settings_changes.c.version)).all()
    assert [row.old for row in chain] == ["90", *(row.new for row in chain[:-1])]


@pytest.mark.rule("G1")
def test_the_first_version_settles_the_integration_though_it_holds_the_defaults(ledger: Ledger) -> None:
    assert ledger.current_settings().changed_at["integration"] == INSTALLED
    ledger.save_settings(Settings(), who="ada", now=at(1))
    ledger.save_settings(Settings(lead_source="Desk"), who="ada", now=at(2))
    changed_at = ledger.current_settings().changed_at
    assert (changed_at["integration"], changed_at["sync_events"]) == (at(1), INSTALLED)
