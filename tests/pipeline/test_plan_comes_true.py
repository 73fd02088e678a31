"""The real run of the same input does exactly what the dry run said (rule T6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.ledger.reports import ReportKind
from include.pipeline.__main__ import Doors, main
from tests.pipeline.planned_worlds import (
    OBJECTS,
    Foretold,
    Growing,
    estimated_calls,
    held,
    made_calls,
    planned_cells,
    text,
    watched_fields,
)
from tests.pipeline.test_people_of_all_kinds import with_person_accounts
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("T6")


def grown(world: World, entity_type: str, seed: int, **settings: Any) -> None:
    """Let a world grow that was synced before, and that has changed since."""
    if entity_type == "person_account":
        with_person_accounts(world)
    world.set(entity_type=entity_type, overwrite_existing="on", load_api="rest", **settings)
    growing = Growing(world, seed)
    for _ in range(6):
        growing.book()
    world.sync()
    growing.move_on()


def assert_comes_true(world: World) -> dict[str, Any]:
    """Make a plan, run it, compare every record and field, and return what the plan's task said."""
    before = held(world)
    planned = world.sync(dry_run=True)
    assert held(world) == before
    cells = planned_cells(world, planned["run_id"])
    world.org.forget_calls()
    world.sync()
    made = made_calls(world)
    after = held(world)
    foretold = Foretold(world, cells, after)

    created = {(sobject, record_id) for sobject, record_id, _ in foretold.of("create")}
    assert created == {(name, one) for name in OBJECTS for one in after[name].keys() - before[name].keys()}
    deleted = {(sobject, record_id) for sobject, record_id, _ in foretold.of("delete")}
    assert deleted == {(name, one) for name in OBJECTS for one in before[name].keys() - after[name].keys()}

    for sobject, record_id, fields in foretold.of("create"):
        row = after[sobject][record_id]
        told = {
            name: foretold.resolved(value) for name, value in zip(fields["field"], fields["new"], strict=True)
        }
        assert {name: text(row[name]) for name in told} == told
        others = watched_fields(sobject, row) - told.keys() - {"OwnerId"}
        assert {name for name in others if text(row.get(name))} == set()

    foreseen = {}
    for sobject, record_id, fields in foretold.of("update"):
        for name, old, new in fields[["field", "old", "new"]].itertuples(index=False):
            assert text(old) == text(before[sobject][record_id][name])
            foreseen[sobject, record_id, name] = foretold.resolved(new)
    seen = {
        (sobject, record_id, name): text(row.get(name))
        for sobject in OBJECTS
        for record_id, row in after[sobject].items()
        if record_id in before[sobject]
        for name in watched_fields(sobject, row)
        if text(row.get(name)) != text(before[sobject][record_id].get(name))
    }
    assert seen == foreseen
    assert made == estimated_calls(world, planned["run_id"])
    return planned


@pytest.mark.parametrize("entity_type", ["lead", "contact", "person_account"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_writes_field_for_field_what_its_dry_run_said(
    world: World, entity_type: str, seed: int
) -> None:
    grown(world, entity_type, seed, on_cancel="delete" if seed == 2 else "mark")
    planned = assert_comes_true(world)
    assert {"create", "update"} <= planned.keys()


def test_a_plan_that_is_carried_out_leaves_nothing_to_plan(world: World) -> None:
    grown(world, "lead", seed=3)
    world.sync()
    assert world.sync(dry_run=True)["read"] == 0


def test_jobs_of_the_bulk_api_take_the_calls_foreseen_and_one_for_each_further_look(world: World) -> None:
    world.set(load_api="bulk", overwrite_existing="on", entity_type="contact")
    for number in (1, 2, 3):
        world.booking(number, world.client(number, company="Mill"))
    planned = world.sync(dry_run=True)
    foreseen = estimated_calls(world, planned["run_id"])
    world.org.forget_calls()
    world.sync()
    calls, made = world.org.calls(), made_calls(world)
    jobs = calls["bulk_ingest_create"]
    assert jobs == 3
    assert made["bulk_ingest"] == foreseen.pop("bulk_ingest") + calls["bulk_ingest_poll"] - jobs
    assert made - foreseen == {"bulk_ingest": made["bulk_ingest"]}
    assert not foreseen - made


def test_the_report_and_the_result_name_no_value_of_anybody(world: World) -> None:
    world.booking(
        10, world.client(1, last_name="Oyelaran", email="secret@example.com"), notes="Bring the deed."
    )
    planned = world.sync(dry_run=True)
    report = world.ledger.report(planned["run_id"], ReportKind.PLAN)
    assert report is not None
    told = json.dumps([dict(report.summary), planned], default=str)
    assert not any(value in told for value in ("Oyelaran", "secret@", "the deed"))
    assert report.summary["records"] == {"Event": {"create": 1}, "Lead": {"create": 1}}
    assert report.summary["storage"] == {"taken_kilobytes": 4, "freed_kilobytes": 0}


def test_a_plan_is_printed_and_its_values_only_when_asked_for(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    doors = Doors(ledger=lambda: world.ledger, staging=lambda: world.staging)
    world.booking(10, world.client(1, last_name="Oyelaran"))
    run_id = world.sync(dry_run=True)["run_id"]
    assert main(["show-plan", run_id], doors=doors) == 0
    told = capsys.readouterr().out
    assert "Lead: create 1\n" in told
    assert "  LastName: 1\n" in told
    assert "Oyelaran" not in told
    assert main(["show-plan", run_id, "--values"], doors=doors) == 0
    assert "Lead create 1: LastName: (empty) -> Oyelaran\n" in capsys.readouterr().out

    world.staging.delete_run(run_id)
    assert main(["show-plan", run_id, "--values"], doors=doors) == 2
    assert "no longer kept" in capsys.readouterr().err
    assert main(["show-plan", "another"], doors=doors) == 2
    assert "No plan of the run another is kept" in capsys.readouterr().err
