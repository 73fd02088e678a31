"""What only the local org can be told: Users (which cost licences) and Lead conversions (which REST lacks)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests

from include.demo.salesforce_side import KEY
from include.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from include.demo.plan import Row

_CONTROL: Final = "/__emulator__"
_TIMEOUT_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class LocalOrg:
    """The control endpoints of a local org; they answer on loopback only."""

    base_url: str

    @classmethod
    def at(cls, base_url: str) -> LocalOrg | None:
        """Return the local org at this address, or ``None`` where some other org answers."""
        if urlsplit(base_url).hostname not in {"localhost", "127.0.0.1", "::1"}:
            return None
        org = cls(base_url.rstrip("/"))
        try:
            org._call("GET", "/health")
        except ConfigurationError:
            return None
        return org

    def create_users(self, users: Sequence[Row]) -> dict[str, str]:
        """Create Users and return their Ids by key.

        Raises:
            ConfigurationError: the org refuses one of them.
        """
        return dict(zip((user[KEY] for user in users), self.create_records("User", users), strict=True))

    def create_records(
        self, sobject: str, records: Sequence[Row], *, as_user: str | None = None
    ) -> list[str]:
        """Create records as a User, the org's own integration user unless one is named, and return their Ids in order.

        Raises:
            ConfigurationError: the org refuses one of them.
        """
        rows = [{name: value for name, value in record.items() if name != KEY} for record in records]
        body = {"rows": rows, "operation": "insert", **({"as_user": as_user} if as_user else {})}
        results = self._call("POST", f"/records/{sobject}", body)
        refused = [result["errors"][0]["statusCode"] for result in results if not result["success"]]
        if refused:
            msg = (
                f"The local org refused {len(refused)} demo records of {sobject} ({refused[0]}); "
                "start it afresh and try again."
            )
            raise ConfigurationError(msg)
        return [result["id"] for result in results]

    def delete_records(self, sobject: str, ids: Sequence[str]) -> None:
        """Delete records as a user in Salesforce would."""
        if ids:
            self._call("POST", "/delete", {"sobject": sobject, "ids": list(ids)})

    def convert_leads(self, lead_ids: Iterable[str]) -> None:
        """Convert these Leads, each into a new Contact and Account."""
        for lead_id in lead_ids:
            self._call("POST", "/convert", {"lead_id": lead_id})

    def _call(self, method: str, path: str, body: object = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business on loopback
            try:
                answer = session.request(
                    method, self.base_url + _CONTROL + path, json=body, timeout=_TIMEOUT_SECONDS
                )
            except requests.RequestException as error:
                msg = f"The local org at {self.base_url} does not answer; start it and try again."
                raise ConfigurationError(msg) from error
        if not answer.ok:
            msg = f"The org at {self.base_url} answers {answer.status_code} to {path}; is it the local org?"
            raise ConfigurationError(msg)
        return answer.json() if answer.content else None
