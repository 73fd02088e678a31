"""Identity claims: who may create a person, and under which key (M8)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, func, literal, null, select, text, true, update

from include.frames import CLAIMS, TEXT, FrameContract
from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import CLAIMED_PEOPLE, CLAIMED_RECORDS, PERSON_GROUPS
from include.ledger.engine import upsert
from include.ledger.tables import claim_keys, person_claims
from include.ledger.types import Instant

CLAIMING_LOCK = 7_312_001
"""PostgreSQL advisory lock of those who claim: a group's identities must be read and led to one key in one step."""

_ACTIVE = FrameContract("active_claims", {"person_ref": TEXT, "claim_key": TEXT, "record_id": TEXT})
_TO_LEAD = FrameContract(
    "identities_to_lead",
    {"identity": TEXT, "claim_key": TEXT, "sobject": TEXT, "record_id": TEXT},
    personal=frozenset({"identity"}),
)
_IDENTITIES = FrameContract(
    "group_identities", {"person_ref": TEXT, "identity": TEXT}, personal=frozenset({"identity"})
)
_BASES = FrameContract("claim_bases", {"base": TEXT, "ordinal": "Int64"})
_NEW_KEYS = FrameContract("new_claim_keys", {"claim_key": TEXT, "base": TEXT, "ordinal": "Int64"})


def of_identities(connection: Connection, identities: Collection[str]) -> pd.DataFrame:
    """Return these identities' claims, retired ones included."""
    keys = stage_keys(connection, identities)
    columns = [person_claims.c[name] for name in ("identity", "claim_key", "sobject", "record_id")]
    query = select(*columns, person_claims.c.retired_at.is_not(None).label("is_retired"))
    query = query.join(keys, keys.c.key == person_claims.c.identity).order_by(person_claims.c.identity)
    return read(connection, query, CLAIMS)


def claim(
    connection: Connection, run_id: str, groups: pd.DataFrame, *, namespace: str, now: datetime
) -> pd.DataFrame:
    """Lead every identity of every group to one key and return the keys (``CLAIMED_PEOPLE``)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CLAIMING_LOCK})
    people = PERSON_GROUPS.conform(groups)
    identities = _IDENTITIES.conform(
        people.assign(identity=people["identities"].str.split(" ")).explode("identity", ignore_index=True)
    )
    known = _winners(_active_claims(connection, identities))
    claimed = people.merge(known, on="person_ref", how="left")
    claimed["is_new"] = claimed["claim_key"].isna()
    fresh = claimed["is_new"]
    claimed.loc[fresh, "claim_key"] = _hand_out(
        connection, namespace + claimed.loc[fresh, "client_id"], now=now
    )
    led = identities.merge(claimed, on="person_ref").sort_values("identity").drop_duplicates("identity")
    _lead(connection, run_id, led, now=now)
    return CLAIMED_PEOPLE.conform(claimed)


def _active_claims(connection: Connection, identities: pd.DataFrame) -> pd.DataFrame:
    staged = stage(connection, _IDENTITIES, identities)
    query = (
        select(staged.c.person_ref, person_claims.c.claim_key, person_claims.c.record_id)
        .join(person_claims, person_claims.c.identity == staged.c.identity)
        .where(person_claims.c.retired_at.is_(None))
    )
    return read(connection, query, _ACTIVE)


def _winners(active: pd.DataFrame) -> pd.DataFrame:
    """Return one key per group: one whose record is known before one whose is not, then the smallest.

    Shorter keys are smaller, so that the client id inside counts as a number.
    """
    ranked = active.assign(is_open=active["record_id"].isna(), length=active["claim_key"].str.len())
    ranked = ranked.sort_values(["is_open", "length", "claim_key"])
    return ranked.drop_duplicates("person_ref")[["person_ref", "claim_key", "record_id"]]


def _hand_out(connection: Connection, bases: pd.Series[str], *, now: datetime) -> pd.Series[str]:
    """Return a key never handed out before for each base: the base itself, else with ``.2``, ``.3`` … appended."""
    staged = stage_keys(connection, list(bases))
    query = (
        select(claim_keys.c.base, func.max(claim_keys.c.ordinal).label("ordinal"))
        .join(staged, staged.c.key == claim_keys.c.base)
        .group_by(claim_keys.c.base)
    )
    used = read(connection, query, _BASES).set_index("base")["ordinal"]
    ordinals = bases.map(used).fillna(0).astype("int64") + bases.groupby(bases).cumcount() + 1
    keys = bases.where(ordinals == 1, bases + "." + ordinals.astype(TEXT))
    new = stage(connection, _NEW_KEYS, pd.DataFrame({"claim_key": keys, "base": bases, "ordinal": ordinals}))
    rows: Select[Any] = select(new.c.claim_key, new.c.base, new.c.ordinal, literal(now, Instant()))
    columns = ["claim_key", "base", "ordinal", "handed_out_at"]
    connection.execute(upsert(connection, claim_keys).from_select(columns, rows.where(true())))
    return keys


def _lead(connection: Connection, run_id: str, led: pd.DataFrame, *, now: datetime) -> None:
    staged = stage(connection, _TO_LEAD, led)
    rows = select(
        *(staged.c[name] for name in _TO_LEAD.columns), null(), literal(run_id), literal(now, Instant())
    ).where(true())
    columns = [*_TO_LEAD.columns, "retired_at", "claimed_by_run", "claimed_at"]
    led_rows = upsert(connection, person_claims).from_select(columns, rows.order_by(staged.c.identity))
    new = led_rows.excluded
    connection.execute(
        led_rows.on_conflict_do_update(
            index_elements=[person_claims.c.identity],
            set_={name: new[name] for name in columns if name != "identity"},
            where=person_claims.c.claim_key != new.claim_key,
        )
    )


def settle(connection: Connection, records: pd.DataFrame) -> None:
    """Note the records that were created under these keys."""
    staged = stage(connection, CLAIMED_RECORDS, records)
    settled = update(person_claims).where(person_claims.c.claim_key == staged.c.claim_key)
    connection.execute(settled.values(record_id=staged.c.record_id))


def retire(connection: Connection, retired: Collection[str], *, now: datetime) -> None:
    """Retire every claim that leads to one of these keys."""
    keys = stage_keys(connection, retired)
    is_retired = person_claims.c.claim_key.in_(select(keys.c.key))
    query = update(person_claims).where(is_retired, person_claims.c.retired_at.is_(None))
    connection.execute(query.values(retired_at=now))
