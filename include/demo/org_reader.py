"""Reads the org for the proof: its own sign-in, its own queries, none of the product's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import requests

API: Final = "/services/data/v64.0"
TIMEOUT_SECONDS: Final = 120.0
_EVENTS: Final = (
    "SELECT Id, Subject, StartDateTime, EndDateTime, WhoId, OwnerId, SystemModstamp, Coconut_Booking_Key__c, "
    "Coconut_Booking_Id__c FROM Event"
)
_LEADS: Final = (
    "SELECT Id, FirstName, LastName, Email, CreatedDate, Coconut_Client_Key__c, IsConverted, ConvertedContactId "
    "FROM Lead"
)
_CONTACTS: Final = "SELECT Id, FirstName, LastName, Email, CreatedDate, Coconut_Client_Key__c FROM Contact"
_CAMPAIGNS: Final = "SELECT Id, Name FROM Campaign"
_MEMBERS: Final = "SELECT CampaignId, LeadOrContactId, Status FROM CampaignMember"
_USERS: Final = "SELECT Id, Email FROM User WHERE IsActive = true AND UserType = 'Standard'"


@dataclass(frozen=True, slots=True)
class OrgEvent:
    """An Event as the org holds it; times are aware."""

    id: str
    key: str | None
    booking_id: str | None
    subject: str
    starts_at: datetime
    ends_at: datetime
    who_id: str | None
    owner_id: str
    modified: str


@dataclass(frozen=True, slots=True)
class OrgPerson:
    """A Lead or a Contact; ``contact_id`` is where a converted Lead went."""

    id: str
    is_contact: bool
    first_name: str
    last_name: str
    email: str
    created: str
    key: str | None
    is_converted: bool = False
    contact_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrgMember:
    """A membership: the name of the Campaign, the Lead or Contact, and the status."""

    campaign: str
    who_id: str
    status: str


@dataclass(slots=True)
class OrgState:
    """What one fresh look at the org found."""

    events: list[OrgEvent]
    people: dict[str, OrgPerson]
    users_by_email: dict[str, list[str]] = field(default_factory=dict)
    members: list[OrgMember] = field(default_factory=list)

    def by_key(self) -> dict[str, OrgEvent]:
        """Return our Events by their key."""
        return {event.key: event for event in self.events if event.key}

    def foreign_event_ids(self) -> set[str]:
        """Return the Events that are none of ours."""
        return {event.id for event in self.events if not event.key}


def sign_in(org: Mapping[str, str]) -> requests.Session:
    """Sign in to the org with the credentials it announced."""
    session = requests.Session()
    session.trust_env = False
    answer = session.post(
        f"{org['url']}/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": org["consumer_key"],
            "client_secret": org["consumer_secret"],
        },
        timeout=TIMEOUT_SECONDS,
    )
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return session


def read_org(org: Mapping[str, str]) -> OrgState:
    """Query the org afresh, over HTTP."""
    session = sign_in(org)
    people = [_person(record, is_contact=False) for record in _query(session, org["url"], _LEADS)]
    people += [_person(record, is_contact=True) for record in _query(session, org["url"], _CONTACTS)]
    state = OrgState(
        events=[_event(record) for record in _query(session, org["url"], _EVENTS)],
        people={person.id: person for person in people},
    )
    campaigns = {record["Id"]: record["Name"] for record in _query(session, org["url"], _CAMPAIGNS)}
    state.members = [
        OrgMember(campaigns[record["CampaignId"]], record["LeadOrContactId"], record["Status"])
        for record in _query(session, org["url"], _MEMBERS)
    ]
    for record in _query(session, org["url"], _USERS):
        state.users_by_email.setdefault(str(record["Email"] or "").strip().casefold(), []).append(
            record["Id"]
        )
    return state


def _query(session: requests.Session, url: str, soql: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    answer = session.get(f"{url}{API}/query", params={"q": soql}, timeout=TIMEOUT_SECONDS)
    while True:
        answer.raise_for_status()
        page = answer.json()
        records += page["records"]
        if page["done"]:
            return records
        answer = session.get(f"{url}{page['nextRecordsUrl']}", timeout=TIMEOUT_SECONDS)


def _event(record: Mapping[str, Any]) -> OrgEvent:
    return OrgEvent(
        id=record["Id"],
        key=record["Coconut_Booking_Key__c"],
        booking_id=record["Coconut_Booking_Id__c"],
        subject=record["Subject"] or "",
        starts_at=datetime.fromisoformat(record["StartDateTime"]),
        ends_at=datetime.fromisoformat(record["EndDateTime"]),
        who_id=record["WhoId"],
        owner_id=record["OwnerId"],
        modified=record["SystemModstamp"],
    )


def _person(record: Mapping[str, Any], *, is_contact: bool) -> OrgPerson:
    return OrgPerson(
        id=record["Id"],
        is_contact=is_contact,
        first_name=record["FirstName"] or "",
        last_name=record["LastName"] or "",
        email=record["Email"] or "",
        created=record["CreatedDate"],
        key=record["Coconut_Client_Key__c"],
        is_converted=bool(record.get("IsConverted")),
        contact_id=record.get("ConvertedContactId"),
    )
