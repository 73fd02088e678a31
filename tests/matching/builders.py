"""Small frames for matching tests: one call per row, everything unsaid is empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import pandas as pd

from include.frames import CANDIDATES, CLAIM, CLAIMS, CLIENTS, INSTANT, PERSON_LINKS, FrameContract
from include.matching.decide import Decisions, decide
from include.settings.model import Settings

Row = Mapping[str, object]

LEAD_1, LEAD_2, LEAD_3 = (f"00Q0000000000{n:02d}EAA" for n in (1, 2, 3))
CONTACT_1, CONTACT_2, CONTACT_3 = (f"0030000000000{n:02d}AAA" for n in (1, 2, 3))
ACCOUNT_1, ACCOUNT_2 = (f"0010000000000{n:02d}AAA" for n in (1, 2))

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def frame(contract: FrameContract, rows: Iterable[Row]) -> pd.DataFrame:
    """Return a frame of the contract; an unsaid claim is false, anything else unsaid is missing."""
    rows = list(rows)
    columns = {}
    for name, dtype in contract.columns.items():
        values = [row.get(name, False if dtype == CLAIM else None) for row in rows]
        columns[name] = pd.Series(values, dtype="datetime64[us, UTC]" if dtype == INSTANT else dtype)
    return contract.conform(pd.DataFrame(columns))


def client(client_id: str, **values: object) -> Row:
    """Return a client named Ana Gómez with an e-mail, unless said otherwise."""
    defaults = {"first_name": "Ana", "last_name": "Gómez", "email": "ana@example.org"}
    return {"client_id": client_id, **defaults, **values}


def record(record_id: str, **values: object) -> Row:
    """Return a Salesforce record of Ana Gómez, its sObject by its prefix."""
    sobject = {"00Q": "Lead", "003": "Contact", "001": "Account"}[record_id[:3]]
    defaults = {"first_name": "Ana", "last_name": "Gómez", "email": "ana@example.org", "created_at": EARLY}
    return {"sobject": sobject, "record_id": record_id, **defaults, **values}


def stranger(record_id: str, **values: object) -> Row:
    """Return a Salesforce record that agrees with nobody."""
    return record(record_id, first_name=None, last_name="Other", email=None, **values)


def link(client_id: str, record_id: str, **values: object) -> Row:
    """Return the link kept for a client."""
    return {"client_id": client_id, "record_id": record_id, "evidence": "name_and_email", **values}


def decided(
    clients: Iterable[Row],
    records: Iterable[Row] = (),
    *,
    links: Iterable[Row] = (),
    claims: Iterable[Row] = (),
    **settings: object,
) -> Decisions:
    """Return the decisions on clients and records given as rows."""
    return decide(
        frame(CLIENTS, clients),
        frame(PERSON_LINKS, links),
        claims=frame(CLAIMS, claims),
        candidates=frame(CANDIDATES, records),
        settings=Settings.model_validate(settings),
        settings_version=7,
    )


def verdicts(decisions: Decisions) -> dict[str, str]:
    """Return for each client its record, ``new:<id>``, or the reason why it has none."""
    rows = decisions.decisions
    return dict(zip(rows["client_id"], rows["person_ref"].fillna(rows["reason"]), strict=True))


def evidences(decisions: Decisions) -> dict[str, str]:
    """Return the winning evidence of each client that has any."""
    rows = decisions.decisions.dropna(subset=["evidence"])
    return dict(zip(rows["client_id"], rows["evidence"], strict=True))
