"""Who each client is in Salesforce, and why (M1, M7, M9)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from include.frames import DECISIONS, PERSON_LINKS
from include.ledger.bulk import read, stage, stage_keys
from include.ledger.contracts import FORWARDS, PEOPLE_RESULTS, PERSON_LINK_ROWS
from include.ledger.engine import upsert
from include.ledger.tables import event_links, match_decisions, person_claims, person_links
from include.ledger.types import Instant

ADMIN_CHOICE = "admin_choice"
KEPT_LINK = "kept_link"


def links_of(connection: Connection, client_ids: Collection[str]) -> pd.DataFrame:
    """Return the kept links of these clients."""
    keys = stage_keys(connection, client_ids)
    columns = [person_links.c[name] for name in PERSON_LINKS.columns if name != "values"]
    query = select(*columns, person_links.c.written_values.label("values"))
    query = query.join(keys, keys.c.key == person_links.c.client_id).order_by(person_links.c.client_id)
    return read(connection, query, PERSON_LINKS)


def rows_after(connection: Connection, client_id: str, *, limit: int) -> pd.DataFrame:
    """Return up to ``limit`` links whose client's id comes after ``client_id`` as text."""
    query = (
        select(*(person_links.c[name] for name in PERSON_LINK_ROWS.columns))
        .where(person_links.c.client_id > client_id)
        .order_by(person_links.c.client_id)
        .limit(limit)
    )
    return read(connection, query, PERSON_LINK_ROWS)


def linked_clients(connection: Connection) -> frozenset[int]:
    """Return the clients that have a link."""
    return frozenset(int(one) for one in connection.execute(select(person_links.c.client_id)).scalars())


def record(
    connection: Connection,
    run_id: str,
    links: pd.DataFrame,
    *,
    settings_version: int,
    heard_at: datetime,
    now: datetime,
) -> None:
    """Record links, and settle the claims their keys come from; of written values only the fields named replace.

    An administrator's choice made after ``heard_at`` stays.
    """
    staged = stage(connection, PEOPLE_RESULTS, links)
    _settle_claims(connection, staged)
    columns = [name for name in PEOPLE_RESULTS.columns if name != "values"]
    stamps: list[Any] = [
        literal(settings_version),
        literal(run_id),
        literal(now, Instant()),
        literal(now, Instant()),
    ]
    rows = select(*(staged.c[name] for name in columns), staged.c["values"], *stamps).where(true())
    names = [*columns, "written_values", "settings_version", "last_run_id", "created_at", "updated_at"]
    recorded = upsert(connection, person_links).from_select(names, rows.order_by(staged.c.client_id))
    new, old = recorded.excluded, person_links.c
    values = _overlaid(connection, old.written_values, new.written_values)
    evidence = case((new.evidence == KEPT_LINK, old.evidence), else_=new.evidence)
    is_same_record = old.record_id == new.record_id
    news = or_(
        old.record_id != new.record_id,
        old.who_id.is_distinct_from(new.who_id),
        old.evidence != evidence,
        old.written_values.is_distinct_from(values),
    )
    connection.execute(
        recorded.on_conflict_do_update(
            index_elements=[old.client_id],
            set_={
                "sobject": new.sobject,
                "record_id": new.record_id,
                "who_id": new.who_id,
                "evidence": evidence,
                "created_by_us": or_(new.created_by_us, and_(is_same_record, old.created_by_us)),
                "claim_key": func.coalesce(new.claim_key, case((is_same_record, old.claim_key))),
                "written_values": case((is_same_record, values), else_=new.written_values),
                "settings_version": new.settings_version,
                "last_run_id": new.last_run_id,
                "updated_at": case((news, new.updated_at), else_=old.updated_at),
            },
            where=not_(
                and_(
                    old.evidence == ADMIN_CHOICE,
                    new.evidence != ADMIN_CHOICE,
                    # A choice made before the run was heard: who is linked otherwise has one that cannot be used (M7).
                    old.updated_at > heard_at,
                )
            ),
        )
    )


