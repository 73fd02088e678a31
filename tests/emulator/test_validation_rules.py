"""Validation rules of the setup document, and the conditions that they and assignment rules are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import Condition, OrgSetup, ValidationRuleSetup
from tests.emulator.engine_bench import Bench, event
from tests.local_org import LocalOrg

MESSAGE = "A lost lead needs a reason."
CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def rule(*conditions: Condition, **values: Any) -> ValidationRuleSetup:
    usual: dict[str, Any] = {"name": "Rule", "sobject": "Lead", "conditions": conditions, "message": MESSAGE}
    return ValidationRuleSetup(**(usual | values))


def configure(bench: Bench, *rules: ValidationRuleSetup) -> None:
    bench.org.configure(OrgSetup(validation_rules=rules))


@pytest.mark.rule("P3")
def test_a_record_that_meets_every_condition_is_refused_with_the_message_and_the_field(bench: Bench) -> None:
    lost = Condition(field="status", value="closed - not CONVERTED")
    configure(bench, rule(lost, Condition(field="Description", operator="is_blank"), field="description"))
    refused, explained = bench.write(
        "insert",
        "Lead",
        [
            {"LastName": "A", "Company": "C", "Status": "Closed - Not Converted"},
            {"LastName": "B", "Company": "C", "Status": "Closed - Not Converted", "Description": "no budget"},
        ],
    )
    assert [(error.code, error.message, error.fields) for error in refused.errors] == [
        (CODE, MESSAGE, ("Description",))
    ]
    assert explained.success


@pytest.mark.rule("P3")
def test_every_rule_that_a_record_breaks_is_told(bench: Bench) -> None:
    always = Condition(field="LastName", operator="is_not_blank")
    configure(bench, rule(always, message="One"), rule(always, name="Other", message="Two", field="Title"))
    (result,) = bench.write("insert", "Lead", [{"LastName": "A", "Company": "C"}])
    assert [(error.message, error.fields) for error in result.errors] == [("One", ()), ("Two", ("Title",))]


@pytest.mark.rule("P3")
def test_a_rule_judges_the_record_as_it_will_be_and_not_the_row_alone(bench: Bench) -> None:
    lead = bench.lead(Status="Closed - Not Converted", Description="no budget")
    lost = Condition(field="Status", value="Closed - Not Converted")
    configure(bench, rule(lost, Condition(field="Description", operator="is_blank")))
    assert bench.update("Lead", lead, Title="Dr").success
    assert bench.update("Lead", lead, Description=None).errors[0].code == CODE
    assert bench.get("Lead", lead, "Description")["Description"] == "no budget"


@pytest.mark.rule("P3")
@pytest.mark.parametrize(
    ("condition", "values", "is_refused"),
    [
        (Condition(field="LastName", value="doe"), {"LastName": "DOE"}, True),
        (Condition(field="LastName", value="doe"), {"LastName": "Doer"}, False),
        (Condition(field="Title", operator="not_equals", value="Dr"), {}, True),
        (Condition(field="Title", operator="not_equals", value="Dr"), {"Title": "DR"}, False),
        (Condition(field="Title", operator="equals", value=None), {}, True),
        (Condition(field="Title", operator="not_equals", value=None), {}, False),
        (Condition(field="Company", operator="contains", value="cm"), {}, True),
        (Condition(field="Title", operator="contains", value="x"), {}, False),
        (Condition(field="Title", operator="not_contains", value="x"), {}, True),
        (Condition(field="Company", operator="starts_with", value="ac"), {}, True),
        (Condition(field="Company", operator="starts_with", value="cm"), {}, False),
        (Condition(field="NumberOfEmployees", operator="less_than", value=5), {"NumberOfEmployees": 4}, True),
        (Condition(field="NumberOfEmployees", operator="less_than", value="5"), {"NumberOfEmployees": 5}, False),
        (Condition(field="NumberOfEmployees", operator="less_than", value=5), {}, False),
        (Condition(field="NumberOfEmployees", operator="greater_than", value=5), {"NumberOfEmployees": 6}, True),
        (Condition(field="HasOptedOutOfEmail", value=True), {"HasOptedOutOfEmail": True}, True),
        (Condition(field="HasOptedOutOfEmail", value=True), {}, False),
        (Condition(field="Company", operator="is_not_blank"), {}, True),
        (Condition(field="LastName", operator="is_changed"), {}, False),
    ],
)  # fmt: skip
def test_conditions_compare_as_criteria_do(
    bench: Bench, condition: Condition, values: dict[str, Any], is_refused: bool
) -> None:
    configure(bench, rule(condition))
    (result,) = bench.write("insert", "Lead", [{"LastName": "Doe", "Company": "Acme", **values}])
    assert result.success is not is_refused


@pytest.mark.rule("P3")
def test_instants_and_changes_are_conditions_too(bench: Bench) -> None:
    late = Condition(field="StartDateTime", operator="greater_than", value="2026-03-20T12:00:00+01:00")
    configure(
        bench,
        rule(late, sobject="Event"),
        rule(Condition(field="Subject", operator="is_changed"), sobject="Event"),
    )
    on_time, too_late = bench.write(
        "insert",
        "Event",
        [
            event(StartDateTime="2026-03-20T11:00:00Z", EndDateTime="2026-03-20T11:30:00Z"),
            event(StartDateTime="2026-03-20T11:00:01Z", EndDateTime="2026-03-20T11:30:00Z"),
        ],
    )
    assert (on_time.success, too_late.success) == (True, False)
    assert on_time.id is not None
    assert bench.update("Event", on_time.id, Subject="Visit", Location="Here").success
    assert bench.update("Event", on_time.id, Subject="Another").errors[0].code == CODE


@pytest.mark.rule("P3")
def test_a_rule_that_is_off_or_bypassed_does_nothing(bench: Bench) -> None:
    always = Condition(field="LastName", operator="is_not_blank")
    bypassed = frozenset({"INTEGRATION@local-org.example"})
    configure(bench, rule(always, active=False), rule(always, name="Other", bypassed_by=bypassed))
    assert bench.lead()
    banker = bench.user("banker@example.org")
    (result,) = bench.write("insert", "Lead", [{"LastName": "A", "Company": "C"}], user_id=banker)
    assert result.errors[0].message == MESSAGE


@pytest.mark.rule("P3")
@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (rule(Condition(field="Nope", value=1)), "Lead has no field Nope."),
        (rule(Condition(field="Title", value="x"), sobject="Nope"), "The org has no object Nope."),
        (rule(Condition(field="Title", value="x"), field="Nope"), "Lead has no field Nope."),
        (
            rule(Condition(field="Title", operator="contains")),
            "The condition contains on Title needs a value.",
        ),
        (
            rule(Condition(field="NumberOfEmployees", value="many"), active=False),
            "The condition on NumberOfEmployees: Employees: value not of required type: many",
        ),
    ],
)
def test_a_rule_that_does_not_fit_the_org_is_refused_by_name_and_the_setup_stays(
    bench: Bench, broken: ValidationRuleSetup, reason: str
) -> None:
    before = bench.org.setup
    with pytest.raises(SalesforceFault) as caught:
        configure(bench, broken)
    assert (caught.value.http_status, caught.value.code) == (400, "INVALID_SETUP")
    assert caught.value.message == f"The validation rule Rule: {reason}"
    assert bench.org.setup == before
    assert bench.lead()


@pytest.mark.rule("P3")
def test_rest_answers_400_and_bulk_names_code_message_and_field(org: LocalOrg) -> None:
    org.control(
        "PUT",
        "setup",
        {
            "validation_rules": [
                {
                    "name": "No_Test_Leads",
                    "sobject": "Lead",
                    "conditions": [{"field": "LastName", "value": "test"}],
                    "message": "No tests, please.",
                    "field": "LastName",
                }
            ]
        },
    )
    answer = org.call("POST", "/sobjects/Lead", json={"LastName": "Test", "Company": "C"})
    assert answer.status_code == 400
    assert answer.json() == [{"errorCode": CODE, "message": "No tests, please.", "fields": ["LastName"]}]
