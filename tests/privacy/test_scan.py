"""With marked values, a full run with every kind of trouble: the marks stand where personal data is declared, only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from include.errors import FrameContractError
from include.frames import EVENTS, FrameContract
from include.ledger.tables import PERSONAL, metadata
from include.mapping.fields import default_mappings
from include.pipeline.context import Selection, Trigger
from include.pipeline.extract_changes import extract_changes
from include.pipeline.map_people import map_people
from include.pipeline.match_people import match_people
from include.pipeline.run_commands import plan_lines
from include.reconcile.__main__ import main as reconcile_command
from include.reconcile.compare_org import compare_org
from include.settings.field_mapping import FieldMapping
from tests.local_org import LocalOrg
from tests.pipeline.world import NOW
from tests.privacy.erasing import MARK, marked_client, places_in_ledger, places_in_staging
from tests.privacy.listening import Said, WiredWorld, connections
from tests.privacy.test_declaration import contracts

pytestmark = [pytest.mark.rule("Q11"), pytest.mark.timeout(900)]

LONG = f"{MARK} " * 120
"""Longer than what it is mapped to may be."""


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def troubled(
    org: LocalOrg, ledger_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WiredWorld]:
    """A world full of marked values, many of which somebody refuses."""
    with WiredWorld.create(org, tmp_path, ledger_template) as world:
        for name, value in connections(world).items():
            monkeypatch.setenv(name, value)
        answered = FieldMapping.model_validate(
            {"sobject": "Event", "target": "Location", "source": "answer.goal", "null_policy": "clear"}
        )
        kept = [one for one in default_mappings() if one.name != answered.name]
        world.ledger.save_mappings([*kept, answered], who="test", now=world.tick())
        world.insert("questions", id=1, name="goal", label="Your goal?", scope="appointment")
        _people(world)
        _bookings(world)
        _rules(world)
        yield world


def _people(world: WiredWorld) -> None:
    for client_id, values in {
        1: {},
        2: {"email": f"{MARK}@@nowhere"},
        3: {"last_name": None, "first_name": f"{MARK}Cher"},
        4: {"company": LONG, "city": LONG},
        5: {"email": f"{MARK}twin@example.com", "first_name": f"{MARK}Eve", "last_name": f"{MARK}Twin"},
        6: {"last_name": f"{MARK}Unwelcome"},
        7: {"phone": f"{MARK} call me"},
        8: {"sync_disabled": True},
        9: {"email": f"{MARK}known@example.com"},
    }.items():
        disabled = values.pop("sync_disabled", None)
        marked_client(world, client_id, **values)
        if disabled:
            world.change("clients", {"id": client_id}, sync_disabled=True)
    twin = {"FirstName": f"{MARK}Eve", "LastName": f"{MARK}Twin", "Email": f"{MARK}twin@example.com"}
    world.lead(**twin)
    world.lead(**twin)
    world.lead(LastName=f"{MARK}Other", Email=f"{MARK}known@example.com")


def _bookings(world: WiredWorld) -> None:
    for client_id in range(1, 10):
        notes, reason = f"{MARK} note {client_id}", f"{MARK} is ill"
        world.booking(100 + client_id, client_id, notes=notes, cancellation_reason=reason)
    world.booking(201, 1, notes=MARK, starts_at=NOW, ends_at=NOW - timedelta(days=1))
    world.booking(202, 1, notes=MARK, kind="walk_in")
    world.booking(203, notes=f"{MARK} nobody came")
    for booking_id, answer in ((101, f"{MARK} house"), (107, LONG)):
        client_id = booking_id - 100
        world.insert("answers", appointment_id=booking_id, client_id=client_id, question_id=1, value=answer)


def _rules(world: WiredWorld) -> None:
    """An org that refuses a Lead and an Event in words that quote it, and knows duplicates by e-mail."""
    matching = {"name": "Same_Email_Match", "sobject": "Lead", "fields": {"Email": "Email"}}
    world.set_up_org(
        duplicate_rules=[{"name": "Same_Email", "sobject": "Lead", "matching_rules": [matching]}],
        validation_rules=[
            {
                "name": "Unwelcome",
                "sobject": "Lead",
                "message": f"{MARK}Unwelcome is not welcome.",
                "field": "LastName",
                "conditions": [{"field": "LastName", "value": f"{MARK}Unwelcome"}],
            },
            {
                "name": "No_House",
                "sobject": "Event",
                "message": f"{MARK} house is taken.",
                "field": "Location",
                "conditions": [{"field": "Location", "value": f"{MARK} house"}],
            },
        ],
    )


def reconcile(world: WiredWorld, said: Said) -> None:
    run = world.run(Selection.REPAIR, dag_id="reconcile", trigger=Trigger.MANUAL, conf={"repair": True})
    of_run = {name: getattr(run, name) for name in ("run_id", "dag_id", "trigger", "now", "conf")}
    said.hear(lambda: compare_org(run, world.wiring()))
    said.hear(lambda: world.sync(Selection.REPAIR, **of_run))


def full_run(world: WiredWorld, said: Said) -> None:
    """Run everything that reads, writes, plans, reports and mends, by either API."""
    planned: dict[str, Any] | None = None
    for api in ("rest", "bulk"):
        world.set(load_api=api)
        planned = said.hear(lambda: world.sync(dry_run=True))
        said.hear(world.sync)
        for number in (102, 106, 107):
            world.edit(number, notes=f"{MARK} again")
    world.set(on_invalid_field="drop_and_report", overwrite_existing="on")
    said.hear(lambda: world.sync(Selection.CLIENTS, conf={"client_ids": [1, 4, 7]}, trigger=Trigger.MANUAL))
    said.hear(lambda: world.sync(Selection.REPLAY, conf={"all": True}, trigger=Trigger.MANUAL))
    (event, *_) = world.events(Coconut_Booking_Key__c="109-9")
    world.org.change("Event", Id=event["Id"], Subject=f"{MARK} changed by hand")
    reconcile(world, said)
    assert planned is not None
    said.hear(lambda: list(plan_lines(world.ledger, planned["run_id"])))
    said.hear(lambda: reconcile_command([]))


def test_values_stand_where_personal_data_is_declared_and_are_said_nowhere(
    troubled: WiredWorld, said: Said
) -> None:
    full_run(troubled, said)

    assert said.errors == []
    assert '"quarantined": 0' not in said.results[1]
    assert len(said.results) == 10
    assert said.lines_with(MARK) == []
    assert said.lines_with(troubled.org.announcement["consumer_secret"]) == []
    assert "event_links.payload" in places_in_ledger(troubled)
    assert places_in_ledger(troubled) <= {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if column.info == PERSONAL
    }
    staged = places_in_staging(troubled)
    assert {file for file, _ in staged if file.endswith(".json")} == set()
    assert {column for file, column in staged if file.endswith(".parquet")} <= _personal_columns()


def _personal_columns() -> set[str]:
    """Columns that a contract declares, and Salesforce fields, which begin with a capital letter."""
    declared = {column for contract in contracts() for column in contract.personal}
    return declared | {"Subject", "Description", "Location", "FirstName", "LastName", "Email", "Phone"} | {
        "Company", "Street", "City", "State", "PostalCode", "Country", "Name",
    }  # fmt: skip


def test_a_frame_that_cannot_be_read_is_told_of_without_its_values(troubled: WiredWorld, said: Said) -> None:
    run = troubled.run()
    said.hear(lambda: extract_changes(run, troubled.wiring()))
    said.hear(lambda: match_people(run, troubled.wiring()))
    clients = troubled.staging.read_frame(run.run_id, "match_people", "clients")
    garbled = clients.assign(updated_at=f"{MARK} yesterday")
    troubled.staging.write_frame(run.run_id, "match_people", "clients", garbled)

    said.hear(lambda: map_people(run, troubled.wiring()))

    assert "FrameContractError" in said.errors[-1]
    assert said.lines_with(MARK) == []


def test_a_ledger_and_a_source_that_break_are_told_of_without_what_was_sent_to_them(
    troubled: WiredWorld, said: Said
) -> None:
    said.hear(lambda: troubled.sync(dry_run=True))
    with troubled.ledger.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE match_decisions RENAME TO gone_decisions"))
    said.hear(troubled.sync)
    with troubled.source.begin() as connection:
        connection.execute(sa.text("ALTER TABLE answers RENAME TO gone_answers"))
    said.hear(troubled.sync)

    assert len(said.errors) == 2
    assert said.lines_with(MARK) == []


@pytest.mark.parametrize(
    ("name", "connection"),
    [
        ("AIRFLOW_CONN_COCONUT_DB", f"postgres://reader:{MARK}secret@127.0.0.1:1/coconut"),
        ("AIRFLOW_CONN_SYNC_LEDGER", f"postgres://owner:{MARK}secret@127.0.0.1:1/ledger"),
        (
            "AIRFLOW_CONN_SALESFORCE_DEFAULT",
            f'{{"conn_type": "salesforce", "login": "sync@example.com", "password": "{MARK}pass", "extra": '
            f'{{"instance_url": "http://127.0.0.1:1", "security_token": "{MARK}token"}}}}',
        ),
        (
            "AIRFLOW_CONN_SALESFORCE_DEFAULT",
            '{"conn_type": "salesforce", "extra": {"instance_url": "http://127.0.0.1:1", "consumer_key": "key", '
            f'"consumer_secret": "{MARK}secret"}}}}',
        ),
    ],
)
def test_a_connection_that_fails_is_told_of_without_its_secret(
    troubled: WiredWorld, said: Said, monkeypatch: pytest.MonkeyPatch, name: str, connection: str
) -> None:
    monkeypatch.setenv(name, connection)

    said.hear(troubled.sync)

    assert len(said.errors) == 1
    assert said.lines_with(MARK) == []


def test_a_contract_names_itself_and_no_value() -> None:
    frame: pd.DataFrame = EVENTS.empty().reindex([0]).assign(source_version=f"{MARK} 5")
    with pytest.raises(FrameContractError) as refused:
        FrameContract("events", dict(EVENTS.columns)).conform(frame)

    shown: list[Any] = [refused.value, refused.value.__cause__]
    assert MARK not in str(shown)
