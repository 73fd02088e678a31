"""Creates in the org what it is meant to know before the first sync, through its public API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from include.demo.hand_made import Somebody
from include.demo.salesforce_side import ACCOUNT_KEY, FOREIGN_ID, KEY, UNASSIGNED_OWNER, SalesforceSide
from include.errors import ConfigurationError
from include.frames import TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.demo.local_org import LocalOrg
    from include.demo.plan import Row
    from include.salesforce.gateway import SalesforceGateway


@dataclass(slots=True)
class SeededOrg:
    """What is in the org now.

    Attributes:
        created: number of records created, by object.
        salesforce_ids: Ids that Coconut holds, by client id.
        unassigned_owner: Id of the User for ``unassigned_events_owner``, where Users could be made.
        ids: the records by their key, Users among them.
    """

    created: dict[str, int] = field(default_factory=dict)
    salesforce_ids: dict[int, str] = field(default_factory=dict)
    unassigned_owner: str | None = None
    ids: dict[str, str] = field(default_factory=dict)


def refuse_if_seeded(gateway: SalesforceGateway) -> None:
    """Refuse an org that has demo data already: a second filling would make everybody a duplicate.

    Raises:
        ConfigurationError: it has.
    """
    found = gateway.query_in(select=("Id",), sobject="User", field="Username", values=[UNASSIGNED_OWNER])
    if len(found):
        msg = "The Salesforce org already holds demo data: start the local org with fresh data, then fill again."
        raise ConfigurationError(msg)


def seed_org(gateway: SalesforceGateway, local_org: LocalOrg | None, side: SalesforceSide) -> SeededOrg:
    """Create the records of ``side``; Users and conversions only where the org is the local one.

    Raises:
        ConfigurationError: the org refuses a record.
    """
    seeded = SeededOrg()
    users: dict[str, str] = {}
    if local_org is not None:
        users = local_org.create_users(side.users)
        seeded.created["User"] = len(users)
        seeded.unassigned_owner = users[f"user:{UNASSIGNED_OWNER}"]
    accounts = _create(gateway, "Account", side.accounts)
    contacts = [_with_account(contact, accounts) for contact in side.contacts]
    ids = seeded.ids = {
        **users,
        **accounts,
        **_create(gateway, "Lead", side.leads),
        **_create(gateway, "Contact", contacts),
        **_create(gateway, "Campaign", side.campaigns),
    }
    for name, rows in (("Account", side.accounts), ("Lead", side.leads), ("Contact", contacts)):
        seeded.created[name] = len(rows)
    if local_org is not None:
        local_org.convert_leads(ids[key] for key in side.converted)
    for client_id, key in side.held.items():
        seeded.salesforce_ids[client_id] = ids[key][:15] if client_id in side.held_short else ids[key]
    seeded.salesforce_ids[int(Somebody.KNOWN_BY_FOREIGN_ID)] = FOREIGN_ID
    return seeded


def _with_account(contact: Row, accounts: dict[str, str]) -> Row:
    values = {name: value for name, value in contact.items() if name != ACCOUNT_KEY}
    return {**values, "AccountId": accounts.get(contact.get(ACCOUNT_KEY, ""))}


def _create(gateway: SalesforceGateway, sobject: str, rows: Sequence[Row]) -> dict[str, str]:
    """Create records and return their Ids by key."""
    if not rows:
        return {}
    texts = [{name: "true" if value is True else value for name, value in row.items()} for row in rows]
    frame = pd.DataFrame(texts).astype(TEXT)
    results = pd.concat(list(gateway.write_collections("insert", sobject, frame, key_column=KEY)))
    refused = results[~results["is_success"]]
    if len(refused):
        codes = ", ".join(sorted(set(refused["error_code"])))
        msg = f"The org refused {len(refused)} demo records of {sobject} ({codes}); is the package deployed?"
        raise ConfigurationError(msg)
    return dict(zip(results["key"], results["record_id"], strict=True))
