"""Create the Accounts that new Contacts belong to, before the Contacts (rule M10)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.frames import PERSON_REFUSALS, TEXT
from include.mapping.accounts import NEW_ACCOUNT
from include.pipeline.keyed_inserts import Inserted, KeyedInserts
from include.pipeline.person_fields import has_person_accounts
from include.pipeline.person_keys import find_by_key
from include.pipeline.person_refusals import person_refusals, refusals_of_account
from include.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring
    from include.settings.model import Settings

LOAD_ACCOUNTS: Final = "load_accounts"
ACCOUNT: Final = "Account"

KEY_OF_ACCOUNT: Final = "account-"
"""What the key of an Account begins with, after the namespace: the client's plain id is the key of the person."""


@dataclass(frozen=True, slots=True)
class AccountLookups:
    """Business Accounts of one org (``keyed_inserts.RecordLookups``)."""

    wiring: Wiring

    def by_key(self, sobject: str, keys: Collection[str]) -> pd.DataFrame:
        """Return the live Accounts that keys lead to."""
        return find_by_key(self.wiring.salesforce, sobject, keys)

    def by_ids(self, record_ids: Collection[str]) -> pd.DataFrame:
        """Return the live business Accounts among these Ids; a Person Account can hold no Contact."""
        names = ("Id", "IsPersonAccount") if has_person_accounts(self.wiring.salesforce) else ("Id",)
        found = self.wiring.salesforce.query_in(select=names, sobject=ACCOUNT, field="Id", values=record_ids)
        if "IsPersonAccount" in found:
            found = found[found["IsPersonAccount"] != "true"]
        return found[["Id"]].assign(found_id=found["Id"], sobject=ACCOUNT, record_id=found["Id"], who_id=None)

    def who_ids(self, sobject: str, record_ids: pd.Series[str]) -> pd.Series[str]:  # noqa: ARG002 - of the protocol
        """Return nothing: Events do not point at business Accounts."""
        return record_ids.where(record_ids.isna())


def keyed_accounts(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return Accounts (contract ``NEW_ACCOUNTS``) as they are inserted (``KEYED_ROWS``)."""
    rows = accounts.rename(columns={"account_ref": "ref", "identity": "identities"}).assign(
        client_id=KEY_OF_ACCOUNT + accounts["client_id"], sobject=ACCOUNT
    )
    return rows.drop(columns=["outcome", "reason", "detail"])


class AccountLoader:
    """Creates the new Accounts of one run, and remembers what became of each."""

    def __init__(self, run: SyncRun, wiring: Wiring, settings: Settings) -> None:
        self._wiring = wiring
        self._settings = settings
        self._inserts = KeyedInserts(
            run, wiring, settings, step=LOAD_ACCOUNTS, lookups=AccountLookups(wiring)
        )
        self._ids: dict[str, str] = {}
        self._refusals: list[pd.DataFrame] = []
        self.created = 0

    @property
    def records_asked(self) -> int:
        """Return how many calls were made to learn what duplicate rules found."""
        return self._inserts.records_asked

    def recover(self) -> None:
        """Commit what jobs of an interrupted attempt did."""
        for inserted in self._inserts.recover():
            self._commit(inserted)

    def load(self, accounts: pd.DataFrame) -> None:
        """Create ``accounts`` (contract ``NEW_ACCOUNTS``), those that exist already under their key apart."""
        self.recover()
        left = accounts[~accounts["account_ref"].isin(self._settled)]
        if left.empty:
            return
        rows = keyed_accounts(left)
        for inserted in self._inserts.insert(rows, total=len(rows)):
            self._commit(inserted)

    def account_ids(self, account_refs: pd.Series[str]) -> pd.Series[str]:
        """Return the Id of each referenced Account; one that exists is its own reference, a refused one is missing."""
        is_new = account_refs.str.startswith(NEW_ACCOUNT).eq(True)
        return account_refs.mask(is_new, account_refs.map(self._ids).astype(TEXT))

    def refusals_of(self, people: pd.DataFrame) -> pd.DataFrame:
        """Return why people (``person_ref``, ``account_ref``) cannot be created: ``PERSON_REFUSALS``."""
        import pandas as pd

        refused = pd.concat([PERSON_REFUSALS.empty(), *self._refusals], ignore_index=True)
        of_accounts = refusals_of_account(refused).rename(columns={"person_ref": "account_ref"})
        found = people[["person_ref", "account_ref"]].merge(
            of_accounts.drop_duplicates("account_ref"), on="account_ref", how="left"
        )
        found["reason"] = found["reason"].fillna(str(Reason.ACCOUNT_NOT_WRITTEN))
        return PERSON_REFUSALS.conform(found)

    @property
    def _settled(self) -> set[str]:
        return {*self._ids, *(ref for refusals in self._refusals for ref in refusals["person_ref"])}

    def _commit(self, inserted: Inserted) -> None:
        records = inserted.records
        ours = records[records["is_ours"]]
        self._wiring.ledger.settle_claims(ours[["key", "record_id"]].rename(columns={"key": "claim_key"}))
        self._ids |= dict(zip(records["ref"], records["record_id"], strict=True))
        self.created += int(records["is_created"].sum())
        if not inserted.refused.empty:
            refused = inserted.refused.rename(columns={"ref": "person_ref"})
            self._refusals.append(
                person_refusals(
                    refused, self._settings.duplicate_rules, of_missing_record=Reason.PERSON_NOT_WRITTEN
                )
            )
