"""Carried event links beside the ledger and the org, Event by Event (rule G9)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT, FrameContract
from include.mapping.plan import BOOKING_KEY, PERSON
from include.matching.follow import follow_records
from include.migration.carried_people import read_standing
from include.migration.event_facts import read_events
from include.salesforce import soql
from include.settings.field_mapping import Sobject

if TYPE_CHECKING:
    from include.pipeline.context import Wiring


class EventFinding(StrEnum):
    """How a carried Event is not as it was carried over."""

    NOT_ADOPTED = "not_adopted"
    KEYED_OTHERWISE = "keyed_otherwise"
    DUPLICATE = "duplicate"
    MOVED_IN_SALESFORCE = "moved_in_salesforce"
    DELETED_IN_SALESFORCE = "deleted_in_salesforce"
    DELETED_BY_SYNC = "deleted_by_sync"
    WRITTEN_AGAIN = "written_again"

    @property
    def is_defect(self) -> bool:
        """Tell whether nobody but a defect can have made it so."""
        return self in _WORDS

    @property
    def words(self) -> str:
        """Return a defect in words."""
        return _WORDS[self]


_WORDS: Final = {
    EventFinding.NOT_ADOPTED: "were carried over and are not in the ledger",
    EventFinding.KEYED_OTHERWISE: "bear the key of another booking",
    EventFinding.DUPLICATE: "bear the key of a booking that has its Event",
}

_SINCE: Final = [EventFinding.DELETED_BY_SYNC.value, EventFinding.WRITTEN_AGAIN.value]

FOUND: Final = FrameContract(
    "parity_findings",
    {"booking_key": TEXT, "event_id": TEXT, "finding": TEXT},  # EventFinding
)


def judge_events(wiring: Wiring, carried: pd.DataFrame) -> pd.DataFrame:
    """Return carried Events with what is found of them.

    Args:
        wiring: ledger and org.
        carried: ``booking_key`` and ``event_id`` as they were carried over.

    Returns:
        The same rows with ``finding`` (missing where all is as it was), ``link_event_id`` (the ledger's) and
        ``is_changed_since``: by a deletion, or by an Event that was written again after a user deleted it.
    """
    links = wiring.ledger.adopted_events_of(carried["booking_key"]).set_index("booking_key")
    link = links.reindex(carried["booking_key"]).set_axis(carried.index)
    org = _org_events(wiring, set(carried["event_id"])).reindex(carried["event_id"]).set_axis(carried.index)
    is_known = carried["booking_key"].isin(links.index)
    is_same = link["event_id"].eq(carried["event_id"])
    is_live = org["IsDeleted"].eq("false")
    is_elsewhere = is_same & is_live & link["who_id"].notna() & org[PERSON].ne(link["who_id"])
    is_elsewhere &= ~_is_followed(wiring, link, org, is_elsewhere)
    is_keyed = org[BOOKING_KEY].notna() & org[BOOKING_KEY].ne(carried["booking_key"])
    finding = pd.Series(pd.NA, index=carried.index, dtype=TEXT)
    for value, holds in (
        (EventFinding.NOT_ADOPTED, ~is_known),
        (EventFinding.DELETED_BY_SYNC, is_known & link["event_id"].isna()),
        (EventFinding.WRITTEN_AGAIN, is_known & ~is_same),
        (EventFinding.DELETED_IN_SALESFORCE, is_same & ~is_live),
        (EventFinding.KEYED_OTHERWISE, is_keyed),
        (EventFinding.MOVED_IN_SALESFORCE, is_elsewhere),
    ):
        finding = finding.mask(finding.isna() & holds, value.value)
    return carried.assign(
        finding=finding, link_event_id=link["event_id"], is_changed_since=finding.isin(_SINCE)
    )


def find_duplicates(wiring: Wiring) -> pd.DataFrame:
    """Return the live Events that bear the key of an adopted pair and are not its Event (``FOUND``).

    Invitees' copies of an Event carry its custom values and are nobody's.
    """
    standing = (
        soql.is_not_null(BOOKING_KEY),
        soql.equals("IsDeleted", value=False),
        soql.equals("IsChild", value=False),
    )
    query = soql.select(("Id", BOOKING_KEY), Sobject.EVENT, where=standing)
    found = [FOUND.empty()]
    for page in wiring.salesforce.query_frames(query, include_deleted=True):
        links = wiring.ledger.adopted_events_of(page[BOOKING_KEY])
        adopted = links.set_index("booking_key")["event_id"].dropna()
        own = page[page[BOOKING_KEY].isin(adopted.index)]
        copies = own[own[BOOKING_KEY].map(adopted).ne(own["Id"])]
        named = copies.rename(columns={BOOKING_KEY: "booking_key", "Id": "event_id"})
        found.append(FOUND.conform(named.assign(finding=EventFinding.DUPLICATE.value)))
    return FOUND.conform(pd.concat(found, ignore_index=True))


def _org_events(wiring: Wiring, event_ids: set[str]) -> pd.DataFrame:
    columns = ["Id", "IsDeleted", PERSON, BOOKING_KEY]
    pages = read_events(wiring.salesforce, event_ids)
    empty = pd.DataFrame(columns=columns, dtype=TEXT)
    found = pd.concat([empty, *(page[columns] for page in pages)], ignore_index=True)
    return found.drop_duplicates("Id").set_index("Id")


def _is_followed(
    wiring: Wiring, link: pd.DataFrame, org: pd.DataFrame, is_elsewhere: pd.Series[bool]
) -> pd.Series[bool]:
    """Tell which Events went along with a person who was converted or merged (rule M7)."""
    standing = read_standing(wiring.salesforce, link.loc[is_elsewhere, "who_id"])
    if standing.empty:
        return pd.Series(False, index=link.index)
    became = follow_records(standing)["who_id"]
    return link["who_id"].map(became).eq(org[PERSON])
