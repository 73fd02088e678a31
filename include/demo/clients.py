"""Drawn clients, in batches: names in several scripts, gaps, apostrophes, a few disabled or deleted."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from include.demo.plan import FIRST_CLIENT, DemoPlan, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.demo.texts import Texts

HAND_MADE: Final = 200
"""Numbers kept free below the drawn clients for the hand-made ones."""

FIRST_DRAWN_CLIENT: Final = FIRST_CLIENT + HAND_MADE

_BATCH: Final = 20_000
_COUNTRIES: Final = ("Canada", "United States", "United Kingdom", "Germany", "Japan", "India", "Australia")
_STREAM: Final = 1
"""Each kind of row draws from its own random stream, so that one can grow without moving the others."""


def client_batches(plan: DemoPlan, texts: Texts) -> Iterator[list[Row]]:
    """Yield rows of ``clients``, numbered from ``FIRST_DRAWN_CLIENT``; memory holds one batch."""
    for start in range(0, plan.clients, _BATCH):
        yield _draw(plan, texts, start, min(_BATCH, plan.clients - start))


def with_salesforce_ids(clients: list[Row], salesforce_ids: Mapping[int, str]) -> list[Row]:
    """Fill in the Salesforce Ids that Coconut holds for some clients (rule M1, evidence 2)."""
    return [{**client, "salesforce_id": salesforce_ids.get(client["id"])} for client in clients]


def _draw(plan: DemoPlan, texts: Texts, start: int, count: int) -> list[Row]:
    rng = np.random.default_rng([plan.seed, _STREAM, start])
    # Two thirds of the names are Latin; every other script gets its share of the rest.
    latin = sum(pool.is_latin for pool in texts.names)
    is_latin = rng.random(count) < 0.67
    pools = np.where(
        is_latin, rng.integers(0, latin, count), rng.integers(latin, len(texts.names), count)
    ).tolist()
    first = rng.integers(0, 1 << 30, count).tolist()
    last = rng.integers(0, 1 << 30, count).tolist()
    chance = rng.random((count, 6))
    phones = rng.integers(2_000_000, 9_999_999, count).tolist()
    ages = (rng.random(count) * 600 * 86_400).tolist()
    rows: list[Row] = []
    for number in range(count):
        client_id = FIRST_DRAWN_CLIENT + start + number
        pool = texts.names[pools[number]]
        first_name = pool.first_names[first[number] % len(pool.first_names)]
        last_name = pool.last_names[last[number] % len(pool.last_names)]
        touched = plan.now - timedelta(seconds=3600 + ages[number])
        has_email, has_phone, has_company, has_address, is_disabled, is_deleted = chance[number].tolist()
        email = (
            _email(first_name, last_name, client_id) if pool.is_latin else f"client.{client_id}@example.com"
        )
        rows.append(
            {
                "id": client_id,
                "salesforce_id": None,
                "first_name": first_name if has_email > 0.01 else None,
                "last_name": last_name,
                "email": email if has_email < 0.97 else None,
                "phone": _phone(phones[number]) if has_phone < 0.8 else None,
                "company": texts.companies[client_id % len(texts.companies)] if has_company < 0.2 else None,
                "address": texts.streets[client_id % len(texts.streets)] if has_address < 0.6 else None,
                "city": texts.cities[client_id % len(texts.cities)] if has_address < 0.6 else None,
                "region": None,
                "postal_code": f"{client_id % 100_000:05d}" if has_address < 0.6 else None,
                "country": _COUNTRIES[client_id % len(_COUNTRIES)] if has_address < 0.6 else None,
                "locale": pool.locale,
                "sync_disabled": is_disabled < 0.008,
                "created_at": touched - timedelta(days=30),
                "updated_at": touched,
                "deleted_at": touched if is_deleted < 0.006 else None,
            }
        )
    return rows


def _email(first_name: str, last_name: str, client_id: int) -> str:
    """Make an address that no other client has; an apostrophe in the name stays in it, as people have it."""
    plain = unicodedata.normalize("NFKD", f"{first_name}.{last_name}").encode("ascii", "ignore").decode()
    kept = "".join(letter for letter in plain.lower() if letter.isalnum() or letter in ".'").strip(".")
    return f"{kept}.{client_id}@example.{('com', 'org', 'net')[client_id % 3]}".replace("..", ".")


def _phone(number: int) -> str:
    digits = f"{number:07d}"
    shapes = (
        f"+1 (902) {digits[:3]}-{digits[3:]}",
        f"902-{digits[:3]}-{digits[3:]}",
        f"+44 20 7{digits[:3]} {digits[3:]}",
        f"+49 30 {digits}",
    )
    return shapes[number % len(shapes)]
