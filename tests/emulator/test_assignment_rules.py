"""Assignment rules of Leads: when they run on each API, whom they choose, and what clients can ask about them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import (
    AssignmentEntry,
    AssignmentRuleSetup,
    Condition,
    OrgSetup,
)
from tests.emulator.clients import BulkJob, table
from tests.emulator.engine_bench import Bench, only_error
from tests.local_org import LocalOrg

WEST, EAST, REST = "west@example.org", "east@example.org", "rest@example.org"
BY_STATE = AssignmentRuleSetup(
    name="By state",
    entries=(
        AssignmentEntry(conditions=(Condition(field="State", value="ca"),), owner=WEST),
        AssignmentEntry(conditions=(Condition(field="State", operator="is_not_blank"),), owner=EAST.upper()),
    ),
)
TO_REST = AssignmentRuleSetup(name="Everybody", active=False, entries=(AssignmentEntry(owner=REST),))


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    for username in (WEST, EAST, REST):
        made.user(username)
    yield made
    made.close()


def configure(bench: Bench, *rules: AssignmentRuleSetup, **values: Any) -> None:
    bench.org.configure(OrgSetup(assignment_rules=rules or (BY_STATE, TO_REST), **values))


def owner(bench: Bench, lead: str) -> str:
    return str(bench.column(f"SELECT Owner.Username FROM Lead WHERE Id = '{lead}'")[0])


def user(bench: Bench, username: str) -> str:
    return str(bench.column(f"SELECT Id FROM User WHERE Username = '{username}'")[0])


@pytest.mark.rule("P3")
def test_the_first_entry_that_fits_owns_a_new_lead_and_overrides_the_row(bench: Bench) -> None:
    configure(bench)
    assert owner(bench, bench.lead(State="CA")) == WEST
    assert owner(bench, bench.lead(State="NY", OwnerId=user(bench, REST))) == EAST


@pytest.mark.rule("P3")
def test_where_no_entry_fits_the_default_lead_owner_has_it_else_the_writer_or_who_the_row_names(
    bench: Bench,
) -> None:
    configure(bench)
    assert owner(bench, bench.lead()) == "integration@local-org.example"
    assert owner(bench, bench.lead(OwnerId=user(bench, WEST))) == WEST
    configure(bench, default_lead_owner=user(bench, REST))
    assert owner(bench, bench.lead(OwnerId=user(bench, WEST))) == REST


@pytest.mark.rule("P3")
def test_updates_are_assigned_too_unless_the_request_says_otherwise(bench: Bench) -> None:
    lead = bench.lead(State="CA", OwnerId=user(bench, REST))
    configure(bench)
    (kept,) = bench.write("update", "Lead", [{"Id": lead, "Title": "Dr"}], auto_assign=False)
    assert kept.success
    assert owner(bench, lead) == REST
    assert bench.update("Lead", lead, Title="Prof").success
    assert owner(bench, lead) == WEST


@pytest.mark.rule("P3")
def test_other_objects_and_orgs_without_an_active_rule_assign_nothing(bench: Bench) -> None:
    configure(bench, TO_REST, default_lead_owner=REST)
    assert owner(bench, bench.lead()) == "integration@local-org.example"
    configure(bench, BY_STATE)
    contact = bench.contact(MailingState="CA")
    assert bench.column(f"SELECT Owner.Username FROM Contact WHERE Id = '{contact}'") == [
        "integration@local-org.example"
    ]


@pytest.mark.rule("P3")
def test_an_id_names_a_rule_active_or_not_and_on_rest_only_for_new_records(bench: Bench) -> None:
    configure(bench)
    (rule_id,) = bench.column("SELECT Id FROM AssignmentRule WHERE Name = 'Everybody'")
    row = {"LastName": "Doe", "Company": "C", "State": "CA"}
    (created,) = bench.write("insert", "Lead", [row], assignment_rule_id=rule_id[:15])
    assert created.id is not None
    assert owner(bench, created.id) == REST
    lead = bench.lead(State="CA")
    change = [{"Id": lead, "Title": "Dr"}]
    assert bench.write("update", "Lead", change, assignment_rule_id=rule_id)[0].success
    assert owner(bench, lead) == WEST
    assert bench.write("update", "Lead", change, assignment_rule_id=rule_id, source="bulk")[0].success
    assert owner(bench, lead) == REST


@pytest.mark.rule("P3")
def test_an_id_of_no_rule_refuses_the_rows(bench: Bench) -> None:
    configure(bench)
    (result,) = bench.write(
        "insert", "Lead", [{"LastName": "A", "Company": "C"}], assignment_rule_id="01Q000000000999AAA"
    )
    assert only_error(result)[0] == "INVALID_CROSS_REFERENCE_KEY"


@pytest.mark.rule("P3")
def test_an_owner_who_is_inactive_or_nobody_refuses_only_the_rows_they_would_get(bench: Bench) -> None:
    nobody = AssignmentEntry(conditions=(Condition(field="State", value="TX"),), owner="gone@example.org")
    configure(bench, BY_STATE.model_copy(update={"entries": (nobody, *BY_STATE.entries)}))
    assert bench.update("User", user(bench, WEST), IsActive=False).success
    rows = [{"LastName": "A", "Company": "C", "State": state} for state in ("CA", "TX", "NY")]
    inactive, missing, fine = bench.write("insert", "Lead", rows)
    assert only_error(inactive) == ("INACTIVE_OWNER_OR_USER", ("OwnerId",))
    assert inactive.errors[0].message.startswith("operation performed with inactive user [005")
    assert only_error(missing) == ("INVALID_CROSS_REFERENCE_KEY", ("OwnerId",))
    assert fine.success


@pytest.mark.rule("P3")
def test_rules_can_be_queried_and_keep_their_ids_over_documents_and_restarts(tmp_path: Path) -> None:
    soql = "SELECT Id, Name, SobjectType, Active FROM AssignmentRule ORDER BY Name"
    bench = Bench(tmp_path / "org.sqlite")
    configure(bench)
    before = bench.rows(soql)
    assert [row[1:] for row in before] == [("By state", "Lead", True), ("Everybody", "Lead", False)]
    assert all(row[0].startswith("01Q") for row in before)
    configure(bench, TO_REST)
    assert bench.rows(soql) == before[1:]
    configure(bench)
    bench.close()
    again = Bench(tmp_path / "org.sqlite")
    assert again.rows(soql) == before
    again.close()


@pytest.mark.rule("P3")
def test_only_one_rule_can_be_active(bench: Bench) -> None:
    with pytest.raises(SalesforceFault, match="INVALID_SETUP: The assignment rule Everybody: Only one"):
        configure(bench, BY_STATE, TO_REST.model_copy(update={"active": True}))
    unknown = AssignmentEntry(conditions=(Condition(field="Nope", value=1),), owner=WEST)
    with pytest.raises(SalesforceFault, match="INVALID_SETUP: The assignment rule R: Lead has no field Nope"):
        configure(bench, AssignmentRuleSetup(name="R", entries=(unknown,)))


def _set_up(org: LocalOrg) -> tuple[str, str]:
    (banker,) = org.seed("User", {"LastName": "Rest", "Username": REST, "Email": REST, "IsActive": True})
    rule = TO_REST.model_copy(update={"active": True})
    org.control("PUT", "setup", OrgSetup(assignment_rules=(rule,)).model_dump(mode="json"))
    (found,) = org.query("SELECT Id FROM AssignmentRule WHERE SobjectType = 'Lead' AND Active = true")
    return banker, found["Id"]


@pytest.mark.rule("P3")
def test_rest_and_collections_assign_unless_the_header_says_false(org: LocalOrg) -> None:
    banker, rule_id = _set_up(org)
    integration = org.announcement["user_id"]

    def owner_with(header: str | None) -> str:
        headers = {} if header is None else {"Sforce-Auto-Assign": header}
        row = {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "C"}
        single = org.call("POST", "/sobjects/Lead", json={"LastName": "Doe", "Company": "C"}, headers=headers)
        (item,) = org.call("POST", "/composite/sobjects", json={"records": [row]}, headers=headers).json()
        owners = {
            record["OwnerId"]
            for record in org.query("SELECT Id, OwnerId FROM Lead")
            if record["Id"] in (single.json()["id"], item["id"])
        }
        assert len(owners) == 1
        return str(owners.pop())

    assert owner_with(None) == owner_with("true") == owner_with(rule_id) == banker
    assert owner_with("False") == integration
    malformed = org.call(
        "POST", "/sobjects/Lead", json={"LastName": "D", "Company": "C"}, headers={"Sforce-Auto-Assign": "x"}
    )
    assert (malformed.status_code, malformed.json()[0]["errorCode"]) == (400, "MALFORMED_ID")


@pytest.mark.rule("P3")
def test_bulk_assigns_only_where_the_job_names_a_rule(org: LocalOrg) -> None:
    banker, rule_id = _set_up(org)
    BulkJob.create(org, "Lead").run(table(("LastName", "Company"), ("Plain", "C")))
    BulkJob.create(org, "Lead", assignmentRuleId=rule_id).run(
        table(("LastName", "Company"), ("Assigned", "C"))
    )
    owners = {row["LastName"]: row["OwnerId"] for row in org.query("SELECT LastName, OwnerId FROM Lead")}
    assert owners == {"Plain": org.announcement["user_id"], "Assigned": banker}
