"""The local org as a test uses it: a real process on loopback, and its control endpoints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from include.salesforce.credentials import SalesforceCredentials
from include.salesforce.gateway import SalesforceGateway

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "include" / "salesforce_package"


@dataclass(frozen=True, slots=True)
class LocalOrg:
    """A running local org; ``announcement`` is the first line it printed."""

    announcement: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.announcement["url"]

    def credentials(self, **changes: Any) -> SalesforceCredentials:
        values: dict[str, Any] = {
            "instance_url": self.url,
            "consumer_key": self.announcement["consumer_key"],
            "consumer_secret": self.announcement["consumer_secret"],
        }
        return SalesforceCredentials(**{**values, **changes})

    def connect(self, **changes: Any) -> SalesforceGateway:
        return SalesforceGateway.connect(self.credentials(**changes))

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/__emulator__/{path}", json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def reset(self) -> None:
        self.control("POST", "reset")

    def seed(self, sobject: str, *rows: Mapping[str, Any]) -> list[str]:
        """Write records as Salesforce users would have, and return their Ids."""
        results = self.control("POST", f"records/{sobject}", list(rows))
        assert all(row["success"] for row in results), results
        return [row["id"] for row in results]

    def change(self, sobject: str, **values: Any) -> None:
        """Change one record, named by its ``Id``, as a Salesforce user would."""
        (result,) = self.control("POST", f"records/{sobject}", {"operation": "update", "rows": [values]})
        assert result["success"], result

    def delete(self, sobject: str, record_id: str) -> None:
        """Delete one record as a Salesforce user would."""
        (result,) = self.control("POST", "delete", {"sobject": sobject, "ids": [record_id]})
        assert result["success"], result

    def records(self, sobject: str, **where: Any) -> list[dict[str, Any]]:
        """Return the live records of an sObject whose fields have the given values."""
        found: Sequence[dict[str, Any]] = self.control("GET", f"records/{sobject}")
        return [
            row
            for row in found
            if not row.get("IsDeleted") and all(row.get(k) == v for k, v in where.items())
        ]

    def calls(self) -> dict[str, int]:
        """Return the requests since the last reset, by kind."""
        answer = self.control("GET", "statistics")
        return dict(answer.get("requests", answer))

    def forget_calls(self) -> None:
        self.control("DELETE", "statistics")


@contextmanager
def started(*arguments: str) -> Iterator[LocalOrg]:
    """Start a local org on a free port, and end that very process afterwards."""
    command = [sys.executable, "-m", "include.salesforce_emulator", "--port", "0", "--package", str(PACKAGE)]
    process = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield LocalOrg(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()
