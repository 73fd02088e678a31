"""Duplicate rules: who counts as a duplicate, what an alert and a block mean to each API, and what clients are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.org_setup import (
    Condition,
    DuplicateRuleSetup,
    MatchingRule,
    OrgSetup,
    ValidationRuleSetup,
)
from include.salesforce_emulator.engine.standard_duplicate_rules import STANDARD_DUPLICATE_RULES
from tests.emulator.clients import BulkJob, signed_in, table
from tests.emulator.engine_bench import Bench
from tests.local_org import DATA, LocalOrg

CODE = "DUPLICATES_DETECTED"
ANN = {"FirstName": "Ann", "LastName": "Éclair", "Email": "ann@example.org"}
STANDARD = OrgSetup(duplicate_rules=STANDARD_DUPLICATE_RULES)
ALLOW_SAVE = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def by_email(**values: Any) -> DuplicateRuleSetup:
    usual: dict[str, Any] = {
        "name": "Same_Email",
        "sobject": "Contact",
        "matching_rules": (MatchingRule(name="Email", sobject="Contact", fields={"Email": "Email"}),),
    }
    return DuplicateRuleSetup(**(usual | values))


def configure(bench: Bench, *rules: DuplicateRuleSetup) -> None:
    bench.org.configure(OrgSetup(duplicate_rules=rules))


def codes(bench: Bench, sobject: str, *rows: dict[str, Any], **options: Any) -> list[str | None]:
    results = bench.write("insert", sobject, list(rows), **options)
    return [result.errors[0].code if result.errors else None for result in results]


@pytest.mark.rule("P3")
def test_an_equal_value_in_any_letter_case_is_a_duplicate_and_names_the_record(bench: Bench) -> None:
    configure(bench, by_email())
    known = bench.contact(Email="ann@example.org")
    (refused,) = bench.write("insert", "Contact", [{"LastName": "Other", "Email": " ANN@Example.org "}])
    (error,) = refused.errors
    assert (error.code, error.message, error.fields) == (CODE, "Use one of these records?", ())
    assert error.duplicates is not None
    assert error.duplicates.allow_save
    assert [match.ids for match in error.duplicates.matches] == [(known,)]


@pytest.mark.rule("P3")
def test_letters_beyond_ascii_compare_in_any_case_too(bench: Bench) -> None:
    bench.org.configure(STANDARD)
    bench.contact(**ANN)
    assert codes(bench, "Contact", {**ANN, "LastName": "éCLAIR"}) == [CODE]


@pytest.mark.rule("P3")
def test_blank_values_are_never_equal(bench: Bench) -> None:
    configure(bench, by_email())
    bench.contact()
    assert codes(bench, "Contact", {"LastName": "Doe"}, {"LastName": "Doe", "Email": ""}) == [None, None]


@pytest.mark.rule("P3")
def test_leads_are_matched_against_contacts_and_contacts_against_leads(bench: Bench) -> None:
    bench.org.configure(STANDARD)
    lead = bench.lead(**ANN)
    (refused,) = bench.write("insert", "Contact", [ANN])
    found = refused.errors[0].duplicates
    assert found is not None
    assert (found.rule, [(match.sobject, match.ids) for match in found.matches]) == (
        "Standard_Rule_for_Contacts_with_Duplicate_Leads",
        [("Lead", (lead,))],
    )
    bench.delete("Lead", lead)
    bench.contact(**ANN)
    assert codes(bench, "Lead", {**ANN, "Company": "C"}) == [CODE]


@pytest.mark.rule("P3")
def test_every_field_of_a_matching_rule_must_agree_and_any_rule_is_enough(bench: Bench) -> None:
    bench.org.configure(STANDARD)
    bench.insert("Account", Name="Acme", BillingCity="Ghent", Phone="1")
    assert codes(
        bench,
        "Account",
        {"Name": "ACME", "BillingCity": "Bruges", "Phone": "2"},
        {"Name": "ACME", "BillingCity": "ghent"},
        {"Name": "Acme", "Phone": "1"},
        {"Name": "Other", "Phone": "1"},
    ) == [None, CODE, CODE, None]


@pytest.mark.rule("P3")
def test_person_accounts_are_matched_by_their_own_fields_and_leads_against_the_contact_behind(
    bench: Bench,
) -> None:
    own = MatchingRule(name="Own", sobject="Account", fields={"PersonEmail": "PersonEmail"})
    account = by_email(name="People", sobject="Account", matching_rules=(own,))
    behind = by_email(name="Behind", sobject="Lead")
    with pytest.raises(
        SalesforceFault, match=r"The duplicate rule People: Account has no field PersonEmail\."
    ):
        configure(bench, account)
    bench.org.configure(OrgSetup(person_accounts=True, duplicate_rules=(account, behind)))
    bench.insert("Account", LastName="Doe", PersonEmail="ann@example.org")
    assert codes(bench, "Account", {"LastName": "Roe", "PersonEmail": "ANN@example.org"}) == [CODE]
    assert codes(bench, "Lead", {"LastName": "Roe", "Email": "ann@example.org"}) == [CODE]


@pytest.mark.rule("P3")
def test_deleted_records_and_converted_leads_are_no_duplicates(bench: Bench) -> None:
    bench.org.configure(STANDARD)
    gone = bench.lead(**ANN)
    bench.delete("Lead", gone)
    converted = bench.lead(**ANN)
    bench.org.convert_lead(converted)
    assert bench.column("SELECT COUNT(Id) FROM Contact") == [1]
    bench.delete("Contact", bench.column("SELECT Id FROM Contact")[0])
    assert codes(bench, "Lead", {**ANN, "Company": "C"}) == [None]


@pytest.mark.rule("P3")
def test_a_conversion_runs_no_rule_not_even_one_that_finds_the_lead_itself(bench: Bench) -> None:
    from_leads = MatchingRule(name="Leads", sobject="Lead", fields={"Email": "Email"})
    asks_title = ValidationRuleSetup(
        name="R", sobject="Contact", message="M", conditions=(Condition(field="Title", operator="is_blank"),)
    )
    blocks = by_email(on_create="block", matching_rules=(from_leads,))
    bench.org.configure(OrgSetup(duplicate_rules=(blocks,), validation_rules=(asks_title,)))
    assert codes(bench, "Contact", {"LastName": "Doe"}) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert bench.org.convert_lead(bench.lead(**ANN))["success"]


@pytest.mark.rule("P3")
def test_an_edit_is_checked_only_where_a_matched_field_changes_and_never_against_itself(bench: Bench) -> None:
    first = bench.contact(Email="one@example.org")
    second = bench.contact(Email="ONE@example.org")
    configure(bench, by_email())
    assert bench.update("Contact", second, Title="Dr").success
    assert bench.update("Contact", second, Email="two@example.org").success
    assert bench.update("Contact", first, Email="One@Example.org").success
    assert bench.update("Contact", second, Email="one@example.org").errors[0].code == CODE


@pytest.mark.rule("P3")
def test_create_and_edit_have_actions_of_their_own(bench: Bench) -> None:
    configure(bench, by_email(on_edit="block"))
    bench.contact(Email="one@example.org")
    other = bench.contact(Email="two@example.org")
    row = {"LastName": "Doe", "Email": "one@example.org"}
    assert codes(bench, "Contact", row, allow_duplicates=True) == [None]
    (blocked,) = bench.write(
        "update", "Contact", [{"Id": other, "Email": "one@example.org"}], allow_duplicates=True
    )
    assert blocked.errors[0].duplicates is not None
    assert not blocked.errors[0].duplicates.allow_save


@pytest.mark.rule("P3")
def test_a_rule_that_allows_without_alert_is_off_or_bypassed_saves(bench: Bench) -> None:
    bench.contact(Email="one@example.org")
    row = {"LastName": "Doe", "Email": "one@example.org"}
    for harmless in (
        by_email(alert=False),
        by_email(active=False, on_create="block"),
        by_email(on_create="block", bypassed_by=frozenset({"integration@local-org.example"})),
    ):
        configure(bench, harmless)
        assert codes(bench, "Contact", row) == [None]


@pytest.mark.rule("P3")
def test_a_blocking_rule_behind_an_alerting_one_still_blocks(bench: Bench) -> None:
    configure(bench, by_email(), by_email(name="Block", on_create="block", message="No."))
    bench.contact(Email="one@example.org")
    (refused,) = bench.write(
        "insert", "Contact", [{"LastName": "Doe", "Email": "one@example.org"}], allow_duplicates=True
    )
    assert refused.errors[0].message == "No."


@pytest.mark.rule("P3")
def test_rows_of_one_save_are_not_compared_but_those_of_an_earlier_save_are(bench: Bench) -> None:
    configure(bench, by_email())
    rows: list[dict[str, Any]] = [{"LastName": f"L{n}", "Email": f"{n}@example.org"} for n in range(201)]
    rows[1]["Email"] = rows[0]["Email"]
    rows[200]["Email"] = rows[0]["Email"].upper()
    results = codes(bench, "Contact", *rows, source="bulk")
    assert results == [None] * 200 + [CODE]


@pytest.mark.rule("P3")
def test_rules_can_be_queried_keep_their_ids_and_go_with_the_document(tmp_path: Path) -> None:
    soql = "SELECT Id, DeveloperName, MasterLabel, SobjectType, IsActive FROM DuplicateRule ORDER BY DeveloperName"
    bench = Bench(tmp_path / "org.sqlite")
    configure(bench, by_email(), by_email(name="Off", sobject="Contact", active=False))
    before = bench.rows(soql)
    assert [row[1:] for row in before] == [
        ("Off", "Off", "Contact", False),
        ("Same_Email", "Same Email", "Contact", True),
    ]
    assert before[0][0].startswith("0Bm")
    configure(bench)
    assert bench.rows(soql) == []
    configure(bench, by_email(message="Another"), by_email(name="Off", active=False))
    bench.close()
    again = Bench(tmp_path / "org.sqlite")
    assert again.rows(soql) == before
    again.org.reset()
    again.close()


@pytest.mark.rule("P3")
def test_a_rule_that_does_not_fit_the_org_is_refused_by_name(bench: Bench) -> None:
    wrong = MatchingRule(name="M", sobject="Lead", fields={"Email": "Nope"})
    with pytest.raises(
        SalesforceFault, match=r"INVALID_SETUP: The duplicate rule R: Lead has no field Nope\."
    ):
        configure(bench, by_email(name="R", matching_rules=(wrong,)))
    with pytest.raises(
        SalesforceFault, match=r"The duplicate rule Same_Email: Event takes no duplicate rules\."
    ):
        configure(bench, by_email(sobject="Event"))
    with pytest.raises(SalesforceFault, match="INVALID_SETUP: The duplicate rule Same_Email: Two rules"):
        configure(bench, by_email(), by_email())


@pytest.mark.rule("P3")
def test_a_single_write_is_told_the_rule_and_the_records_and_saves_with_the_header(org: LocalOrg) -> None:
    org.control("PUT", "setup", STANDARD.model_dump(mode="json"))
    (lead,) = org.seed("Lead", {**ANN, "Company": "C"})
    answer = org.call("POST", "/sobjects/Contact", json=ANN)
    assert answer.status_code == 400
    (error,) = answer.json()
    assert error == {
        "duplicateResult": {
            "allowSave": True,
            "duplicateRule": "Standard_Rule_for_Contacts_with_Duplicate_Leads",
            "duplicateRuleEntityType": "Contact",
            "errorMessage": "Use one of these records?",
            "matchResults": [
                {
                    "entityType": "Lead",
                    "errors": [],
                    "matchEngine": "ExactMatchEngine",
                    "matchRecords": [
                        {
                            "additionalInformation": [],
                            "fieldDiffs": [],
                            "matchConfidence": 100.0,
                            "record": {
                                "attributes": {"type": "Lead", "url": f"{DATA}/sobjects/Lead/{lead}"},
                                "Id": lead,
                            },
                        }
                    ],
                    "rule": "Standard_Lead_Match_Rule_v1_0",
                    "size": 1,
                    "success": True,
                }
            ],
        },
        "errorCode": CODE,
        "message": "Use one of these records?",
    }
    old = org.raw(
        "POST",
        "/services/data/v51.0/sobjects/Contact",
        json=ANN,
        headers={**_signed_in(org), **ALLOW_SAVE},
    )
    assert old.json()[0]["duplicateResut"]["duplicateRuleEntityType"] == "Contact"
    assert org.call("POST", "/sobjects/Contact", json=ANN, headers=ALLOW_SAVE).status_code == 201


def _signed_in(org: LocalOrg) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed_in(org).session_id}"}


@pytest.mark.rule("P3")
def test_collections_refuse_only_the_rows_concerned_and_the_header_saves_them(org: LocalOrg) -> None:
    org.control("PUT", "setup", STANDARD.model_dump(mode="json"))
    (known,) = org.seed("Contact", ANN)
    rows = [{"attributes": {"type": "Contact"}, **ANN}, {"attributes": {"type": "Contact"}, "LastName": "B"}]
    refused, saved = org.call("POST", "/composite/sobjects", json={"records": rows}).json()
    assert refused["errors"] == [{"statusCode": CODE, "message": "Use one of these records?", "fields": []}]
    assert saved["success"]
    details = {"Sforce-Duplicate-Rule-Header": "includeRecordDetails=true"}
    detailed = org.call("POST", "/composite/sobjects", json={"records": rows[:1]}, headers=details).json()
    found = detailed[0]["errors"][0]["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
    assert (found["Id"], found["LastName"]) == (known, "Éclair")
    (overridden,) = org.call(
        "POST", "/composite/sobjects", json={"records": rows[:1]}, headers=ALLOW_SAVE
    ).json()
    assert overridden["success"]


@pytest.mark.rule("P3")
def test_bulk_rows_fail_whatever_header_comes_with_the_job(org: LocalOrg) -> None:
    org.control("PUT", "setup", STANDARD.model_dump(mode="json"))
    org.seed("Contact", ANN)
    job = BulkJob.create(org, "Contact")
    done = job.run(table(tuple(ANN), tuple(ANN.values()), ("Bo", "Peep", "bo@example.org")))
    assert (done["state"], done["numberRecordsFailed"]) == ("JobComplete", 1)
    (failed,) = job.results("failedResults")
    assert failed["sf__Error"] == "DUPLICATES_DETECTED:Use one of these records?:--"
