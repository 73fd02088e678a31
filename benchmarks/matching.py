"""Time matching alone, lookups, grouping and deciding, on frames in memory; growth has to be linear."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

import pandas as pd  # noqa: TID253 - nothing here is parsed by Airflow

from benchmarks.frames_of import conformed, numbers
from benchmarks.measuring import peak_megabytes
from include.frames import CANDIDATES, CLAIMS, CLIENTS, PERSON_LINKS
from include.matching.decide import Decisions, decide
from include.matching.evidence import identities
from include.matching.group import group_clients
from include.matching.lookups import Lookups, next_lookups
from include.settings.model import MatchingAlgorithm, Settings

Result = TypeVar("Result")

_NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
_EARLIER = pd.Timestamp("2025-01-01", tz="UTC")
_CLIENTS_PER_RECORD = 0.5
_FIXED_CLIENTS = 10_000
_RECORDS_OF_ONE_PERSON = 10
"""Every so many records the next is another one of the same person."""

_CONVERTED_EVERY, _MERGED_EVERY, _CONTACT_EVERY = 40, 50, 3
_STRANGER_EVERY, _DOUBLE_EVERY = 5, 12
"""Clients whom no record is, and client rows of the same person as the row before."""


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds of matching so many clients among so many records, and what came of it."""

    records: int
    clients: int
    lookups: float
    grouping: float
    deciding: float
    linked: int
    explanation_bytes: float

    @property
    def total(self) -> float:
        """Return lookups and deciding together; grouping is part of both."""
        return self.lookups + self.deciding

    def line(self) -> str:
        """Return the row of the table."""
        times = f"{self.lookups:>9.2f}{self.grouping:>9.2f}{self.deciding:>9.2f}"
        rate = f"{self.clients / self.total:>12,.0f}{self.linked / self.clients:>8.0%}"
        size = f"{self.explanation_bytes:>8.0f}{peak_megabytes():>9.0f}"
        return f"{self.records:>10,}{self.clients:>10,}{times}{rate}{size}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--candidates", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--algorithm", type=MatchingAlgorithm, default=MatchingAlgorithm.NAME_AND_EMAIL)
    options = parser.parse_args(arguments)
    settings = Settings(matching_algorithm=options.algorithm)
    _measure_growth(
        "clients in proportion", options.candidates, settings, lambda size: int(size * _CLIENTS_PER_RECORD)
    )
    _measure_growth("clients fixed", options.candidates, settings, lambda _: _FIXED_CLIENTS)
    return 0


def _measure_growth(
    title: str, sizes: Sequence[int], settings: Settings, clients_of: Callable[[int], int]
) -> None:
    """Print one row per size, and the exponent by which CPU grows with the number of records."""
    heads = ("lookups", "grouping", "deciding")
    sys.stdout.write(f"{title}, {settings.matching_algorithm}\n{'records':>10}{'clients':>10}")
    sys.stdout.write("".join(f"{head:>9}" for head in heads))
    sys.stdout.write(f"{'clients/s':>12}{'linked':>8}{'bytes':>8}{'peak MB':>9}\n")
    found = []
    for size in sizes:
        found.append(measure(size, clients_of(size), settings))
        sys.stdout.write(f"{found[-1].line()}\n")
        sys.stdout.flush()
    for smaller, larger in pairwise(found):
        exponent = math.log(larger.total / smaller.total) / math.log(larger.records / smaller.records)
        sys.stdout.write(f"from {smaller.records:,} to {larger.records:,}: exponent {exponent:.2f}\n")


def measure(size: int, number_of_clients: int, settings: Settings) -> Measured:
    """Return what matching so many clients among so many records costs; nothing of them is known yet."""
    candidates, clients = _candidates(size), _clients(number_of_clients, size)
    nobody, unclaimed = PERSON_LINKS.empty(), CLAIMS.empty()

    def ask() -> Lookups:
        return next_lookups(
            clients, nobody, claims=unclaimed, candidates=candidates, settings=settings, done=Lookups()
        )

    def answer() -> Decisions:
        return decide(
            clients, nobody, claims=unclaimed, candidates=candidates, settings=settings, settings_version=1
        )

    lookups, _ = _timed(ask)
    grouping, _ = _timed(lambda: group_clients(identities(clients, settings)))
    deciding, decisions = _timed(answer)
    rows = decisions.decisions
    return Measured(
        records=len(candidates),
        clients=len(clients),
        lookups=lookups,
        grouping=grouping,
        deciding=deciding,
        linked=int(rows["action"].eq("link").sum()),
        explanation_bytes=float(rows["explanation"].str.len().mean()),
    )


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def _clients(count: int, size: int) -> pd.DataFrame:
    """Return clients spread evenly over the people of the org; some are strangers, some a row of the person before."""
    rows = numbers(count)
    is_stranger = rows % _STRANGER_EVERY == 0
    person = (rows - (rows % _DOUBLE_EVERY == 1)) * (size // count)
    name = person.astype("str").mask(is_stranger, "new " + rows.astype("str"))
    return conformed(
        CLIENTS,
        rows,
        client_id=rows.astype("str"),
        first_name="Ann",
        last_name="Lee " + name,
        email="ann" + name.str.replace(" ", "") + "@example.com",
        phone="+1416" + (5_550_000 + person % 1_000_000).astype("str"),
        created_at=_NOW,
        updated_at=_NOW,
    )


def _candidates(size: int) -> pd.DataFrame:
    """Return Leads and Contacts, typed in capitals: now and then two of one person, converted, or merged."""
    rows = numbers(size)
    person = rows - (rows % _RECORDS_OF_ONE_PERSON == 1)
    is_contact = rows % _CONTACT_EVERY == 0
    prefix = pd.Series("00Q", index=rows.index).mask(is_contact, "003")
    record_id = prefix + rows.astype("str").str.zfill(12) + "AAA"
    is_converted = (rows % _CONVERTED_EVERY == 1) & ~is_contact
    is_merged = (rows % _MERGED_EVERY == 7) & ~is_contact
    # the next Contact after a converted Lead; a merged Lead survives in the Lead three rows on
    next_contact = "003" + (rows + _CONTACT_EVERY - rows % _CONTACT_EVERY).astype("str").str.zfill(12) + "AAA"
    survivor = "00Q" + (rows + _CONTACT_EVERY).astype("str").str.zfill(12) + "AAA"
    name = person.astype("str")
    return conformed(
        CANDIDATES,
        rows,
        sobject=pd.Series("Lead", index=rows.index).mask(is_contact, "Contact"),
        record_id=record_id,
        first_name="ANN",
        last_name="LEE  " + name,
        email="ANN" + name + "@EXAMPLE.COM",
        phone="(416) " + (5_550_000 + person % 1_000_000).astype("str"),
        is_deleted=is_merged,
        master_record_id=survivor.where(is_merged),
        is_converted=is_converted,
        converted_contact_id=next_contact.where(is_converted),
        created_at=_EARLIER + pd.to_timedelta(rows % 9_000, unit="h"),
        modified_at=_NOW,
    )


if __name__ == "__main__":
    sys.exit(main())
