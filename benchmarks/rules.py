"""Time the rules alone, ``map_events`` and ``decide``, on frames in memory; growth has to be linear."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pandas as pd  # noqa: TID253 - nothing here is parsed by Airflow

from benchmarks.frames_of import conformed, numbers
from benchmarks.measuring import peak_megabytes
from include.frames import (
    ANSWERS,
    BOOKINGS,
    CANDIDATES,
    CLAIMS,
    CLIENTS,
    EVENT_LINKS,
    PERSON_LINKS,
    STAFF_LINKS,
)
from include.mapping.events import map_events
from include.mapping.fields import default_mappings
from include.mapping.org_fields import FieldFacts, OrgFields
from include.mapping.owner import check_owners
from include.matching.decide import decide
from include.settings.model import Settings

_ORG_FIELDS = OrgFields(
    {"Event": {mapping.target: FieldFacts("string", length=255) for mapping in default_mappings("Event")}}
)
_NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
_OWNER = "005000000000001AAA"
_PAIRS_PER_CLIENT = 2
_CANDIDATE_EVERY = 4
_CANCELLED_EVERY = 7
_ANSWER_EVERY = 5


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[10_000, 100_000])
    sys.stdout.write(f"{'rule':<12}{'rows':>10}{'CPU s':>9}{'µs/row':>9}{'peak MB':>9}\n")
    for pairs in parser.parse_args(arguments).pairs:
        measure(pairs)
    return 0


def measure(pairs: int) -> None:
    """Print what both rules cost for so many pairs; nothing of them is known yet, so every Event is new."""
    settings = Settings(unassigned_events_owner=_OWNER)
    clients = _clients(max(1, pairs // _PAIRS_PER_CLIENT))
    candidates = _candidates(clients)
    decisions = _timed(
        "decide",
        len(clients),
        lambda: (
            decide(
                clients,
                PERSON_LINKS.empty(),
                claims=CLAIMS.empty(),
                candidates=candidates,
                settings=settings,
                settings_version=1,
            ).decisions
        ),
    )
    bookings = _bookings(pairs, clients)
    answers = _answers(bookings)
    _timed(
        "map_events",
        pairs,
        lambda: map_events(
            bookings,
            answers,
            clients,
            decisions,
            STAFF_LINKS.empty(),
            EVENT_LINKS.empty(),
            mappings=default_mappings(),
            org_fields=_ORG_FIELDS,
            settings=settings,
            sync_from=date(2026, 1, 1),
            owners=check_owners(settings, {_OWNER}),
            now=_NOW,
        ),
    )


def _timed(name: str, rows: int, rule: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    began = time.process_time()
    result = rule()
    used = time.process_time() - began
    sys.stdout.write(f"{name:<12}{rows:>10,}{used:>9.2f}{used / rows * 1e6:>9.1f}{peak_megabytes():>9.0f}\n")
    sys.stdout.flush()
    return result


def _clients(count: int) -> pd.DataFrame:
    rows = numbers(count)
    text = rows.astype("str")
    return conformed(
        CLIENTS,
        rows,
        client_id=text,
        first_name="Ann",
        last_name="Lee " + text,
        email="ann" + text + "@example.com",
        phone="+1416555" + text.str.zfill(7).str[-4:],
        created_at=_NOW,
        updated_at=_NOW,
    )


def _candidates(clients: pd.DataFrame) -> pd.DataFrame:
    known = clients.iloc[::_CANDIDATE_EVERY]
    return conformed(
        CANDIDATES,
        known["client_id"],
        sobject="Lead",
        record_id="00Q" + known["client_id"].str.zfill(12) + "AAA",
        first_name="ANN",
        last_name=known["last_name"],
        email=known["email"].str.upper(),
        created_at=_NOW,
        modified_at=_NOW,
    )


def _bookings(count: int, clients: pd.DataFrame) -> pd.DataFrame:
    rows = numbers(count)
    client = clients["client_id"].iloc[rows % len(clients)].reset_index(drop=True)
    starts_at = pd.Timestamp(_NOW) + pd.to_timedelta(rows % 5_000, unit="min")
    status = pd.Series("booked", index=rows.index).mask(rows % _CANCELLED_EVERY == 0, "cancelled")
    return conformed(
        BOOKINGS,
        rows,
        appointment_id=rows.astype("str"),
        client_id=client,
        is_primary=True,
        client_exists=True,
        kind="appointment",
        status=status,
        service_id="1",
        service_name="Mortgage advice",
        service_minutes=30,
        location_id="1",
        location_name="Main Street",
        location_city="Toronto",
        location_timezone="America/Toronto",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        notes="Asked about rates; call back.",
        booked_at=_NOW,
        client_first_name="Ann",
        client_last_name="Lee " + client,
        changed_at=_NOW,
    )


def _answers(bookings: pd.DataFrame) -> pd.DataFrame:
    given = bookings.iloc[::_ANSWER_EVERY]
    return conformed(
        ANSWERS,
        given["appointment_id"],
        appointment_id=given["appointment_id"],
        client_id=given["client_id"],
        question_id="71",
        name="reason",
        label="Reason for the visit",
        scope="appointment",
        value="First home",
        answered_at=_NOW,
    )


if __name__ == "__main__":
    sys.exit(main())
