"""Records of people that clients are linked to, and that are no more what they were (rules Q7, M7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import CANDIDATES, TEXT
from include.matching.follow import Fate, follow_records
from include.matching.lookups import Lookups, ids_by_sobject
from include.pipeline.candidates import joined, read_candidates, read_with_successors
from include.reconcile.findings import FOUND, Finding, Remedy

if TYPE_CHECKING:
    from include.pipeline.context import Wiring

_LINKS_PER_BATCH: Final = 50_000


@dataclass(frozen=True, slots=True)
class LostPeople:
    """``found`` are the findings (``FOUND``); ``moved`` what each lost ``WhoId`` became, missing where nobody."""

    found: pd.DataFrame
    moved: pd.Series[str]


def lost_people(links: pd.DataFrame, candidates: pd.DataFrame) -> LostPeople:
    """Return the links whose record was converted, merged or deleted.

    Args:
        links: contract ``PERSON_LINK_ROWS``.
        candidates: contract ``CANDIDATES``: the records that the org has under these Ids, and what they became.
    """
    became = follow_records(candidates).reindex(links["record_id"]).set_axis(links.index)
    is_lost = became["fate"].ne(Fate.LIVE.value)
    lost = links[is_lost]
    who = pd.Series(became.loc[is_lost, "who_id"].to_numpy(), index=lost["who_id"], dtype=TEXT)
    found = lost[["client_id", "record_id"]].assign(
        finding=Finding.PERSON_GONE.value, remedy=Remedy.REPAIR.value
    )
    return LostPeople(
        FOUND.conform(found.reindex(columns=list(FOUND.columns))),
        who[~who.index.duplicated() & who.index.notna()],
    )


def find_lost_people(wiring: Wiring) -> LostPeople:
    """Return the lost people of all links, read in batches."""
    parts = [
        lost_people(batch, _candidates(wiring, batch))
        for batch in wiring.ledger.person_link_rows(batch_rows=_LINKS_PER_BATCH)
    ]
    if not parts:
        return LostPeople(FOUND.empty(), pd.Series(dtype=TEXT))
    moved = pd.concat([part.moved for part in parts])
    return LostPeople(
        pd.concat([part.found for part in parts], ignore_index=True), moved[~moved.index.duplicated()]
    )


def _candidates(wiring: Wiring, links: pd.DataFrame) -> pd.DataFrame:
    wanted = Lookups(record_ids=ids_by_sobject(links["record_id"]))
    found = joined([CANDIDATES.empty(), *read_candidates(wiring.salesforce, wanted)])
    return read_with_successors(wiring.salesforce, found)
