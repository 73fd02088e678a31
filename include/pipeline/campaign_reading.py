"""What the org knows of campaigns, as far as our user may see it (rule M13).

Campaigns and their members need the permission *Marketing User* or its like; without it the Campaign's statuses cannot
be read at all, and members not be written ("CampaignMemberStatus", "CampaignMember", Object Reference).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError, RequestRefusedError
from include.frames import CAMPAIGN_STATUSES, CAMPAIGNS, MEMBERSHIPS
from include.mapping.campaigns import campaign_ids

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from include.salesforce.describe import ObjectDescription
    from include.salesforce.gateway import SalesforceGateway

_TRUE: Final = "true"
_PERSON: Final = "LeadOrContactId"


class CampaignReader:
    """Reads campaigns, their statuses and their members; what our user may not see is asked for once."""

    def __init__(self, salesforce: SalesforceGateway) -> None:
        self._salesforce = salesforce
        self._descriptions: dict[str, ObjectDescription | None] = {}

    @property
    def may_read_campaigns(self) -> bool:
        """Tell whether our user sees campaigns."""
        return self._description("Campaign") is not None

    @property
    def may_read_statuses(self) -> bool:
        """Tell whether our user sees which statuses a Campaign has."""
        return self._description("CampaignMemberStatus") is not None

    @property
    def may_write_members(self) -> bool:
        """Tell whether our user may make people members."""
        members = self._description("CampaignMember")
        return members is not None and members["CampaignId"].createable

    def campaigns(self, names: pd.Series[str]) -> pd.DataFrame:
        """Return the Campaigns that bear one of these Ids or names (contract ``CAMPAIGNS``)."""
        import pandas as pd

        ids = campaign_ids(names)
        found = [
            self._salesforce.query_in(
                select=("Id", "Name", "IsActive"), sobject="Campaign", field=field, values=frozenset(values)
            )
            for field, values in (("Id", ids.dropna()), ("Name", names[ids.isna()]))
            if len(values)
        ]
        frame = pd.concat([CAMPAIGNS.empty(), *map(_as_campaigns, found)], ignore_index=True)
        return CAMPAIGNS.conform(frame.drop_duplicates("campaign_id"))

    def statuses(self, ids: Collection[str]) -> pd.DataFrame:
        """Return all statuses of these Campaigns (contract ``CAMPAIGN_STATUSES``)."""
        if not ids:
            return CAMPAIGN_STATUSES.empty()
        found = self._salesforce.query_in(
            select=("Id", "CampaignId", "Label", "IsDefault", "HasResponded"),
            sobject="CampaignMemberStatus",
            field="CampaignId",
            values=ids,
        )
        return CAMPAIGN_STATUSES.conform(
            found.assign(
                campaign_id=found["CampaignId"],
                label=found["Label"],
                is_default=found["IsDefault"].eq(_TRUE),
                has_responded=found["HasResponded"].eq(_TRUE),
            )
        )

    def memberships(self, ids: Collection[str], who_ids: Collection[str]) -> pd.DataFrame:
        """Return the memberships of these people in these Campaigns (contract ``MEMBERSHIPS``)."""
        import pandas as pd

        if not ids or not who_ids:
            return MEMBERSHIPS.empty()
        pages = self._salesforce.find_records(
            select=("Id", "CampaignId", _PERSON, "Status"),
            sobject="CampaignMember",
            values={_PERSON: who_ids},
        )
        found = pd.concat(pages, ignore_index=True).drop_duplicates("Id")
        names = {"Id": "member_id", "CampaignId": "campaign_id", _PERSON: "who_id", "Status": "member_status"}
        return MEMBERSHIPS.conform(found[found["CampaignId"].isin(ids)].rename(columns=names))

    def _description(self, sobject: str) -> ObjectDescription | None:
        if sobject not in self._descriptions:
            try:
                self._descriptions[sobject] = self._salesforce.describe(sobject)
            except (ConfigurationError, RequestRefusedError):
                # An object that our user may not see is answered like one that does not exist.
                self._descriptions[sobject] = None
        return self._descriptions[sobject]


def _as_campaigns(found: pd.DataFrame) -> pd.DataFrame:
    return CAMPAIGNS.conform(
        found.assign(campaign_id=found["Id"], name=found["Name"], is_active=found["IsActive"].eq(_TRUE))
    )
