"""Whom clients are in Salesforce by their legacy Events (rules M1, M7, G8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.frames import CANDIDATES
from include.ledger.contracts import CARRIED_PEOPLE
from include.matching.follow import USABLE, follow_records
from include.pipeline.candidates import joined, read_people, read_with_successors

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

_SOBJECTS: Final = {"00Q": "Lead", "003": "Contact"}
"""What an Event's WhoId can be, by the beginning of the Id ("Standard Object Key Prefixes", Salesforce Help)."""


def carried_people(salesforce: SalesforceGateway, standing: pd.DataFrame) -> pd.DataFrame:
    """Return who clients are by the records that their Events stand on (``contracts.CARRIED_PEOPLE``).

    Args:
        salesforce: the org.
        standing: columns ``client_id`` and ``who_id``, one row per client and record.
    """
    records = read_standing(salesforce, standing["who_id"])
    return CARRIED_PEOPLE.empty() if records.empty else agreed_people(standing, follow_records(records))


def read_standing(salesforce: SalesforceGateway, who_ids: pd.Series[str]) -> pd.DataFrame:
    """Return the records that Events stand on, and what they were converted or merged into (``frames.CANDIDATES``)."""
    ids = who_ids.dropna()
    found = [
        page
        for prefix, sobject in _SOBJECTS.items()
        for page in read_people(salesforce, sobject, {"Id": frozenset(ids[ids.str.startswith(prefix)])})
    ]
    return read_with_successors(salesforce, joined(found)) if found else CANDIDATES.empty()


def agreed_people(standing: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Return the clients all of whose Events stand on one person by now (``contracts.CARRIED_PEOPLE``).

    A record that is gone says nothing; one that was converted or merged is what it became, and the Contact of a Person
    Account is that Account.

    Args:
        standing: columns ``client_id`` and ``who_id``.
        records: what ``follow_records`` made of the records that Events stand on.
    """
    usable = records[records["fate"].isin(USABLE)][["sobject", "target_id", "who_id"]]
    people = standing[["client_id", "who_id"]].join(usable.add_prefix("now_"), on="who_id")
    people = people.dropna(subset=["now_target_id"]).drop_duplicates(["client_id", "now_target_id"])
    agreed = people[~people["client_id"].duplicated(keep=False)]
    return CARRIED_PEOPLE.conform(
        agreed[["client_id"]].assign(
            sobject=agreed["now_sobject"], record_id=agreed["now_target_id"], who_id=agreed["now_who_id"]
        )
    )
