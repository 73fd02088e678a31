"""How Events travel: new ones are upserted on our key, known ones updated and deleted by Id (design §2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from include.frames import CLEAR, TEXT
from include.mapping.plan import BOOKING_KEY, OWNER, PERSON, parse_payloads
from include.mapping.refused_fields import ask_the_same
from include.pipeline.artifacts import LOAD_EVENTS
from include.pipeline.loading import Load, Operation, is_class
from include.reasons import Action, Reason
from include.salesforce.error_codes import RetryClass

if TYPE_CHECKING:
    import pandas as pd

    from include.settings.model import LoadApi

SENT_AS: Final[dict[Action, Operation]] = {
    Action.DELETE: "delete",
    Action.UPDATE: "update",
    Action.CREATE: "upsert",
}
"""What is done to Events, in this order."""

NEED_NOTHING: Final = (Reason.SAME_AS_LAST_WRITTEN, Reason.LEGACY_EVENT_KEPT)
"""Why pairs that have an Event send nothing."""


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


def already_written(rows: pd.DataFrame, links: pd.DataFrame, *, names: Sequence[str]) -> pd.Series[bool]:
    """Tell which pairs an earlier attempt wrote already as ``rows`` ask for.

    Args:
        rows: contract ``EVENTS``, indexed by booking key.
        links: contract ``EVENT_LINKS``, same index.
        names: the fields of the payloads.
    """
    is_same = (
        (links["written_version"] == rows["source_version"]).fillna(False).astype(bool)
        & ask_the_same(links["payload"], rows["payload"], names=names)
        & (links["owner_id"] == rows["desired_owner_id"])
        & (links["who_id"] == rows["desired_who_id"])
        & links["event_id"].notna()
    )
    return is_same & rows["action"].isin([Action.CREATE, Action.UPDATE])


def kept_back(pairs: pd.DataFrame, refusals: pd.DataFrame) -> pd.DataFrame:
    """Return ``reason`` and ``detail`` of the pairs to keep back with their person, indexed by booking key.

    Also of those whose Event is as it should be: a change of their person that Salesforce refused has to show (F4).

    Args:
        pairs: contract ``EVENTS``, indexed by booking key.
        refusals: contract ``PERSON_REFUSALS``.
    """
    by_person = refusals.drop_duplicates("person_ref").set_index("person_ref")
    is_concerned = pairs["outcome"].isna() & (pairs["action"] != Action.DELETE)
    is_concerned |= pairs["reason"].isin([*NEED_NOTHING, Reason.SHARED_EVENT])
    of_pairs = pairs.loc[is_concerned & pairs["person_ref"].isin(by_person.index), "person_ref"]
    return by_person.loc[of_pairs, ["reason", "detail"]].set_index(of_pairs.index)


def refusal_reasons(refused: pd.DataFrame) -> pd.Series[str]:
    """Return the reason of each refused Event (contract ``RESULTS``)."""
    import pandas as pd

    reasons = pd.Series(str(Reason.REFUSED_BY_SALESFORCE), index=refused.index, dtype=TEXT)
    reasons = reasons.mask(is_class(refused, RetryClass.PERSON), str(Reason.PERSON_UNUSABLE))
    reasons = reasons.mask(is_class(refused, RetryClass.TRANSIENT), str(Reason.TRANSIENT_EXHAUSTED))
    return reasons.mask(refused["is_unprocessed"], str(Reason.UNPROCESSED))


def whole_events(rows: pd.DataFrame, *, names: Sequence[str]) -> pd.DataFrame:
    """Return the wire fields that write the Events of ``rows`` (contract ``EVENTS``) anew, whatever they send now.

    ``names`` are the fields of the payloads.
    """
    fields = parse_payloads(rows["payload"], names)
    values = fields.assign(**{PERSON: rows["desired_who_id"], OWNER: rows["desired_owner_id"]})
    return values.mask(values == CLEAR)


def step_of(action: Action) -> str:
    """Return the name that the jobs of one action have in the ledger."""
    return f"{LOAD_EVENTS}:{action}"


def _key_column(action: Action) -> str:
    return BOOKING_KEY if action is Action.CREATE else "Id"
