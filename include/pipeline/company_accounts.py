"""Read the Accounts that bear the names of new Contacts' companies (rule M10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.frames import COMPANY_ACCOUNTS
from include.pipeline.person_fields import has_person_accounts

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

_COLUMNS: Final = {
    "Id": "account_id",
    "Name": "name",
    "CreatedDate": "created_at",
    "LastModifiedDate": "modified_at",
}
_STAMPS: Final = ("created_at", "modified_at")
_IS_PERSON: Final = "IsPersonAccount"


def read_company_accounts(salesforce: SalesforceGateway, names: Collection[str]) -> pd.DataFrame:
    """Return the live business Accounts (``frames.COMPANY_ACCOUNTS``) of these names; Person Accounts are none."""
    import pandas as pd

    columns = dict(_COLUMNS)
    if has_person_accounts(salesforce):
        columns[_IS_PERSON] = _IS_PERSON
    pages = list(salesforce.find_records(select=tuple(columns), sobject="Account", values={"Name": names}))
    if not pages:
        return COMPANY_ACCOUNTS.empty()
    found = pd.concat(pages, ignore_index=True).rename(columns=columns).drop_duplicates("account_id")
    if _IS_PERSON in found:
        found = found[found[_IS_PERSON].ne("true")]
    stamps = {name: pd.to_datetime(found[name], utc=True, format="ISO8601") for name in _STAMPS}
    return COMPANY_ACCOUNTS.conform(found.assign(**stamps))
