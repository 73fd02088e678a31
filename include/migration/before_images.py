"""What legacy Events get back when a migration goes back, and what has to stay as it is (rule G9).

A field returns to its before-image only where Salesforce still holds what we last wrote there. Whatever else differs
from the before-image afterwards is listed, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pandas as pd

from include.frames import CLEAR, TEXT, FrameContract
from include.mapping.org_fields import FieldFacts
from include.mapping.org_values import comparable
from include.mapping.plan import OWNER, PERSON, parse_payloads


class NotRestored(StrEnum):
    """Why a field of a legacy Event, or the Event, is not as it was before cut-over."""

    CHANGED_IN_SALESFORCE = "changed_in_salesforce"
    DELETED_IN_SALESFORCE = "deleted_in_salesforce"
    DELETED_BY_SYNC = "deleted_by_sync"
    PERSON_MOVED_ON = "person_moved_on"
    OWNER_INACTIVE = "owner_inactive"
    CLIENT_ERASED = "client_erased"
    REFUSED = "refused"


EXCEPTIONS: Final = FrameContract(
    "rollback_exceptions",
    {
        "booking_key": TEXT,
        "event_id": TEXT,
        "field": TEXT,  # missing where the whole Event is meant
        "reason": TEXT,  # NotRestored
    },
)

IMAGED_EVENTS: Final = FrameContract(
    "imaged_events",
    {
        # one row per adopted Event; what the org holds of its fields stands beside it
        "booking_key": TEXT,
        "event_id": TEXT,
        "known_event_id": TEXT,  # the pair's Event by now, as the ledger has it
        "before_who_id": TEXT,
        "before_owner_id": TEXT,
        "image": TEXT,  # missing once the client was erased
        "known_who_id": TEXT,  # as last written, or followed
        "known_owner_id": TEXT,
        "payload": TEXT,  # as last written; missing where nobody knows
    },
    personal=frozenset({"image", "payload"}),
)

_OURS: Final = "Coconut_"


@dataclass(frozen=True, slots=True)
class Restoring:
    """What going back rests on.

    Attributes:
        names: the fields that the before-images hold.
        facts: what the org says of Event's fields.
        active_owners: those of the former owners who may own an Event again.
        live_people: those of the records that Events pointed at which are neither converted, merged nor deleted.
    """

    names: Sequence[str]
    facts: Mapping[str, FieldFacts]
    active_owners: frozenset[str]
    live_people: frozenset[str]


@dataclass(frozen=True, slots=True)
class Restoration:
    """What is sent, and what is not restored.

    ``wire`` is a wire frame with ``Id``, ``booking_key`` and only the fields that change; ``exceptions`` have the
    contract ``EXCEPTIONS``; ``is_as_before`` counts the fields that we wrote and that are as before already.
    """

    wire: pd.DataFrame
    exceptions: pd.DataFrame
    is_as_before: int


def restore(events: pd.DataFrame, org: pd.DataFrame, terms: Restoring) -> Restoration:
    """Compare before-image, our last write and the org, field by field.

    Args:
        events: contract ``IMAGED_EVENTS``.
        org: same index: ``is_found`` and ``is_deleted`` (bool), ``WhoId``, ``OwnerId`` and the fields of the images.
        terms: what it rests on.
    """
    is_there = org["is_found"] & ~org["is_deleted"]
    is_erased = is_there & events["image"].isna()
    is_open = is_there & ~is_erased
    lost = events[~is_there]
    by_sync = lost["known_event_id"].isna()
    exceptions = [
        _exceptions(lost[by_sync], NotRestored.DELETED_BY_SYNC),
        _exceptions(lost[~by_sync], NotRestored.DELETED_IN_SALESFORCE),
        _exceptions(events[is_erased & _is_written(events)], NotRestored.CLIENT_ERASED),
    ]
    open_events, held = events[is_open], org[is_open]
    fields = _Fields.of(open_events, held, terms)
    wire = {name: fields.wire(name) for name in terms.names}
    exceptions += [
        _exceptions(open_events[fields.is_kept(name)], NotRestored.CHANGED_IN_SALESFORCE, field=name)
        for name in terms.names
    ]
    wire[PERSON], of_people = _person(open_events, held, terms)
    wire[OWNER], of_owners = _owner(open_events, held, terms)
    rows = pd.DataFrame({"Id": open_events["event_id"], "booking_key": open_events["booking_key"], **wire})
    is_sent = rows[list(wire)].notna().any(axis=1)
    return Restoration(
        wire=rows[is_sent].astype(TEXT).reset_index(drop=True),
        exceptions=EXCEPTIONS.conform(pd.concat([*exceptions, *of_people, *of_owners], ignore_index=True)),
        is_as_before=fields.count_as_before(),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """Before, our own, and now: aligned frames of the fields in the one form in which equal values are equal."""

    before: pd.DataFrame
    texts: pd.DataFrame
    wrote: pd.DataFrame
    is_ours: pd.DataFrame
    differs: pd.DataFrame

    @classmethod
    def of(cls, events: pd.DataFrame, org: pd.DataFrame, terms: Restoring) -> _Fields:
        names = list(terms.names)
        texts = parse_payloads(events["image"], names)
        before = _comparable(texts, terms.facts)
        ours = _comparable(parse_payloads(events["payload"], names), terms.facts)
        now = _comparable(org.reindex(columns=names).astype(TEXT), terms.facts)
        is_known = events["payload"].notna()
        wrote = _differ(ours, before).mul(is_known, axis=0)
        # Nobody knows what a write that was cut off left, but nobody else fills the fields that bear our name.
        for name in names:
            if name.startswith(_OURS):
                wrote[name] |= ~is_known
                ours[name] = ours[name].where(is_known, now[name])
        return cls(before, texts, wrote, ~_differ(now, ours), _differ(now, before))

    def wire(self, name: str) -> pd.Series[str]:
        """Return what is sent of a field: its before-image where we wrote it and the org still holds that."""
        is_sent = self.wrote[name] & self.is_ours[name] & self.differs[name]
        return self.texts[name].fillna(CLEAR).where(is_sent).astype(TEXT)

    def is_kept(self, name: str) -> pd.Series[bool]:
        """Tell where a field differs from its before-image and stays so."""
        return self.differs[name] & ~(self.wrote[name] & self.is_ours[name])

    def count_as_before(self) -> int:
        """Count the fields that we wrote and that hold their before-image."""
        return int((self.wrote & ~self.differs).to_numpy().sum())


def _person(
    events: pd.DataFrame, org: pd.DataFrame, terms: Restoring
) -> tuple[pd.Series[str], list[pd.DataFrame]]:
    """Return the WhoId to send, and what stays: with a person who was converted, merged or deleted, or a user's."""
    before, now, known = events["before_who_id"], org[PERSON], events["known_who_id"]
    differs = _series_differ(before, now)
    is_live = before.isna() | before.isin(terms.live_people)
    is_ours = differs & is_live & ~_series_differ(now, known)
    kept = differs & ~is_ours
    return before.fillna(CLEAR).where(is_ours).astype(TEXT), [
        _exceptions(events[kept & ~is_live], NotRestored.PERSON_MOVED_ON, field=PERSON),
        _exceptions(events[kept & is_live], NotRestored.CHANGED_IN_SALESFORCE, field=PERSON),
    ]


