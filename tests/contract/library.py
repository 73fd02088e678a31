"""simple-salesforce, unmodified, before one local org."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from simple_salesforce import Salesforce

from tests.emulator.clients import client_session
from tests.local_org import LocalOrg


@dataclass(frozen=True, slots=True)
class Library:
    """The library's ways into an org, with the transport that the org asks for."""

    org: LocalOrg

    def sign_in(self, **arguments: Any) -> Salesforce:
        """Return a client with the given constructor arguments."""
        return Salesforce(session=client_session(self.org), **{"version": "64.0", **arguments})

    def client(self) -> Salesforce:
        """Return a client that signs in by client credentials."""
        return self.sign_in(**self.announced("consumer_key", "consumer_secret"), domain="acme.my")

    def announced(self, *names: str) -> dict[str, str]:
        return {name: self.org.announcement[name] for name in names}


def rows_of(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Read a CSV as the library hands it out, line breaks inside values included."""
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
