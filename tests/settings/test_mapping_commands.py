"""Field mappings on the command line, against a real org (rules F1 to F3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from include.errors import SalesforceUnavailableError, SourceUnavailableError
from include.ledger.repository import Ledger
from include.mapping.fields import default_mappings
from include.salesforce.gateway import SalesforceGateway
from include.settings.__main__ import Doors, main
from include.settings.field_mapping import FieldMapping
from include.source.tables import create_all, questions
from tests.engines import OpenEngine
from tests.local_org import LocalOrg

INDUSTRY = "  - {sobject: Lead, target: Industry, source: answer.trade}\n"


@pytest.fixture
def doors(tmp_path: Path, open_engine: OpenEngine, org: LocalOrg) -> Doors:
    ledger = Ledger.open(open_engine(f"sqlite:///{tmp_path / 'ledger.db'}"))
    source = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    create_all(source)
    with source.begin() as connection:
        connection.execute(insert(questions).values(id=1, name="trade", label="Your trade?", scope="client"))
    return Doors(ledger=lambda: ledger, salesforce=org.connect, source=lambda: source)


def no_org() -> SalesforceGateway:
    raise SalesforceUnavailableError("Salesforce does not answer.")


def no_source() -> Engine:
    raise SourceUnavailableError("The booking database does not answer.")


@pytest.fixture
def exported(tmp_path: Path, doors: Doors, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a file with every setting and the default mappings."""
    file = tmp_path / "settings.yaml"
    assert main(["export", str(file)], doors=doors) == 0
    capsys.readouterr()
    return file


def targets(doors: Doors) -> set[str]:
    return {mapping.name for mapping in doors.ledger().current_mappings().mappings}


