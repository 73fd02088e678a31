"""How Events travel: new ones are upserted on our key, known ones updated and deleted by Id (design §2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from include.mapping.plan import BOOKING_KEY
from include.pipeline.artifacts import LOAD_EVENTS
from include.pipeline.loading import Load, Operation
from include.reasons import Action

if TYPE_CHECKING:
    import pandas as pd

    from include.settings.model import LoadApi

SENT_AS: Final[dict[Action, Operation]] = {
    Action.DELETE: "delete",
    Action.UPDATE: "update",
    Action.CREATE: "upsert",
}
"""What is done to Events, in this order."""


def event_load(
    action: Action, rows: pd.DataFrame, *, fields: Sequence[str], api: LoadApi, chunk: int
) -> Load:
    """Return the load of the pairs of one chunk that ask for ``action``.

    Args:
        action: create, update or delete.
        rows: contract ``EVENTS``.
        fields: the Salesforce fields that the mappings in force fill.
        api: how the run's Events travel.
        chunk: the chunk's number.
    """
    sent = [name for name in fields if rows[name].notna().any()]
    columns = {
        Action.CREATE: tuple(sent),
        Action.UPDATE: ("Id", *sent),
        Action.DELETE: ("Id",),
    }[action]
    return Load(
        step=step_of(action),
        chunk=chunk,
        sobject="Event",
        operation=SENT_AS[action],
        rows=rows.assign(Id=rows["event_id"]).reset_index(drop=True),
        columns=columns,
        key_column=_key_column(action),
        api=api,
        external_id_field=BOOKING_KEY if action is Action.CREATE else None,
        parent_column="desired_who_id",
    )


def keys_sent(action: Action, rows: pd.DataFrame) -> pd.Series[str]:
    """Return the booking keys of ``rows`` (indexed by them) by the key that results are joined on."""
    keyed = rows["event_id"] if _key_column(action) == "Id" else rows[BOOKING_KEY]
    return rows.index.to_series().groupby(keyed.to_numpy()).first()


def step_of(action: Action) -> str:
    """Return the name that the jobs of one action have in the ledger."""
    return f"{LOAD_EVENTS}:{action}"


def _key_column(action: Action) -> str:
    return BOOKING_KEY if action is Action.CREATE else "Id"
