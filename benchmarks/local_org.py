"""Measure what a Bulk API 2.0 ingest of Events costs the local org, against parsing and storing the file plainly.

Each operation has an org of its own, kept in a file, as the plain table is. Its cost is all the CPU of the org's
process from the job's creation to its deletion, with polls and the three result files; sign-in and the people
referenced come before.
"""

from __future__ import annotations

import argparse
import csv
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.event_file import COLUMNS, KEY, write_events
from benchmarks.measuring import cpu_seconds_of, peak_megabytes_of

_ROOT = Path(__file__).resolve().parents[1]
_INGEST = "/services/data/v62.0/jobs/ingest"
_RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")
_PEOPLE, _OWNERS = 5_000, 40
_POLL_SECONDS = 1.0
_SMALL_PART = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """What one job cost: CPU seconds of both ways, and the org's peak memory before and after."""

    operation: str
    rows: int
    plain_cpu: float
    org_cpu: float
    idle_mb: float
    peak_mb: float

    def line(self) -> str:
        """Return the line of the table."""
        return (
            f"{self.operation:<9}{self.rows:>9,}{self.plain_cpu:>9.2f}{self.org_cpu:>9.2f}"
            f"{self.org_cpu / self.plain_cpu:>8.2f}{self.idle_mb:>9.0f}{self.peak_mb:>9.0f}"
        )


_HEAD = f"{'':<9}{'rows':>9}{'plain s':>9}{'org s':>9}{'ratio':>8}{'idle MB':>9}{'peak MB':>9}"


class OrgProcess:
    """A local org in a process of its own, and the few requests that the benchmark sends."""

    def __init__(self, announcement: dict[str, str], process_id: int) -> None:
        self.process_id = process_id
        self._url = announcement["url"]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {announcement['access_token']}"

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request; anything but success ends the benchmark."""
        answer = self._session.request(method, self._url + path, timeout=600, **kwargs)
        answer.raise_for_status()
        return answer

    def add(self, sobject: str, records: list[dict[str, str]]) -> list[str]:
        """Write records as a person in Salesforce would, and return their Ids."""
        return [
            row["id"] for row in self.call("POST", f"/__emulator__/records/{sobject}", json=records).json()
        ]

    def ingest(self, operation: str, file: Path) -> dict[str, Any]:
        """Run a job over a file from its creation to its deletion; returns its last information."""
        body = {"object": "Event", "operation": operation}
        if operation == "upsert":
            body["externalIdFieldName"] = KEY
        job = f"{_INGEST}/{self.call('POST', _INGEST, json=body).json()['id']}"
        with file.open("rb") as content:
            self.call("PUT", f"{job}/batches", data=content, headers={"Content-Type": "text/csv"})
        self.call("PATCH", job, json={"state": "UploadComplete"})
        while (information := self.call("GET", job).json())["state"] in ("UploadComplete", "InProgress"):
            time.sleep(_POLL_SECONDS)
        for name in _RESULTS:
            with self.call("GET", f"{job}/{name}", stream=True) as answer:
                for _ in answer.iter_content(1 << 20):
                    pass
        self.call("DELETE", job)
        return dict(information)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_org", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--operations", nargs="+", choices=("upsert", "insert"), default=("upsert", "insert"))
    wanted = parser.parse_args(arguments)
    _say(_HEAD)
    for operation in wanted.operations:
        small = measure(operation, max(wanted.rows // _SMALL_PART, 1))
        _say(small.line())
        large = measure(operation, wanted.rows)
        _say(large.line())
        _say(
            f"{operation}: {_SMALL_PART} times the rows took {large.peak_mb - small.peak_mb:+.0f} MB of peak memory"
        )
    return 0


def measure(operation: str, rows: int) -> Measured:
    """Run one job on an org of its own, and the plain way over the same file."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder, file = Path(name), Path(name) / "events.csv"
        with _org(folder) as org:
            owners, people = _referenced(org)
            write_events(file, rows, people=people, owners=owners)
            plain_cpu = _plain_cpu(file, folder / "plain.db")
            idle_mb = peak_megabytes_of(org.process_id)
            before = cpu_seconds_of(org.process_id)
            information = org.ingest(operation, file)
            org_cpu = cpu_seconds_of(org.process_id) - before
            _require_all_written(information, rows)
            return Measured(operation, rows, plain_cpu, org_cpu, idle_mb, peak_megabytes_of(org.process_id))


def _referenced(org: OrgProcess) -> tuple[list[str], list[str]]:
    """Write the users and contacts that the Events point at; return their Ids."""
    users = [f"banker{number}@bank.example" for number in range(_OWNERS)]
    owners = org.add("User", [{"Username": name, "LastName": "Banker", "Email": name} for name in users])
    people = org.add("Contact", [{"LastName": f"Client {number}"} for number in range(_PEOPLE)])
    return owners, people


def _plain_cpu(file: Path, database: Path) -> float:
    """Return the CPU seconds of csv and ``executemany`` into a plain table of texts with a primary key."""
    columns = ", ".join(f"{name} TEXT{' PRIMARY KEY' if name == KEY else ''}" for name in COLUMNS)
    insert = f"INSERT INTO events VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - no values in it
    with closing(sqlite3.connect(database)) as connection, file.open(encoding="utf-8", newline="") as content:
        connection.execute(f"CREATE TABLE events ({columns})")
        began = time.process_time()
        rows = csv.reader(content)
        next(rows)
        with connection:
            connection.executemany(insert, rows)
        return time.process_time() - began


def _require_all_written(information: dict[str, Any], rows: int) -> None:
    counts = (information["numberRecordsProcessed"], information["numberRecordsFailed"])
    if information["state"] != "JobComplete" or counts != (rows, 0):
        sys.exit(f"The job ended {information['state']} with {counts[0]} rows, {counts[1]} refused.")


@contextmanager
def _org(folder: Path) -> Iterator[OrgProcess]:
    command: Sequence[str] = (
        *(
            sys.executable,
            "-m",
            "include.salesforce_emulator",
            "--port",
            "0",
            "--data",
            str(folder / "org.db"),
        ),
        *("--package", str(_ROOT / "include" / "salesforce_package")),
    )
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield OrgProcess(json.loads(line), process.pid)
        finally:
            process.terminate()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