@pytest.mark.rule("F2")
def test_a_mapping_added_to_an_export_is_taken_over_and_recorded(
    doors: Doors, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported.write_text(exported.read_text() + INDUSTRY)
    assert main(["import", str(exported), "--who", "ada"], doors=doors) == 0
    assert "Lead.Industry: added\nField mappings saved as version 1 by ada.\n" in capsys.readouterr().out
    assert "Lead.Industry" in targets(doors)


@pytest.mark.rule("F2")
def test_a_file_without_mappings_leaves_them_alone(doors: Doors, exported: Path, tmp_path: Path) -> None:
    exported.write_text(exported.read_text() + INDUSTRY)
    main(["import", str(exported)], doors=doors)
    other = tmp_path / "other.yaml"
    other.write_text("lead_source: Shop\n")
    assert main(["import", str(other)], doors=doors) == 0
    assert "Lead.Industry" in targets(doors)


@pytest.mark.rule("F3")
def test_a_mapping_that_the_org_refuses_changes_nothing_settings_included(
    doors: Doors, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = exported.read_text().replace("lead_source: Coconut", "lead_source: Shop")
    exported.write_text(text + INDUSTRY.replace("Industry", "Colour__c"))
    assert main(["import", str(exported)], doors=doors) == 2
    assert capsys.readouterr().err.splitlines() == [
        "The field mappings are refused; nothing was changed.",
        "  - Lead.Colour__c does not exist or is hidden from the integration user",
    ]
    assert doors.ledger().current_settings().version == 0
    assert doors.ledger().current_mappings().version == 0


@pytest.mark.rule("F3")
def test_an_org_out_of_reach_is_told_and_the_next_run_checks(
    doors: Doors, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported.write_text(exported.read_text() + INDUSTRY.replace("Industry", "Colour__c"))
    away = Doors(ledger=doors.ledger, salesforce=no_org, source=doors.source)
    assert main(["import", str(exported)], doors=away) == 0
    assert "not checked against the org now, but by the next run" in capsys.readouterr().err
    assert "Lead.Colour__c" in targets(doors)


@pytest.mark.rule("F3")
def test_an_answer_to_no_question_is_refused_together_with_what_the_org_refuses(
    doors: Doors, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = INDUSTRY.replace("answer.trade", "answer.Trades")
    exported.write_text(exported.read_text() + wrong + INDUSTRY.replace("Industry", "Colour__c"))
    assert main(["import", str(exported)], doors=doors) == 2
    assert capsys.readouterr().err.splitlines()[1:] == [
        "  - Lead.Colour__c does not exist or is hidden from the integration user",
        "  - Lead.Industry reads answer.Trades, but Coconut has no question of that name; near it in spelling: trade",
    ]
    assert doors.ledger().current_mappings().version == 0
    away = Doors(ledger=doors.ledger, salesforce=no_org, source=doors.source)
    assert main(["import", str(exported)], doors=away) == 2
    assert main(["import", str(exported), "--offline"], doors=away) == 0


@pytest.mark.rule("F3")
def test_a_booking_database_out_of_reach_is_told_and_asked_only_where_an_answer_is_mapped(
    doors: Doors, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = Doors(ledger=doors.ledger, salesforce=doors.salesforce, source=no_source)
    assert main(["restore-mappings"], doors=away) == 0
    assert capsys.readouterr().err == ""
    exported.write_text(exported.read_text() + INDUSTRY)
    assert main(["import", str(exported)], doors=away) == 0
    assert "not checked against Coconut's questions now, but by the next run" in capsys.readouterr().err
    assert "Lead.Industry" in targets(doors)


@pytest.mark.rule("F3")
def test_offline_asks_no_org_and_still_checks_the_mappings_among_themselves(
    doors: Doors, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = Doors(ledger=doors.ledger, salesforce=no_org, source=no_source)
    kept = [line for line in exported.read_text().splitlines() if "target: Subject" not in line]
    exported.write_text("\n".join(kept) + "\n")
    assert main(["import", str(exported), "--offline"], doors=away) == 2
    assert capsys.readouterr().err.splitlines()[1:] == [
        "  - Event.Subject: is filled by rule.subject, which cannot be left out or replaced"
    ]


@pytest.mark.rule("F1")
@pytest.mark.parametrize("arguments", [["restore-mappings"], ["restore-mappings", "--sobject", "Lead"]])
def test_the_defaults_can_be_restored_for_one_object_or_all(doors: Doors, arguments: list[str]) -> None:
    custom = FieldMapping.model_validate({"sobject": "Lead", "target": "Industry", "source": "answer.trade"})
    doors.ledger().save_mappings([custom], who="ada", now=doors.ledger().current_settings().installed_at)
    assert main(arguments, doors=doors) == (0 if len(arguments) == 1 else 2)
    restored = doors.ledger().current_mappings().mappings
    assert restored == (default_mappings() if len(arguments) == 1 else (custom,))


@pytest.mark.rule("F1")
def test_restoring_one_object_leaves_the_others_as_they_are(doors: Doors) -> None:
    customs = [
        FieldMapping.model_validate({"sobject": sobject, "target": "Description", "source": "answer.trade"})
        for sobject in ("Lead", "Contact")
    ]
    doors.ledger().save_mappings(
        [*default_mappings(), *customs], who="ada", now=doors.ledger().current_settings().installed_at
    )
    assert main(["restore-mappings", "--sobject", "Lead", "--offline"], doors=doors) == 0
    assert targets(doors) == {mapping.name for mapping in default_mappings()} | {"Contact.Description"}


@pytest.mark.rule("F1")
def test_the_word_default_in_a_file_restores_the_defaults(doors: Doors, exported: Path) -> None:
    exported.write_text(exported.read_text() + INDUSTRY)
    main(["import", str(exported)], doors=doors)
    exported.write_text("field_mappings: default\n")
    assert main(["import", str(exported)], doors=doors) == 0
    assert doors.ledger().current_mappings().mappings == default_mappings()


@pytest.mark.rule("F2")
def test_the_mappings_of_one_object_can_be_shown(doors: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mappings", "--sobject", "Contact"], doors=doors) == 0
    shown = capsys.readouterr().out
    assert "- {sobject: Contact, target: MailingCity, source: client.city}" in shown
    assert "sobject: Lead" not in shown


@pytest.mark.rule("F3")
def test_custom_fields_of_the_org_that_nothing_fills_are_offered(
    doors: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    less = [mapping for mapping in default_mappings() if mapping.target != "Coconut_Service__c"]
    doors.ledger().save_mappings(less, who="ada", now=doors.ledger().current_settings().installed_at)
    assert main(["import-fields", "Event"], doors=doors) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "  - {sobject: Event, target: Coconut_Service__c, source: ''}  # Coconut Service: string, 255 characters"
    ]


@pytest.mark.rule("F3")
def test_no_custom_fields_can_be_offered_without_an_org(
    doors: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import-fields", "Event"], doors=Doors(ledger=doors.ledger, salesforce=no_org)) == 1
    assert capsys.readouterr().err == "Salesforce does not answer.\n"
