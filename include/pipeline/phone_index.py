"""Find people by phone: Salesforce keeps phones as typed, so the ledger keeps an index of normalised ones (rule M3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from include.ledger.contracts import PHONE_ENTRIES
from include.ledger.repository import PhoneIndexState
from include.matching.normalise import normalise_phone
from include.salesforce import soql

if TYPE_CHECKING:
    import pandas as pd

    from include.ledger.repository import Ledger
    from include.salesforce.gateway import SalesforceGateway

COUNTRY: Final = {"Lead": "Country", "Contact": "MailingCountry"}
"""The sObjects that are indexed (the Contact of a Person Account has its phones), and the field of their country."""

PHONES: Final = ("Phone", "MobilePhone")

OVERLAP: Final = timedelta(minutes=15)
"""How far behind the mark changes are read again: a transaction may end later than its stamp says."""

_BEFORE_ALL: Final = datetime(2000, 1, 1, tzinfo=UTC)


class PhoneIndex:
    """The index of one org's phones; brought up to date when the first phone is asked for."""

    def __init__(self, salesforce: SalesforceGateway, ledger: Ledger, *, region: str) -> None:
        """Wrap the ledger's index; ``region`` is the setting ``default_phone_region``."""
        self._salesforce = salesforce
        self._ledger = ledger
        self._region = region
        self._is_fresh = False

    def find(self, phones: Collection[str]) -> pd.DataFrame:
        """Return the Leads and Contacts that have one of these normalised phones (``PHONE_ENTRIES``)."""
        if not self._is_fresh:
            self.refresh()
        return self._ledger.phone_entries(phones)

    def refresh(self) -> None:
        """Read what changed since the index was last brought up to date, or everything where it cannot be used.

        An index of another org, or one that read phones in the way of another region, is made anew.
        """
        for sobject in COUNTRY:
            known = self._ledger.phone_index_state(sobject)
            if known is None or (known.org_id, known.region) != (
                self._salesforce.organization_id,
                self._region,
            ):
                self._fill(sobject)
            else:
                self._follow(sobject, known)
        self._is_fresh = True

    def _fill(self, sobject: str) -> None:
        """Read every record that has a phone, and put all entries in place at once: nobody sees half an index."""
        import pandas as pd

        entries, reached = [PHONE_ENTRIES.empty()], _BEFORE_ALL
        has_phone = soql.any_holds([soql.is_not_null(name) for name in PHONES])
        for page in self._read(sobject, has_phone):
            entries.append(phone_entries(page, sobject, region=self._region))
            reached = max(reached, _newest(page))
        self._ledger.fill_phone_index(sobject, pd.concat(entries, ignore_index=True), self._state(reached))

    def _follow(self, sobject: str, known: PhoneIndexState) -> None:
        """Read the records that changed: some have other phones now, or none, or are gone."""
        reached = known.mark
        for page in self._read(sobject, soql.at_least("SystemModstamp", known.mark - OVERLAP)):
            entries = phone_entries(page, sobject, region=self._region)
            self._ledger.replace_phone_entries(page["Id"], entries)
            reached = max(reached, _newest(page))
        if reached != known.mark:
            self._ledger.mark_phone_index(sobject, self._state(reached))

    def _read(self, sobject: str, where: str) -> Iterator[pd.DataFrame]:
        fields = ("Id", *PHONES, COUNTRY[sobject], "IsDeleted", "MasterRecordId", "SystemModstamp")
        query = soql.select(fields, sobject, where=where)
        pages = self._salesforce.query_frames(query, include_deleted=True)
        return (page for page in pages if len(page))

    def _state(self, reached: datetime) -> PhoneIndexState:
        return PhoneIndexState(org_id=self._salesforce.organization_id, region=self._region, mark=reached)


def phone_entries(records: pd.DataFrame, sobject: str, *, region: str) -> pd.DataFrame:
    """Return one row per record and phone (``PHONE_ENTRIES``).

    Deleted records have none, but a merged one still leads to the record that survives it (rule M7).

    Args:
        records: text columns ``Id``, ``Phone``, ``MobilePhone``, the country, ``IsDeleted`` and ``MasterRecordId``.
        sobject: Lead or Contact.
        region: ISO code of the country meant where a record has no country.
    """
    import pandas as pd

    is_gone = records["IsDeleted"].eq("true") & records["MasterRecordId"].isna()
    kept = records[~is_gone]
    found = [
        pd.DataFrame(
            {
                "record_id": kept["Id"],
                "phone": normalise_phone(kept[name], kept[COUNTRY[sobject]], default_region=region),
            }
        )
        for name in PHONES
    ]
    entries = pd.concat(found, ignore_index=True).dropna(subset=["phone"]).drop_duplicates()
    return PHONE_ENTRIES.conform(entries.assign(sobject=sobject))


def _newest(records: pd.DataFrame) -> datetime:
    import pandas as pd

    stamps: Any = pd.to_datetime(records["SystemModstamp"], utc=True, format="ISO8601")
    newest: datetime = stamps.max().to_pydatetime()
    return newest
