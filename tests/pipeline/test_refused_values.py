"""Values that pass the mapping's checks and are refused by Salesforce itself (rule F4)."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from include.frames import RESULTS
from include.mapping.org_fields import OrgFields
from include.pipeline.artifacts import MATCH, ORG_FIELDS_NAME
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.refused_values import without_refused_values
from include.pipeline.settle_run import settle_run
from tests.pipeline.staged import Staged, frame
from tests.pipeline.world import World


def load(staged: Staged) -> dict[str, Any]:
    """Load people whose values nobody compared with what the org says of its fields."""
    world, run = staged.world, staged.stage()
    world.staging.write_json(run.run_id, MATCH, ORG_FIELDS_NAME, OrgFields().to_json())
    counts = load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    return {**settle_run(run, world.wiring()), **counts, "run_id": run.run_id}


def dropped(world: World, counts: dict[str, Any]) -> list[tuple[str, str, str]]:
    reports = world.ledger.field_reports(counts["run_id"])
    assert set(reports["report"]) <= {"value_dropped"}
    return list(zip(reports["client_id"], reports["record_id"], reports["field"], strict=True))


def values_of(world: World, client_id: int) -> dict[str, str]:
    (link,) = world.ledger.person_links([str(client_id)]).to_dict("records")
    return dict(json.loads(link["values"]))


@pytest.mark.rule("F4")
@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_new_person_is_created_without_each_value_that_salesforce_refuses(world: World, api: str) -> None:
    world.set(load_api=api, on_invalid_field="drop_and_report")
    staged = Staged(world)
    staged.new(1, Email="no e-mail", City="x" * 300)
    staged.new(2)
    staged.new(3, Company="x" * 300)
    counts = load(staged)
    leads = {lead["Coconut_Client_Key__c"]: lead for lead in world.org.records("Lead")}
    assert (counts["created"], counts["refused"], counts["written"]) == (3, 0, 3)
    assert (leads["1"]["Email"], leads["1"]["City"]) == (None, None)
    assert leads["2"]["Email"] == "ann2@example.com"
    assert leads["3"]["Company"] == "[not provided]"
    first, third = leads["1"]["Id"], leads["3"]["Id"]
    assert dropped(world, counts) == [("1", first, "City"), ("1", first, "Email"), ("3", third, "Company")]
    assert not {"Email", "City"} & set(values_of(world, 1))


@pytest.mark.rule("F4")
@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_found_person_is_updated_without_each_value_that_salesforce_refuses(world: World, api: str) -> None:
    world.set(load_api=api, on_invalid_field="drop_and_report")
    lee, fox = world.org.seed("Lead", *({"LastName": name, "Company": "Acme"} for name in ("Lee", "Fox")))
    staged = Staged(world)
    staged.found(1, lee, Email="no e-mail", City="Bern")
    staged.found(2, fox, Email="no e-mail")
    counts = load(staged)
    leads = {lead["Id"]: lead for lead in world.org.records("Lead")}
    assert (leads[lee]["Email"], leads[lee]["City"]) == (None, "Bern")
    assert (counts["updated"], counts["update_refused"], counts["written"]) == (1, 0, 2)
    assert dropped(world, counts) == [("1", lee, "Email"), ("2", fox, "Email")]
    assert values_of(world, 1) == {"City": "Bern"}


@pytest.mark.rule("F4")
def test_a_refused_value_keeps_the_person_back_where_the_setting_says_so_or_nothing_can_be_left_out(
    world: World,
) -> None:
    staged = Staged(world)
    staged.new(1, Email="no e-mail")
    load(staged)
    assert world.waiting("101-1")["reason"] == "person_not_written"
    world.set(on_invalid_field="drop_and_report")
    unnamed = Staged(world)
    unnamed.new(2, LastName="x" * 81)
    assert load(unnamed)["refused"] == 1
    assert world.waiting("102-2")["detail"] == "STRING_TOO_LONG on LastName"
    assert world.org.records("Lead") == []


def refusals(**by_row: tuple[str, str | None]) -> pd.DataFrame:
    rows = [
        {"key": key, "error_code": code, "error_fields": fields} for key, (code, fields) in by_row.items()
    ]
    return frame(RESULTS, rows).set_index("key", drop=False)


@pytest.mark.rule("F4")
def test_a_row_is_sent_again_only_if_every_field_that_its_refusal_names_can_be_left_out() -> None:
    rows = pd.DataFrame(
        {"Email": ["e"] * 6, "City": ["c", "c", "c", "c", None, "c"], "Company": ["Acme"] * 5 + ["-"]},
        index=list("abcdef"),
        dtype="str",
    )
    refused = refusals(
        a=("STRING_TOO_LONG", "Email, City"),
        b=("STRING_TOO_LONG", "Email,LastName"),
        c=("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Email"),
        d=("INVALID_EMAIL_ADDRESS", None),
        e=("STRING_TOO_LONG", "City"),
        f=("STRING_TOO_LONG", "Company"),
    )
    again = without_refused_values(
        rows, refused, fields={"Email", "City", "Company"}, stand_ins={"Company": "-"}
    )
    assert again.index.tolist() == ["a"]
    assert again[["Email", "City"]].isna().all(axis=None)
    assert again.loc["a", "Company"] == "Acme"


@pytest.mark.rule("F4")
def test_a_refused_company_gives_way_to_its_stand_in() -> None:
    rows = pd.DataFrame({"Company": ["x" * 300]}, index=["a"], dtype="str")
    again = without_refused_values(
        rows, refusals(a=("STRING_TOO_LONG", "Company")), fields={"Company"}, stand_ins={"Company": "-"}
    )
    assert again["Company"].to_dict() == {"a": "-"}


@pytest.mark.rule("F4")
@pytest.mark.rule("M5")
def test_a_value_left_out_is_reported_of_a_person_with_nothing_else_to_write(world: World) -> None:
    world.set(on_invalid_field="drop_and_report", overwrite_existing="on")
    lead = world.lead(FirstName="Ann", LastName="Lee", Email="ann@example.com", Phone="+1 416 555 0100")
    world.booking(101, world.client(1, last_name="Lee", email="ann@example.com", city="x" * 300))
    world.org.forget_calls()
    counts = world.sync()
    assert dropped(world, counts) == [("1", lead, "City")]
    assert [kind for kind in world.written() if kind != "collections_upsert"] == []
