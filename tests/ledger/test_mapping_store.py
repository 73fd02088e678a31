"""Field mappings in the ledger: versions, and an audit of every change (rules F1, F2, C4)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from include.errors import LedgerConflictError
from include.ledger.repository import Ledger
from include.ledger.tables import event_links, mapping_changes, mapping_versions
from include.mapping.fields import default_mappings
from include.settings.field_mapping import FieldMapping
from tests.ledger.builders import INSTALLED, at, results


def goal(**changes: object) -> FieldMapping:
    values = {"sobject": "Event", "target": "Goal__c", "source": "answer.What's your goal? 目标", **changes}
    return FieldMapping.model_validate(values)


@pytest.mark.rule("F1")
def test_a_ledger_without_saved_mappings_has_the_defaults_as_version_0(ledger: Ledger) -> None:
    current = ledger.current_mappings()
    assert (current.version, current.mappings, current.saved_at) == (0, default_mappings(), INSTALLED)
    assert ledger.mappings_at(0) == current


@pytest.mark.rule("C4")
def test_every_change_of_a_mapping_is_audited_with_who_when_from_and_to(ledger: Ledger) -> None:
    ledger.save_mappings([*default_mappings(), goal()], who="ada", now=at(1))
    without_location = [mapping for mapping in default_mappings() if mapping.target != "Location"]
    ledger.save_mappings([*without_location, goal(null_policy="clear")], who="bob", now=at(2))
    with ledger.engine.connect() as connection:
        saved = connection.execute(select(mapping_versions.c.saved_by, mapping_versions.c.saved_at)).all()
        changes = connection.execute(
            select(mapping_changes).order_by(mapping_changes.c.version, mapping_changes.c.target)
        ).all()
    assert [tuple(row) for row in saved] == [("ada", at(1)), ("bob", at(2))]
    assert [(row.version, row.sobject, row.target) for row in changes] == [
        (1, "Event", "Goal__c"),
        (2, "Event", "Goal__c"),
        (2, "Event", "Location"),
    ]
    assert changes[0].old is None
    assert FieldMapping.model_validate(json.loads(changes[1].old)) == goal()
    assert FieldMapping.model_validate(json.loads(changes[1].new)) == goal(null_policy="clear")
    assert changes[2].new is None


@pytest.mark.rule("C4")
def test_mappings_equal_to_the_current_ones_are_no_version(ledger: Ledger) -> None:
    assert ledger.save_mappings(default_mappings(), who="ada", now=at(1)).version == 0
    first = ledger.save_mappings([goal()], who="ada", now=at(1))
    assert ledger.save_mappings([goal()], who="bob", now=at(2)) == first


@pytest.mark.rule("F1")
def test_restored_defaults_are_a_version_of_their_own(ledger: Ledger) -> None:
    ledger.save_mappings([*default_mappings(), goal()], who="ada", now=at(1))
    restored = ledger.save_mappings(default_mappings(), who="ada", now=at(2))
    assert (restored.version, restored.mappings) == (2, default_mappings())
    assert ledger.mappings_at(1).mappings == (*default_mappings(), goal())


@pytest.mark.rule("F2")
@pytest.mark.parametrize(
    "transform",
    [
        {"type": "picklist", "values": {"ja": "Yes", "nein": "No"}, "otherwise": "empty"},
        {"type": "date", "reads": "%d/%m/%Y", "time_zone": "Asia/Tokyo"},
    ],
)
def test_a_transform_survives_being_kept(ledger: Ledger, transform: dict[str, object]) -> None:
    ledger.save_mappings([goal(transform=transform)], who="ada", now=at(1))
    assert ledger.current_mappings().mappings == (goal(transform=transform),)


@pytest.mark.rule("F2")
def test_a_version_of_mappings_that_never_was_is_a_conflict(ledger: Ledger) -> None:
    with pytest.raises(LedgerConflictError, match="mappings version 7"):
        ledger.mappings_at(7)


@pytest.mark.rule("C4")
def test_people_who_save_mappings_at_once_are_each_audited_against_the_one_before(ledger: Ledger) -> None:
    def save(number: int) -> None:
        ledger.save_mappings([goal(source=f"answer.{number}")], who=str(number), now=at(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, [1, 2, 3, 4]))
    of_goal = select(mapping_changes).where(mapping_changes.c.target == "Goal__c")
    with ledger.engine.connect() as connection:
        chain = connection.execute(of_goal.order_by(mapping_changes.c.version)).all()
    assert [row.old for row in chain] == [None, *(row.new for row in chain[:-1])]


@pytest.mark.rule("S12")
def test_an_event_link_says_by_which_mappings_it_was_written(ledger: Ledger) -> None:
    ledger.record_event_results("run-1", results({}), settings_version=3, mapping_version=5, now=at(1))
    with ledger.engine.connect() as connection:
        versions = select(event_links.c.settings_version, event_links.c.mapping_version)
        assert connection.execute(versions).all() == [(3, 5)]
