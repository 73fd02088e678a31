"""Tell in plain words what a booking does for a campaign, and what stands in the way (rules M13, M9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.mapping.campaigns import campaign_pairs
from include.reasons import CampaignNote
from include.source.pairs import read_chunk
from include.source.snapshot import open_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from include.ledger.booking_history import ClientHistory, Row
    from include.settings.model import Settings

_NOTES: Final[Mapping[str, str]] = {
    CampaignNote.UNKNOWN_CAMPAIGN: "Salesforce has no Campaign of that Id or exactly that name.",
    CampaignNote.SEVERAL_CAMPAIGNS: "Several active Campaigns have that name, so none of them was taken.",
    CampaignNote.INACTIVE_CAMPAIGN: "The Campaign is not active.",
    CampaignNote.STATUS_NOT_IN_CAMPAIGN: (
        "The Campaign does not have the member status that campaign_member_statuses gives for the booking's status."
    ),
    CampaignNote.NOT_PERMITTED: "The integration user lacks the permission for campaigns and their members.",
    CampaignNote.PERSON_MISSING: "There is no record yet that could become a member.",
    CampaignNote.REFUSED_BY_SALESFORCE: "Salesforce refused the membership.",
    CampaignNote.TRANSIENT_EXHAUSTED: "Salesforce did not get to the membership; the next run tries again.",
}


@dataclass(frozen=True, slots=True)
class NamedCampaign:
    """What a booking calls its campaign, an Id or a name, and whether a rule of the settings gave it."""

    name: str
    is_by_rule: bool


def named_campaigns(source: Engine, appointment_id: int, settings: Settings) -> dict[str, NamedCampaign]:
    """Return the campaign that a booking asks for now, by client id; nobody's where it asks for none or is deleted.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    with open_snapshot(source) as connection:
        bookings = read_chunk(connection, [appointment_id]).bookings
    pairs = campaign_pairs(bookings, settings)
    asking = pairs[pairs["campaign"].notna() & ~pairs["is_gone"]]
    own = set(bookings["utm_campaign"].dropna().str.strip())
    return {
        str(client_id): NamedCampaign(str(name), is_by_rule=name not in own)
        for client_id, name in zip(asking["client_id"], asking["campaign"], strict=True)
    }


def campaign_sentences(named: NamedCampaign | None, booking_key: str, client: ClientHistory) -> list[str]:
    """Return which campaign the pair counts towards, what was asked of the membership, and what was noted.

    Args:
        named: what the booking asks for now.
        booking_key: the key of the pair.
        client: what the ledger knows of the attendee.
    """
    counted = next(
        (row["campaign_id"] for row in client.campaigns if row["booking_key"] == booking_key), None
    )
    sentences = []
    if named is not None:
        by = "A campaign rule of the settings gives the booking" if named.is_by_rule else "The booking names"
        sentences.append(f"{by} the campaign {named.name}.")
    if counted is not None:
        sentences.append(f"It counts towards Campaign {counted}.")
        if sum(row["campaign_id"] == counted for row in client.campaigns) > 1:
            sentences.append("Of several bookings of one campaign the most advanced decides.")
    elif named is None:
        return []
    asked_for = counted or (named.name if named else None)
    found = [row for row in client.memberships if row["campaign_id"] == asked_for]
    if not found:
        return [*sentences, "No run has dealt with its membership yet."]
    return [*sentences, *(sentence for row in found for sentence in _membership(row))]


def _membership(row: Row) -> list[str]:
    sentences = []
    if row["member_id"]:
        status = row["member_status"]
        asked = f"the member status {status}" if status else "no member status of its own"
        sentences.append(f"The person is member {row['member_id']} of it; Coconut last asked for {asked}.")
    if row["note"]:
        sentences.append(_NOTES[row["note"]])
    return sentences
