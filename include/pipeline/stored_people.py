"""Read what the org holds of people who may be overwritten (rule M5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from include.frames import STORED_PEOPLE
from include.mapping.changed_people import overwritable

if TYPE_CHECKING:
    import pandas as pd

    from include.mapping.org_fields import OrgFields
    from include.salesforce.gateway import SalesforceGateway
    from include.settings.field_mapping import FieldMapping

_CONVERTED_TO: Final = "ConvertedContactId"


def read_stored_people(
    salesforce: SalesforceGateway,
    found: pd.DataFrame,
    *,
    mappings: Sequence[FieldMapping],
    org_fields: OrgFields,
) -> pd.DataFrame:
    """Return the records that may be overwritten, with the fields that mappings may write (``STORED_PEOPLE``).

    A Contact that a Lead was converted to is not among them, nor a Person Account of such a Contact: Salesforce users
    made it, so it is linked and never overwritten. Nothing is read where nobody was found.

    Args:
        salesforce: the signed-in gateway.
        found: ``people_to_update``.
        mappings: the mappings in force.
        org_fields: the fields that the org has.
    """
    import pandas as pd

    found = found[~found["who_id"].isin(_converted(salesforce, found))]
    stored = [STORED_PEOPLE.empty()]
    for sobject, people in found.groupby("sobject"):
        fields = [mapping.target for mapping in overwritable(str(sobject), mappings, org_fields)]
        if not fields:
            continue
        records = salesforce.find_records(
            select=("Id", *fields),
            sobject=str(sobject),
            values={"Id": frozenset(people["record_id"].tolist())},
        )
        stored += [page.rename(columns={"Id": "record_id"}).assign(sobject=str(sobject)) for page in records]
    return STORED_PEOPLE.conform(pd.concat(stored, ignore_index=True))


def _converted(salesforce: SalesforceGateway, found: pd.DataFrame) -> frozenset[str]:
    """Return the Contacts among these people that a converted Lead leads to."""
    contacts = frozenset(found.loc[found["sobject"].ne("Lead"), "who_id"].dropna().tolist())
    leads = salesforce.find_records(
        select=("Id", _CONVERTED_TO), sobject="Lead", values={_CONVERTED_TO: contacts}
    )
    return frozenset(contact for page in leads for contact in page[_CONVERTED_TO].dropna().tolist())
