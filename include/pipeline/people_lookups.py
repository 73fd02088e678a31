"""Finding people again while they are loaded: by our key, and by the Ids that a duplicate rule reports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.frames import CANDIDATES, TEXT
from include.matching.choose import PREFERENCE
from include.matching.follow import USABLE, follow_records
from include.matching.lookups import Lookups, ids_by_sobject
from include.pipeline.candidates import joined, read_candidates, read_with_successors
from include.pipeline.person_keys import find_by_key

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import Wiring
    from include.settings.model import Settings

PERSON_CONTACT: Final = "PersonContactId"


@dataclass(frozen=True, slots=True)
class PeopleLookups:
    """Leads, Contacts and Person Accounts of one org (``keyed_inserts.RecordLookups``)."""

    wiring: Wiring
    settings: Settings

    def by_key(self, sobject: str, keys: Collection[str]) -> pd.DataFrame:
        """Return the live people that keys lead to: ``key``, ``sobject``, ``record_id``, ``who_id``."""
        return find_by_key(self.wiring.salesforce, sobject, keys)

    def by_ids(self, record_ids: Collection[str]) -> pd.DataFrame:
        """Return the live people behind Ids, of the kinds that the entity type may be linked to (rule M4)."""
        import pandas as pd

        wanted = Lookups(record_ids=ids_by_sobject(pd.Series(sorted(record_ids), dtype=TEXT)))
        salesforce = self.wiring.salesforce
        found = joined([CANDIDATES.empty(), *read_candidates(salesforce, wanted)])
        people = follow_records(read_with_successors(salesforce, found)).loc[found["record_id"]]
        is_taken = people["fate"].isin(USABLE) & people["sobject"].isin(PREFERENCE[self.settings.entity_type])
        taken = (
            people[is_taken].rename_axis("found_id").reset_index().rename(columns={"target_id": "record_id"})
        )
        return taken[["found_id", "sobject", "record_id", "who_id"]]

    def who_ids(self, sobject: str, record_ids: pd.Series[str]) -> pd.Series[str]:
        """Return the records themselves, or a Person Account's Contact, which it has only once it is created."""
        if sobject != "Account" or record_ids.empty:
            return record_ids
        contacts = self.wiring.salesforce.query_in(
            select=("Id", PERSON_CONTACT), sobject=sobject, field="Id", values=set(record_ids)
        ).set_index("Id")[PERSON_CONTACT]
        return record_ids.map(contacts).astype(TEXT)
