"""Values of Events that pass the mapping's checks and are refused by Salesforce itself (rules F4, S12)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.mapping.fields import default_mappings
from include.mapping.org_fields import OrgFields
from include.pipeline.artifacts import MATCH, ORG_FIELDS_NAME
from include.pipeline.check_frames import check_frames
from include.pipeline.context import SyncRun
from include.pipeline.extract_changes import extract_changes
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.map_events import map_events
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.settle_run import settle_run
from include.settings.field_mapping import FieldMapping
from tests.pipeline.world import World

GOAL, TRADE = 71, 72
TOO_LONG = "x" * 300
BOTH_APIS = pytest.mark.parametrize("api", ["rest", "bulk"])


@pytest.fixture
def asked(world: World) -> World:
    """A world whose answers go to two fields of the Event; what Salesforce refuses is dropped."""
    customs = [
        FieldMapping.model_validate(
            {"sobject": "Event", "target": target, "source": f"answer.{name}", "null_policy": "clear"}
        )
        for name, target in (("goal", "Location"), ("trade", "Coconut_Service__c"))
    ]
    replaced = {mapping.name for mapping in customs}
    defaults = [mapping for mapping in default_mappings() if mapping.name not in replaced]
    world.ledger.save_mappings([*defaults, *customs], who="test", now=world.tick())
    for question, name in ((GOAL, "goal"), (TRADE, "trade")):
        world.insert("questions", id=question, name=name, label=f"Your {name}?", scope="appointment")
    world.set(on_invalid_field="drop_and_report")
    return world


def lists_no_answers(world: World) -> None:
    """Leave the answers out of Description, so that one answer changes one field."""
    mappings = world.ledger.current_mappings().mappings
    kept = [mapping for mapping in mappings if mapping.name != "Event.Description"]
    world.ledger.save_mappings(kept, who="test", now=world.tick())


def book(world: World, number: int, **answers: str) -> None:
    world.booking(100 + number, world.client(number))
    for name, value in answers.items():
        question = GOAL if name == "goal" else TRADE
        world.insert(
            "answers", appointment_id=100 + number, client_id=number, question_id=question, value=value
        )


def answer(world: World, number: int, value: str) -> None:
    world.change("answers", {"appointment_id": 100 + number, "question_id": GOAL}, value=value)


def checked(world: World) -> SyncRun:
    """Return a run whose values nobody compared with what the org says of its fields, and nothing written yet."""
    run = world.run()
    extract_changes(run, world.wiring())
    match_people(run, world.wiring())
    world.staging.write_json(run.run_id, MATCH, ORG_FIELDS_NAME, OrgFields().to_json())
    map_people(run, world.wiring())
    map_events(run, world.wiring(), 0)
    check_frames(run, world.wiring())
    return run


def load(world: World, run: SyncRun) -> dict[str, Any]:
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    return {**settle_run(run, world.wiring()), "run_id": run.run_id}


def sync(world: World) -> dict[str, Any]:
    world.org.forget_calls()
    return load(world, checked(world))


def dropped(world: World, counts: dict[str, Any]) -> list[tuple[str, str, str]]:
    reports = world.ledger.field_reports(counts["run_id"])
    assert set(reports["sobject"]) <= {"Event"}
    assert set(reports["report"]) <= {"value_dropped"}
    return list(zip(reports["client_id"], reports["record_id"], reports["field"], strict=True))


def payload(world: World, number: int) -> dict[str, str | None]:
    (link,) = world.ledger.event_links([str(100 + number)]).to_dict("records")
    return dict(json.loads(link["payload"]))


@pytest.mark.rule("F4")
@BOTH_APIS
def test_an_event_is_created_without_each_value_that_salesforce_refuses(asked: World, api: str) -> None:
    asked.set(load_api=api)
    book(asked, 1, goal=TOO_LONG, trade=TOO_LONG)
    book(asked, 2, goal="a house", trade="baker")
    counts = sync(asked)
    assert (counts["created"], counts["written"]) == (2, 2)
    first, second = asked.event("101-1"), asked.event("102-2")
    assert (first["Location"], first["Coconut_Service__c"]) == (None, None)
    assert (second["Location"], second["Coconut_Service__c"]) == ("a house", "baker")
    assert dropped(asked, counts) == [
        ("1", first["Id"], "Coconut_Service__c"),
        ("1", first["Id"], "Location"),
    ]
    assert payload(asked, 1)["Location"] is None
    assert payload(asked, 1)["refused:Location"] == TOO_LONG
    assert "refused:Location" not in payload(asked, 2)


@pytest.mark.rule("F4")
@pytest.mark.rule("S12")
@BOTH_APIS
def test_a_refused_value_is_not_sent_again_by_a_run_with_nothing_else_to_say(asked: World, api: str) -> None:
    asked.set(load_api=api)
    book(asked, 1, goal=TOO_LONG)
    first = sync(asked)
    asked.edit(101, utm_campaign="spring")
    counts = sync(asked)
    assert (counts["unchanged"], asked.written()) == (1, {})
    assert dropped(asked, counts) == dropped(asked, first)
    assert payload(asked, 1)["refused:Location"] == TOO_LONG


@pytest.mark.rule("F4")
@BOTH_APIS
def test_an_update_leaves_a_refused_value_out_and_the_event_keeps_the_one_it_had(
    asked: World, api: str
) -> None:
    asked.set(load_api=api)
    book(asked, 1, goal="a house")
    sync(asked)
    asked.edit(101, notes="later")
    answer(asked, 1, TOO_LONG)
    counts = sync(asked)
    event = asked.event("101-1")
    assert counts["updated"] == 1
    assert (event["Location"], "later" in event["Description"]) == ("a house", True)
    assert dropped(asked, counts) == [("1", event["Id"], "Location")]
    asked.edit(101, notes="later still")
    assert sync(asked)["updated"] == 1
    assert payload(asked, 1)["refused:Location"] == TOO_LONG


@pytest.mark.rule("F4")
@pytest.mark.rule("S12")
@pytest.mark.parametrize("value", ["a house", "a flat", ""])
def test_after_a_refused_value_any_other_is_written_even_the_one_from_before(
    asked: World, value: str
) -> None:
    lists_no_answers(asked)
    book(asked, 1, goal="a house")
    sync(asked)
    answer(asked, 1, TOO_LONG)
    counts = sync(asked)
    assert (counts["unchanged"], len(dropped(asked, counts))) == (1, 1)
    asked.org.change("Event", Id=asked.event("101-1")["Id"], Location="a user's")
    answer(asked, 1, value)
    counts = sync(asked)
    assert asked.event("101-1")["Location"] == (value or None)
    assert (counts["updated"], dropped(asked, counts)) == (1, [])
    assert "refused:Location" not in payload(asked, 1)


@pytest.mark.rule("F4")
def test_a_refused_value_keeps_the_event_back_where_the_setting_says_so(asked: World) -> None:
    book(asked, 1, goal=TOO_LONG)
    sync(asked)
    asked.set(on_invalid_field="quarantine")
    book(asked, 2, goal=TOO_LONG)
    asked.edit(101, notes="later")
    assert sync(asked)["quarantined"] == 2
    for key in ("101-1", "102-2"):
        waiting = asked.waiting(key)
        assert (waiting["reason"], waiting["detail"]) == (
            "refused_by_salesforce",
            "STRING_TOO_LONG on Location",
        )


@pytest.mark.rule("F4")
def test_what_automation_refuses_or_a_rule_of_the_sync_fills_keeps_the_event_back(asked: World) -> None:
    asked.ledger.save_mappings(default_mappings(), who="test", now=asked.tick())
    rule = {
        "name": "No_Main_Street",
        "sobject": "Event",
        "message": "No.",
        "field": "Location",
        "conditions": [{"field": "Location", "value": "Main Street, Toronto"}],
    }
    asked.set_up_org(validation_rules=[rule])
    book(asked, 1)
    assert sync(asked)["quarantined"] == 1
    assert asked.waiting("101-1")["reason"] == "refused_by_salesforce"


@pytest.mark.rule("F4")
@pytest.mark.rule("S12")
def test_an_event_that_users_deleted_is_written_again_without_the_refused_value(asked: World) -> None:
    book(asked, 1, goal=TOO_LONG)
    sync(asked)
    asked.org.delete("Event", asked.event("101-1")["Id"])
    asked.edit(101, notes="later")
    counts = sync(asked)
    event = asked.event("101-1")
    assert (counts["created"], event["Location"]) == (1, None)
    assert dropped(asked, counts) == [("1", event["Id"], "Location")]