def _overlaid(connection: Connection, old: ColumnElement[str], new: ColumnElement[str]) -> ColumnElement[str]:
    """Return the JSON object ``old`` with the fields of ``new`` in place of its own; either may be missing."""
    if connection.dialect.name == "postgresql":
        both: ColumnElement[str] = cast(cast(old, JSONB).op("||")(cast(new, JSONB)), Text)
    else:
        both = func.json_patch(old, new)
    return func.coalesce(both, new, old)


def _settle_claims(connection: Connection, staged: Table) -> None:
    settled = update(person_claims).where(
        person_claims.c.claim_key == staged.c.claim_key, staged.c.created_by_us
    )
    connection.execute(settled.values(record_id=staged.c.record_id))


def follow(connection: Connection, forwards: pd.DataFrame, *, now: datetime) -> None:
    """Move what points at an old record to the new one; who created the person stays true."""
    staged = stage(connection, FORWARDS, forwards)
    for table, name, new in (
        (event_links, "who_id", staged.c.new_id),
        (person_links, "who_id", staged.c.new_id),
        (person_links, "record_id", staged.c.new_record_id),
    ):
        moved = update(table).where(table.c[name] == staged.c.old_id)
        connection.execute(moved.values({name: new, "updated_at": now}))
    followed = update(person_links).where(person_links.c.record_id.in_(select(staged.c.new_record_id)))
    connection.execute(followed.values(sobject=_sobject(person_links.c.record_id)))


def _sobject(record_id: ColumnElement[str]) -> ColumnElement[str]:
    """Return the object an Id belongs to, by its key prefix (Salesforce help: "Standard Field Record ID Prefix")."""
    prefix = func.substr(record_id, 1, 3)
    return case((prefix == "003", "Contact"), (prefix == "001", "Account"), else_="Lead")


def record_decisions(
    connection: Connection, run_id: str, decisions: pd.DataFrame, *, settings_version: int, now: datetime
) -> int:
    """Keep the decisions that differ from their client's latest and return how many.

    That a link is kept is no news: the decision that made it says why, and stays the latest.
    """
    staged = stage(connection, DECISIONS, decisions)
    kept = ["client_id", "action", "sobject", "record_id", "evidence", "reason", "explanation"]
    latest = _latest(staged)
    differs = or_(
        latest.c.client_id.is_(None),
        *(
            latest.c[name].is_distinct_from(staged.c[name])
            for name in kept
            if name not in {"client_id", "explanation"}
        ),
    )
    is_as_it_was = and_(
        staged.c.evidence == KEPT_LINK,
        staged.c.followed_from.is_(None),
        or_(latest.c.action == "create", latest.c.record_id == staged.c.record_id),
    )
    stamps: list[Any] = [literal(run_id), literal(now, Instant()), literal(settings_version)]
    rows = (
        select(*(staged.c[name] for name in kept), *stamps)
        .select_from(staged.outerjoin(latest, latest.c.client_id == staged.c.client_id))
        .where(differs, not_(func.coalesce(is_as_it_was, false())))
        .order_by(staged.c.client_id)
    )
    names = [*kept, "run_id", "decided_at", "settings_version"]
    recorded = upsert(connection, match_decisions).from_select(names, rows)
    new = recorded.excluded
    result = connection.execute(
        recorded.on_conflict_do_update(
            index_elements=[match_decisions.c.client_id, match_decisions.c.run_id],
            set_={name: new[name] for name in names if name not in {"client_id", "run_id"}},
        ),
        execution_options={"preserve_rowcount": True},
    )
    return result.rowcount


def _latest(staged: Table) -> Any:
    """Return each staged client's latest decision as a subquery."""
    rank = func.row_number().over(
        partition_by=match_decisions.c.client_id,
        order_by=[match_decisions.c.decided_at.desc(), match_decisions.c.run_id.desc()],
    )
    ranked = (
        select(match_decisions, rank.label("rank"))
        .where(match_decisions.c.client_id.in_(select(staged.c.client_id)))
        .subquery()
    )
    return select(ranked).where(ranked.c.rank == 1).subquery("latest")


def latest_decision(connection: Connection, client_id: str) -> dict[str, object] | None:
    """Return a client's latest decision."""
    query = (
        select(match_decisions)
        .where(match_decisions.c.client_id == client_id)
        .order_by(match_decisions.c.decided_at.desc(), match_decisions.c.run_id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)
