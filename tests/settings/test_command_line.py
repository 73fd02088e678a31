from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from include.errors import SalesforceUnavailableError
from include.ledger.repository import Ledger
from include.ledger.tables import settings_changes, settings_versions
from include.salesforce.gateway import SalesforceGateway
from include.settings.__main__ import Doors, main
from include.settings.model import Settings
from include.settings.yaml_form import parse_settings
from include.source.tables import create_all, legacy_event_links
from tests.engines import OpenEngine

pytestmark = pytest.mark.rule("settings")

Opener = Callable[[], Ledger]


@pytest.fixture
def opener(tmp_path: Path, open_engine: OpenEngine) -> Opener:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    return lambda: Ledger.open(engine)


def no_org() -> SalesforceGateway:
    """Stand in for an org that does not answer."""
    raise SalesforceUnavailableError("Salesforce does not answer.")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def test_an_export_of_one_ledger_imports_into_another(
    opener: Opener, file: Path, tmp_path: Path, open_engine: OpenEngine
) -> None:
    file.write_text("on_cancel: delete\nkey_namespace: north-\n")
    assert main(["import", str(file)], doors=Doors(ledger=opener)) == 0
    assert main(["export", str(file)], doors=Doors(ledger=opener)) == 0
    other = Ledger.open(open_engine(f"sqlite:///{tmp_path / 'other.db'}"))
    assert main(["import", str(file)], doors=Doors(ledger=lambda: other, salesforce=no_org)) == 0
    assert other.current_settings().settings == opener().current_settings().settings
    assert other.current_mappings().mappings == opener().current_mappings().mappings


def test_an_import_says_what_changed_and_records_who_made_it(
    opener: Opener, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("sync_events: off\n")
    assert main(["import", str(file), "--who", "ada"], doors=Doors(ledger=opener)) == 0
    assert "sync_events: on -> off" in capsys.readouterr().out
    with opener().engine.connect() as connection:
        assert connection.execute(select(settings_versions.c.saved_by)).scalars().all() == ["ada"]
        assert connection.execute(select(settings_changes.c.name)).scalars().all() == ["sync_events"]


def test_an_import_that_changes_nothing_makes_no_version(opener: Opener, file: Path) -> None:
    file.write_text("sync_events: on\n")
    for _ in range(2):
        assert main(["import", str(file)], doors=Doors(ledger=opener)) == 0
        assert opener().current_settings().version == 1


@pytest.mark.rule("G1")
def test_the_first_import_counts_although_it_says_what_the_defaults_say(opener: Opener, file: Path) -> None:
    file.write_text("integration: modern\n")
    assert main(["import", str(file)], doors=Doors(ledger=opener)) == 0
    assert opener().current_settings().version == 1


def test_a_refused_file_changes_nothing_and_exits_with_2(
    opener: Opener, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("on_cancel: delete\nsync_events: perhaps\nretention_days: 0\n")
    assert main(["import", str(file)], doors=Doors(ledger=opener)) == 2
    assert opener().current_settings().version == 0
    assert capsys.readouterr().err.splitlines() == [
        "The settings file is refused; nothing was changed.",
        "  - sync_events: expects one of on, off",
        "  - retention_days: must be at least 1",
    ]


def test_a_file_that_is_not_there_is_one_sentence(
    opener: Opener, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(file)], doors=Doors(ledger=opener)) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_that_is_no_text_is_one_sentence(opener: Opener, file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["import", str(file)], doors=Doors(ledger=opener)) == 2


def test_a_ledger_out_of_reach_is_one_sentence_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], open_engine: OpenEngine
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'missing' / 'ledger.db'}")
    assert main(["show"], doors=Doors(ledger=lambda: Ledger.open(engine))) == 1
    assert "sync_ledger" in capsys.readouterr().err


def test_an_unknown_command_exits_with_2(opener: Opener) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["delete"], doors=Doors(ledger=opener))
    assert caught.value.code == 2


@pytest.mark.e2e
def test_the_command_acts_on_the_ledger_that_the_connection_names(
    tmp_path: Path, file: Path, open_engine: OpenEngine
) -> None:
    ledger_file = tmp_path / "ledger.db"
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONN_SYNC_LEDGER": f"sqlite:///{ledger_file}",
    }
    file.write_text("lead_source: Front desk\n")
    command = [sys.executable, "-m", "include.settings"]
    subprocess.run([*command, "import", str(file), "--who", "ada"], env=environment, check=True)
    shown = subprocess.run([*command, "show"], env=environment, check=True, capture_output=True, text=True)
    assert parse_settings(shown.stdout, base=Settings()).lead_source == "Front desk"
    assert "lead_source: Front desk" in shown.stdout
    assert Ledger.open(open_engine(f"sqlite:///{ledger_file}")).current_settings().version == 1


def test_an_import_warns_of_what_has_no_effect_yet_and_still_saves(
    opener: Opener, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("auto_merge: on\n")
    assert main(["import", str(file)], doors=Doors(ledger=opener)) == 0
    assert opener().current_settings().version == 1
    assert capsys.readouterr().err.splitlines()[1].startswith("  - auto_merge: on is not available yet")


def test_show_warns_beside_the_yaml_and_not_in_it(
    opener: Opener, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("auto_merge: on\n")
    main(["import", str(file)], doors=Doors(ledger=opener))
    capsys.readouterr()
    assert main(["show"], doors=Doors(ledger=opener)) == 0
    shown = capsys.readouterr()
    assert "auto_merge" in shown.err
    assert "not available" not in shown.out


@pytest.mark.rule("G1")
@pytest.mark.parametrize(
    ("text", "expected"), [("lead_source: Desk", "legacy"), ("integration: modern", "modern")]
)
def test_the_first_import_keeps_an_organisation_on_the_legacy_integration_unless_it_says_otherwise(
    text: str, expected: str, opener: Opener, file: Path, tmp_path: Path, open_engine: OpenEngine
) -> None:
    source = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    create_all(source)
    link = {"appointment_id": 1, "client_id": 1, "salesforce_event_id": "00U000000000001AAA"}
    with source.begin() as connection:
        connection.execute(insert(legacy_event_links).values(link))
    doors = Doors(ledger=opener, source=lambda: source)
    assert main(["export", str(file)], doors=doors) == 0
    assert "integration: legacy" in file.read_text()
    file.write_text(text + "\n")
    assert main(["import", str(file)], doors=doors) == 0
    assert opener().current_settings().settings.integration == expected
    assert opener().current_settings().version == 1
