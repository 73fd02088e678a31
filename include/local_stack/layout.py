"""Where the local stack keeps its state, and the environment in which its processes run."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

try:
    import fcntl
except ImportError:  # Airflow itself needs POSIX; this keeps the module importable elsewhere
    fcntl = None  # type: ignore[assignment]

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"


class StackInUseError(RuntimeError):
    """Another ``make demo`` or ``make up`` works on the same state."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of the local stack."""

    api_server: int = 8080
    org: int = 8089


@dataclass(frozen=True, slots=True)
class Layout:
    """Every path of the local stack; ``state`` is git-ignored and may be deleted at any time."""

    root: Path = PROJECT_ROOT
    state: Path = PROJECT_ROOT / ".run"

    @property
    def airflow_home(self) -> Path:
        """Return Airflow's home, with its metadata database."""
        return self.state / "airflow"

    @property
    def metadata_database(self) -> Path:
        """Return Airflow's own database."""
        return self.airflow_home / "airflow.db"

    @property
    def booking_database(self) -> Path:
        """Return the file of the booking database."""
        return self.state / "coconut.db"

    @property
    def ledger_database(self) -> Path:
        """Return the file of the ledger."""
        return self.state / "ledger.db"

    @property
    def staging(self) -> Path:
        """Return the folder of the frames between tasks."""
        return self.state / "staging"

    @property
    def org_data(self) -> Path:
        """Return the file in which the local org keeps its records."""
        return self.state / "org.db"

    @property
    def org_announcement(self) -> Path:
        """Return the file that holds what the local org said when it started last: its URL and credentials."""
        return self.state / "org.json"

    @property
    def demo_settings(self) -> Path:
        """Return the file with the settings that go with the demo data."""
        return self.state / "demo-settings.yaml"

    @property
    def ports_file(self) -> Path:
        """Return the file that remembers the chosen ports."""
        return self.state / "ports.json"

    @property
    def process_logs(self) -> Path:
        """Return the folder of the processes' own output."""
        return self.state / "logs"

    @property
    def salesforce_package(self) -> Path:
        """Return the Salesforce source package that the local org deploys."""
        return self.root / "include" / "salesforce_package"

    @property
    def passwords_file(self) -> Path:
        """Return where Airflow's simple auth manager writes the password it generated."""
        return self.airflow_home / "simple_auth_manager_passwords.json.generated"

    def prepare_airflow_home(self) -> None:
        """Write the secrets that Airflow's processes share, once.

        Left to itself, each of several processes that start together would write a configuration of its own.
        """
        self.airflow_home.mkdir(parents=True, exist_ok=True)
        file = self.airflow_home / "airflow.cfg"
        if not file.exists():
            file.touch(mode=0o600)
            fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
            file.write_text(
                f"[core]\nfernet_key = {fernet_key}\n\n"
                f"[api]\nsecret_key = {secrets.token_hex(32)}\n\n"
                f"[api_auth]\njwt_secret = {secrets.token_hex(64)}\n"
            )

    def forget(self) -> None:
        """Delete all state but the ports (a browser tab stays valid) and the lock."""
        for path in self.state.glob("*"):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in {self.ports_file.name, "lock"}:
                path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the state for one stack.

        Raises:
            StackInUseError: when another process holds it.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            lock = stack.enter_context((self.state / "lock").open("w"))
            if fcntl is not None:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    raise StackInUseError(
                        f"Another make demo or make up is running in {self.state}: end it first."
                    ) from error
            yield

    def ports(self) -> Ports:
        """Return the remembered ports, or the defaults."""
        if not self.ports_file.exists():
            return Ports()
        return Ports(**json.loads(self.ports_file.read_text()))

    def claim_ports(self) -> Ports:
        """Return ports that are free now, keeping the remembered ones where possible, and remember them."""
        wanted = self.ports()
        ports = Ports(api_server=free_port(wanted.api_server), org=free_port(wanted.org))
        self.state.mkdir(parents=True, exist_ok=True)
        self.ports_file.write_text(json.dumps(asdict(ports)))
        return ports


def free_port(preferred: int) -> int:
    """Return the preferred loopback port if nobody listens on it, else one that the system picks."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"No free port on {LOOPBACK}: end some local servers and try again.")


def airflow_settings(layout: Layout, ports: Ports) -> dict[str, str]:
    """Return Airflow's configuration for one small machine, as environment variables."""
    base_url = f"http://{LOOPBACK}:{ports.api_server}"
    return {
        "AIRFLOW_HOME": str(layout.airflow_home),
        "AIRFLOW__API__BASE_URL": base_url,
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(ports.api_server),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(layout.root / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base_url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(min(max(os.cpu_count() or 2, 2), 8)),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(layout.root / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(layout.passwords_file),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "airflow_local_settings.SQLITE_CONNECT_ARGS",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{layout.metadata_database}",
        # Both tell every step of their start; a person looks for the stage's own lines.
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING alembic=WARNING",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(layout.airflow_home / "logs"),
    }


def connections(layout: Layout) -> dict[str, str]:
    """Return the three Airflow connections as environment variables.

    The Salesforce one is there once the local org has been started.
    """
    found = {
        "AIRFLOW_CONN_COCONUT_DB": f"sqlite:///{quote(str(layout.booking_database))}",
        "AIRFLOW_CONN_SYNC_LEDGER": f"sqlite:///{quote(str(layout.ledger_database))}",
    }
    if layout.org_announcement.exists():
        org = json.loads(layout.org_announcement.read_text())
        found["AIRFLOW_CONN_SALESFORCE_DEFAULT"] = json.dumps(salesforce_connection(org))
    return found


def salesforce_connection(org: Mapping[str, str]) -> dict[str, object]:
    """Return the Airflow connection for what a local org announced."""
    keys = {"instance_url": "url", "consumer_key": "consumer_key", "consumer_secret": "consumer_secret"}
    extra = {ours: org[theirs] for ours, theirs in keys.items()}
    if "ca_file" in org:
        extra["ca_file"] = org["ca_file"]
    return {"conn_type": "salesforce", "extra": extra}


def exports(layout: Layout, ports: Ports) -> dict[str, str]:
    """Return everything ``airflow`` needs by hand, in the order in which it should be exported."""
    path = os.environ.get("PATH", os.defpath)
    binaries = str(layout.root / ".venv" / "bin")
    entries = [entry for entry in path.split(os.pathsep) if entry != binaries]
    return {
        **airflow_settings(layout, ports),
        "APPOINTMENT_SYNC_STAGING": layout.staging.as_uri(),
        # config/ holds airflow_local_settings.py, which Airflow imports by that bare name.
        "PYTHONPATH": os.pathsep.join([str(layout.root), str(layout.root / "config")]),
        "PATH": os.pathsep.join([binaries, *entries]),
        **connections(layout),
    }


def process_environment(layout: Layout, ports: Ports, outer: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the stack's processes: the caller's, without its Airflow settings, plus ours."""
    dropped = (
        "AIRFLOW_",
        "PYTHONDONTWRITEBYTECODE",
    )  # without cached bytecode every process compiles Airflow anew
    kept = {name: value for name, value in outer.items() if not name.startswith(dropped)}
    no_proxy = ",".join(
        filter(None, [outer.get("NO_PROXY", outer.get("no_proxy", "")), LOOPBACK, "localhost"])
    )
    return {
        **kept,
        **exports(layout, ports),
        "GX_ANALYTICS_ENABLED": "false",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONUNBUFFERED": "1",
    }
