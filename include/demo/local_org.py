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
        rows = [{name: value for name, value in user.items() if name != KEY} for user in users]
        results = self._call("POST", "/records/User", rows)
        refused = [result["errors"][0]["statusCode"] for result in results if not result["success"]]
        if refused:
            msg = f"The local org refused {len(refused)} demo Users ({refused[0]}); start it afresh and try again."
            raise ConfigurationError(msg)
        return {user[KEY]: result["id"] for user, result in zip(users, results, strict=True)}

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
