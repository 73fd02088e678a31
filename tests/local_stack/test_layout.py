"""Where the local stack lives, and what it tells its processes."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from include.local_stack.layout import (
    Layout,
    Ports,
    StackInUseError,
    exports,
    free_port,
    process_environment,
    salesforce_connection,
)

ANNOUNCED = {"url": "http://127.0.0.1:8089", "consumer_key": "key", "consumer_secret": "secret"}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(state=tmp_path / "a folder" / "state")


def test_a_port_that_somebody_listens_on_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert free_port(port) not in {port, 0}
    assert free_port(port) == port


def test_chosen_ports_are_remembered(layout: Layout) -> None:
    chosen = layout.claim_ports()

    assert layout.ports() == chosen


def test_airflows_secrets_are_made_once_and_nobody_else_can_read_them(layout: Layout) -> None:
    layout.prepare_airflow_home()
    file = layout.airflow_home / "airflow.cfg"
    made = file.read_text()

    layout.prepare_airflow_home()

    assert file.read_text() == made
    assert file.stat().st_mode & 0o077 == 0
    assert made.count(" = ") == 3


def test_two_stacks_cannot_share_one_state(layout: Layout) -> None:
    with (
        layout.locked(),
        pytest.raises(StackInUseError, match="end it first"),
        Layout(state=layout.state).locked(),
    ):
        pass
    with layout.locked():
        pass


def test_forgetting_deletes_everything_but_the_ports(layout: Layout) -> None:
    with layout.locked():
        layout.claim_ports()
        layout.airflow_home.mkdir()
        layout.metadata_database.touch()
        layout.ledger_database.touch()

        layout.forget()

    assert {path.name for path in layout.state.iterdir()} == {"lock", "ports.json"}


def test_everything_listens_on_loopback_only(layout: Layout) -> None:
    settings = exports(layout, Ports(api_server=18080))

    assert settings["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert settings["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:18080"


@pytest.mark.rule("P2")
def test_the_orgs_announcement_becomes_the_salesforce_connection(layout: Layout) -> None:
    layout.state.mkdir(parents=True)
    assert "AIRFLOW_CONN_SALESFORCE_DEFAULT" not in exports(layout, Ports())

    layout.org_announcement.write_text(json.dumps(ANNOUNCED))

    assert json.loads(exports(layout, Ports())["AIRFLOW_CONN_SALESFORCE_DEFAULT"]) == {
        "conn_type": "salesforce",
        "extra": {
            "instance_url": "http://127.0.0.1:8089",
            "consumer_key": "key",
            "consumer_secret": "secret",
        },
    }
    assert salesforce_connection(ANNOUNCED | {"ca_file": "/ca.pem"})["extra"]["ca_file"] == "/ca.pem"


def test_what_env_prints_survives_a_shell(layout: Layout) -> None:
    values = exports(layout, Ports())
    script = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
    printed = subprocess.run(
        ["/bin/sh", "-c", f'{script}\nprintf %s "$APPOINTMENT_SYNC_STAGING"'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert printed.stdout == values["APPOINTMENT_SYNC_STAGING"]
    assert "a%20folder" in printed.stdout


def test_the_callers_own_airflow_settings_do_not_leak_into_the_stack(layout: Layout) -> None:
    outer = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "AIRFLOW_CONN_OTHER": "x", "HOME": "/home/somebody"}

    environment = process_environment(layout, Ports(), outer)

    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert environment["HOME"] == "/home/somebody"
    assert "AIRFLOW_CONN_OTHER" not in environment
    assert "127.0.0.1" in environment["NO_PROXY"]
