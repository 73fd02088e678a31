"""What the org knew before the first sync: Users, Leads, Contacts, Accounts and Campaigns, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

import numpy as np

from include.demo import catalogue
from include.demo.bookings import CAMPAIGNS
from include.demo.clients import client_batches
from include.demo.hand_made import Somebody, hand_made_clients
from include.demo.texts import make_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.demo.plan import DemoPlan, Row

KEY: Final = "DemoKey"
"""Column that names a record within the demo data; it does not travel."""

ACCOUNT_KEY: Final = "DemoAccountKey"
"""Column of Contacts that names their Account until it has an Id."""

UNASSIGNED_OWNER: Final = "unassigned.events@bank.example.com.demo"
"""Username of the User who is meant to own the events of nobody (setting ``unassigned_events_owner``)."""

FOREIGN_ID: Final = "00Q5g00000zZzZzEAK"
"""An Id that some other org gave to a Lead."""

_STREAM: Final = 3
_CLIENTS_CONSIDERED: Final = 2_500


class Known(StrEnum):
    """How Salesforce knows a client before we ever write."""

    NOT = "not"
    LEAD = "lead"
    CONTACT = "contact"
    LEAD_AND_CONTACT = "lead_and_contact"
    CONVERTED_LEAD = "converted_lead"


_SHARES: Final = {
    Known.NOT: 0.73,
    Known.LEAD: 0.12,
    Known.CONTACT: 0.10,
    Known.LEAD_AND_CONTACT: 0.03,
    Known.CONVERTED_LEAD: 0.02,
}

_SOMEBODY_KNOWN: Final = {
    Somebody.A_LEAD: Known.LEAD,
    Somebody.A_CONTACT: Known.CONTACT,
    Somebody.LEAD_AND_CONTACT: Known.LEAD_AND_CONTACT,
    Somebody.A_CONVERTED_LEAD: Known.CONVERTED_LEAD,
    Somebody.TWO_LEADS: Known.LEAD,
    Somebody.WITH_APOSTROPHE: Known.CONTACT,
}


@dataclass(slots=True)
class SalesforceSide:
    """Records to create, each with its key in the column ``KEY``.

    Attributes:
        users, accounts, leads, contacts, campaigns: fields of the object by API name; a Contact may carry
            ``ACCOUNT_KEY`` in place of its ``AccountId``.
        converted: keys of the Leads to convert.
        held: key of the record whose Id Coconut holds, by client id.
        held_short: the clients of ``held`` for whom Coconut holds the Id in its old form of 15 characters.
    """

    users: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    leads: list[Row] = field(default_factory=list)
    contacts: list[Row] = field(default_factory=list)
    campaigns: list[Row] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)
    held: dict[int, str] = field(default_factory=dict)
    held_short: frozenset[int] = frozenset()


def salesforce_side(plan: DemoPlan) -> SalesforceSide:
    """Say what the org knows; the same plan gives the same records."""
    texts = make_texts(plan.seed)
    side = SalesforceSide(
        users=_users(catalogue.staff_rows(plan, texts)),
        campaigns=[
            {KEY: f"campaign:{name}", "Name": name, "IsActive": True, "Status": "In Progress"}
            for name in CAMPAIGNS
        ],
    )
    for client in hand_made_clients(plan):
        _add(side, client, _SOMEBODY_KNOWN.get(Somebody(client["id"]), Known.NOT))
    _add_clients_held_by_id(side)
    drawn = list(islice(chain.from_iterable(client_batches(plan, texts)), _CLIENTS_CONSIDERED))
    rng = np.random.default_rng([plan.seed, _STREAM])
    known = rng.choice(np.array(list(_SHARES), dtype=object), size=len(drawn), p=list(_SHARES.values()))
    for client, how in zip(drawn, known, strict=True):
        if client["email"] and client["first_name"]:
            _add(side, client, Known(how))
    return side


def _add(side: SalesforceSide, client: Row, known: Known) -> None:
    if known in {Known.LEAD, Known.LEAD_AND_CONTACT, Known.CONVERTED_LEAD}:
        side.leads.append(_lead(client))
    if known in {Known.CONTACT, Known.LEAD_AND_CONTACT}:
        side.contacts.append(_contact(client))
        if client["company"]:
            side.contacts[-1][ACCOUNT_KEY] = _account_key(side, client["company"])
    if known is Known.CONVERTED_LEAD:
        side.converted.append(side.leads[-1][KEY])
    if client["id"] == Somebody.TWO_LEADS:
        side.leads.append({**_lead(client), KEY: f"lead:{client['id']}:again"})


def _add_clients_held_by_id(side: SalesforceSide) -> None:
    """People whom only the Id that Coconut holds can find: Salesforce has them under another name."""
    side.contacts.append(
        {
            KEY: f"contact:{Somebody.KNOWN_BY_ID}",
            "FirstName": "Aiko",
            "LastName": "Schmidt",
            "Email": "aiko.schmidt@example.net",
        }
    )
    side.leads.append(
        {
            KEY: f"lead:{Somebody.KNOWN_BY_SHORT_ID}",
            "FirstName": "William",
            "LastName": "Byrne",
            "Email": "bill@byrne.example.net",
            "Company": "Byrne & Daughters, Ltd.",
        }
    )
    side.held = {
        int(Somebody.KNOWN_BY_ID): f"contact:{Somebody.KNOWN_BY_ID}",
        int(Somebody.KNOWN_BY_SHORT_ID): f"lead:{Somebody.KNOWN_BY_SHORT_ID}",
    }
    side.held_short = frozenset({int(Somebody.KNOWN_BY_SHORT_ID)})


def _lead(client: Row) -> Row:
    return {
        KEY: f"lead:{client['id']}",
        **_person(client),
        "Company": client["company"] or "[not provided]",
        "LeadSource": "Web",
    }


def _contact(client: Row) -> Row:
    return {KEY: f"contact:{client['id']}", **_person(client)}


def _person(client: Row) -> Row:
    """Write the person as somebody else typed them: comparison has to see through letter case (rule M3)."""
    shouts = client["id"] % 3 == 0
    email = str(client["email"])
    return {
        "FirstName": client["first_name"],
        "LastName": str(client["last_name"]).upper() if shouts else client["last_name"],
        "Email": email.capitalize() if shouts else email,
        "Phone": client["phone"],
    }


def _account_key(side: SalesforceSide, company: str) -> str:
    key = f"account:{company}"
    if all(account[KEY] != key for account in side.accounts):
        side.accounts.append({KEY: key, "Name": company})
    return key


def _users(staff: Iterable[Row]) -> list[Row]:
    """Users for the staff: most have one; some none, an inactive one, or two with one e-mail."""
    users = [_user(UNASSIGNED_OWNER, "Unassigned", "Events", "unassigned.events@bank.example.com")]
    for member in staff:
        if member["email"] is None or member["id"] == catalogue.STAFF_WITHOUT_USER:
            continue
        name = f"staff{member['id']}@bank.example.com.demo"
        shown = member["email"].upper() if member["id"] % 4 == 0 else member["email"]
        user = _user(name, member["first_name"], member["last_name"], shown)
        users.append({**user, "IsActive": member["id"] != catalogue.STAFF_WITH_INACTIVE_USER})
        if member["id"] == catalogue.STAFF_WITH_TWO_USERS:
            users.append(_user(f"second.{name}", member["first_name"], member["last_name"], shown))
    return users


def _user(username: str, first_name: str, last_name: str, email: str) -> Row:
    return {
        KEY: f"user:{username}",
        "Username": username,
        "FirstName": first_name,
        "LastName": last_name,
        "Email": email,
        "IsActive": True,
        "TimeZoneSidKey": "America/Halifax",
        "LocaleSidKey": "en_CA",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
    }