def _owner(
    events: pd.DataFrame, org: pd.DataFrame, terms: Restoring
) -> tuple[pd.Series[str], list[pd.DataFrame]]:
    """Return the OwnerId to send, and what stays: with an owner who is not active any more, or a user's choice."""
    before, now, known = events["before_owner_id"], org[OWNER], events["known_owner_id"]
    differs = _series_differ(before, now) & before.notna()
    is_ours = differs & ~_series_differ(now, known)
    may_own = before.isin(terms.active_owners)
    return before.where(is_ours & may_own).astype(TEXT), [
        _exceptions(events[is_ours & ~may_own], NotRestored.OWNER_INACTIVE, field=OWNER),
        _exceptions(events[differs & ~is_ours], NotRestored.CHANGED_IN_SALESFORCE, field=OWNER),
    ]


def refused(wire: pd.DataFrame, event_ids: pd.Series[str]) -> pd.DataFrame:
    """Return the exceptions (``EXCEPTIONS``) of Events whose restoration Salesforce refused, one per field sent."""
    fields = [name for name in map(str, wire) if name not in {"Id", "booking_key"}]
    rows = wire[wire["Id"].isin(event_ids)].rename(columns={"Id": "event_id"})
    sent = rows.melt(id_vars=["booking_key", "event_id"], value_vars=fields, var_name="field").dropna()
    return EXCEPTIONS.conform(sent.assign(reason=NotRestored.REFUSED.value))


def _is_written(events: pd.DataFrame) -> pd.Series[bool]:
    return events["payload"].notna()


def _comparable(texts: pd.DataFrame, facts: Mapping[str, FieldFacts]) -> pd.DataFrame:
    columns = {str(name): comparable(texts[name], facts.get(str(name))) for name in texts}
    return pd.DataFrame(columns, index=texts.index).astype(TEXT)


def _differ(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    same = (left == right) | (left.isna() & right.isna())
    return ~same.fillna(value=False).astype(bool)


def _series_differ(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[bool]:
    same = (left == right).fillna(value=False).astype(bool) | (left.isna() & right.isna())
    return ~same


def _exceptions(events: pd.DataFrame, reason: NotRestored, *, field: str | None = None) -> pd.DataFrame:
    rows = events[["booking_key", "event_id"]].assign(field=field, reason=reason.value)
    return EXCEPTIONS.conform(rows)
