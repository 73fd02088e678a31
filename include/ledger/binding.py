"""What this ledger is bound to: one org (Q10), and one namespace of keys (S4).

A production ledger pointed at a sandbox would re-create everyone; Events written under one namespace are not found
under another.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from include.errors import AnotherOrgError
from include.ledger.engine import upsert
from include.ledger.tables import ledger_info, org_bindings, sync_state

_NAMESPACE = "key_namespace"
_FIRST_SIGN_IN = "first sign-in"


def bound_org(connection: Connection) -> str | None:
    """Return the org's Id, if one is recorded."""
    org_id: str | None = connection.execute(select(ledger_info.c.org_id)).scalar_one()
    return org_id


def bind_org(connection: Connection, org_id: str, *, now: datetime) -> None:
    """Record the org unless one is recorded, and check that it is this one.

    Raises:
        AnotherOrgError: another org is recorded.
    """
    unbound = update(ledger_info).where(ledger_info.c.org_id.is_(None))
    bound = connection.execute(unbound.values(org_id=org_id, bound_by=_FIRST_SIGN_IN))
    if bound.rowcount:
        _record(connection, org_id, replaced=None, who=_FIRST_SIGN_IN, now=now)
        return
    known = bound_org(connection)
    if known != org_id:
        msg = (
            f"This ledger belongs to the Salesforce org {known}, but the connection leads to {org_id}: correct the "
            "connection; or, if the ledger shall really go on in the other org, have an administrator run "
            f"'python -m include.pipeline rebind-org {org_id}'."
        )
        raise AnotherOrgError(msg)


def rebind_org(connection: Connection, org_id: str, *, who: str, now: datetime) -> str | None:
    """Record another org, and who decided so; return the org it replaces, which is the same where nothing changed."""
    known = bound_org(connection)
    if known != org_id:
        connection.execute(update(ledger_info).values(org_id=org_id, bound_by=who))
        _record(connection, org_id, replaced=known, who=who, now=now)
    return known


def _record(connection: Connection, org_id: str, *, replaced: str | None, who: str, now: datetime) -> None:
    row = {"org_id": org_id, "replaced_org_id": replaced, "bound_by": who, "bound_at": now}
    connection.execute(insert(org_bindings).values(row))


def bound_namespace(connection: Connection) -> str | None:
    """Return the namespace under which keys are written, or nothing before the first write."""
    query = select(sync_state.c.value).where(sync_state.c.name == _NAMESPACE)
    namespace: str | None = connection.execute(query).scalar_one_or_none()
    return namespace


def bind_namespace(connection: Connection, namespace: str, *, now: datetime) -> None:
    """Record the namespace unless one is recorded."""
    bound = upsert(connection, sync_state).values(name=_NAMESPACE, value=namespace, updated_at=now)
    connection.execute(bound.on_conflict_do_nothing())
