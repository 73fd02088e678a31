"""Create the people that pairs need, Contacts under their Accounts (rules M8, M10, M11, M14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from include.frames import PEOPLE
from include.mapping.fields import CLIENT_KEY
from include.mapping.person_drafts import INSERT
from include.pipeline.account_loader import AccountLoader
from include.pipeline.artifacts import LOAD_PEOPLE
from include.pipeline.keyed_inserts import KEYED_ROWS, Inserted, KeyedInserts
from include.pipeline.people_lookups import PeopleLookups
from include.pipeline.person_links import PersonLinks, wire_fields
from include.pipeline.person_refusals import person_refusals
from include.pipeline.refused_values import left_out_values
from include.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring
    from include.pipeline.refused_values import Droppable
    from include.settings.model import Settings

ROWS_PER_CHUNK: Final = 25_000
ACCOUNT_ID: Final = "AccountId"


class PersonInserter:
    """Inserts the new people of one run and links their clients.

    ``counts``, ``refusals`` (frames of ``PERSON_REFUSALS``) and ``reports`` (frames of ``FIELD_REPORTS``: values that
    were left out because Salesforce refused them) say what came of it.
    """

    def __init__(
        self,
        run: SyncRun,
        wiring: Wiring,
        settings: Settings,
        *,
        links: PersonLinks,
        droppable: Droppable,
        assignment_rule_id: str | None,
    ) -> None:
        self._wiring = wiring
        self._policy = settings.duplicate_rules
        self._links = links
        self._droppable = droppable
        self._planned = PEOPLE.empty()
        self._inserts = KeyedInserts(
            run,
            wiring,
            settings,
            step=LOAD_PEOPLE,
            lookups=PeopleLookups(wiring, settings),
            parent_column=ACCOUNT_ID,
            assignment_rule_id=assignment_rule_id,
        )
        self._settled: set[str] = set()
        self.refusals: list[pd.DataFrame] = []
        self.reports: list[pd.DataFrame] = []
        self.counts = {"created": 0, "already_there": 0, "linked_by_rule": 0, "refused": 0}

    @property
    def records_asked(self) -> int:
        """Return how many calls were made to learn what duplicate rules found."""
        return self._inserts.records_asked

    def recover(self, people: pd.DataFrame) -> None:
        """Commit what jobs of an interrupted attempt did of ``people``."""
        self._planned = people.set_index("person_ref", drop=False)
        for inserted in self._inserts.recover():
            self._commit(inserted)  # what is to be sent again is not settled: it is among those left

    def load(self, people: pd.DataFrame, accounts: AccountLoader) -> None:
        """Insert ``people`` (contract ``PEOPLE``, with the column ``identities``) whose Accounts were loaded before."""
        self.recover(people)
        left = people[~people["person_ref"].isin(self._settled)]
        for sobject, rows in left.groupby("sobject"):
            ready = self._with_accounts(rows, accounts) if sobject == "Contact" else rows
            again = keyed_people(ready)
            while len(again):  # each round leaves out a value of every row
                again = self._insert(again)

    def _insert(self, keyed: pd.DataFrame) -> pd.DataFrame:
        """Insert rows (``KEYED_ROWS``) of one sObject; return those to send again without a value."""
        import pandas as pd

        again = [keyed.iloc[:0]]
        for chunk in insert_chunks(keyed):
            again += [self._commit(inserted) for inserted in self._inserts.insert(chunk, total=len(keyed))]
        return pd.concat(again, ignore_index=True)

    def _with_accounts(self, contacts: pd.DataFrame, accounts: AccountLoader) -> pd.DataFrame:
        """Return the Contacts under their Accounts, in order of them; those whose Account was refused are refused."""
        account_id = accounts.account_ids(contacts["account_ref"])
        is_orphan = contacts["account_ref"].notna() & account_id.isna()
        if is_orphan.any():
            self._refuse(accounts.refusals_of(contacts[is_orphan]))
        placed = contacts.assign(**{ACCOUNT_ID: account_id})[~is_orphan]
        return placed.sort_values(ACCOUNT_ID, kind="stable", ignore_index=True)

    def _commit(self, inserted: Inserted) -> pd.DataFrame:
        """Record what became of a batch; return its rows (``KEYED_ROWS``) that are to be sent again."""
        records = inserted.records
        sent = self._as_held(inserted.rows.set_index("ref"), records)
        fields = wire_fields(sent, [*KEYED_ROWS.columns, CLIENT_KEY])
        self._links.record_new(records, sent[fields])
        self._settled.update(records["ref"])
        is_created, is_ours = records["is_created"], records["is_ours"]
        self.counts["created"] += int(is_created.sum())
        self.counts["already_there"] += int((is_ours & ~is_created).sum())
        self.counts["linked_by_rule"] += int((~is_ours).sum())
        ours = sent.loc[records.loc[is_ours, "ref"]]
        self.reports.append(left_out_values(self._planned, ours))
        refused = inserted.refused.set_index("ref", drop=False)
        again = sent.iloc[:0]
        if not refused.empty:
            sobject = str(sent["sobject"].iloc[0])
            again = self._droppable.without_refused(sent, refused, sobject=sobject, operation=INSERT)
            refused = refused[~refused.index.isin(again.index)].rename(columns={"ref": "person_ref"})
            self._refuse(person_refusals(refused, self._policy, of_missing_record=Reason.PERSON_NOT_WRITTEN))
        return again.drop(columns=CLIENT_KEY).reset_index()

    def _as_held(self, sent: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
        """Return rows as their records hold them, where an earlier attempt created these without some values."""
        found = records[records["is_ours"] & ~records["is_created"]]
        if found.empty:
            return sent
        ids = found.set_index("ref")["record_id"]
        sobject = str(found["sobject"].iloc[0])
        return self._droppable.as_held(sent, ids, self._wiring.salesforce, sobject=sobject)

    def _refuse(self, refusals: pd.DataFrame) -> None:
        self.counts["refused"] += len(refusals)
        self._settled.update(refusals["person_ref"])
        self.refusals.append(refusals)


def insert_chunks(keyed: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Cut rows into those that are claimed, sent and committed together."""
    for start in range(0, len(keyed), ROWS_PER_CHUNK):
        yield keyed.iloc[start : start + ROWS_PER_CHUNK]


def keyed_people(people: pd.DataFrame) -> pd.DataFrame:
    """Return people (contract ``PEOPLE``, with ``identities``) as they are inserted (``KEYED_ROWS``)."""
    declared = [name for name in PEOPLE.columns if name not in {"client_id", "sobject", "person_ref"}]
    return people.drop(columns=declared).rename(columns={"person_ref": "ref"})
