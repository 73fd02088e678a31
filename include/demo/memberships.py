"""Which campaigns every person should be a member of, and with which status, for the proof: the default table (M13)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from include.demo.expected import Client, Expectation
from include.demo.org_reader import OrgState
from include.demo.people import People

_ADVANCE: Final = ("cancelled", "no_show", "booked", "confirmed", "arrived", "in_service", "complete")
_RESPONSES: Final = {"arrived", "in_service", "complete"}

Membership = tuple[str, str]
"""The name of a Campaign, and the Id of a Lead or Contact."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pair of booking and attendee counts for; ``status`` is the booking's."""

    campaign: str
    status: str
    client: Client


def counted_pairs(
    expectation: Expectation, refused: Set[str], earlier: Mapping[str, Counted]
) -> dict[str, Counted]:
    """Return what counts by pair: a pair that has to stay as it was counts for what it did before."""
    kept = {key: earlier[key] for key in (*expectation.left_alone, *refused) if key in earlier}
    events = (event for event in expectation.events.values() if event.key not in refused)
    now = {
        event.key: Counted(event.campaign, event.status, event.client) for event in events if event.campaign
    }
    return {**kept, **now}


def wrong_memberships(
    counted: Mapping[str, Counted], people: People, org: OrgState, before: OrgState
) -> dict[str, list[str]]:
    """Return the memberships that are wrong, by what is wrong with them.

    One that no booking asks for any more stays: nobody is ever taken from a Campaign.
    """
    wanted = _wanted(counted, people)
    found, earlier = _found(org), _found(before)
    both = wanted.keys() & found.keys()
    return {
        "missing memberships": _named(wanted.keys() - found.keys()),
        "extra memberships": _named(found.keys() - wanted.keys() - earlier.keys()),
        "wrong member status": _named({one for one in both if wanted[one] != found[one]}),
    }


def _wanted(counted: Mapping[str, Counted], people: People) -> dict[Membership, str]:
    """Return the status of each membership: that of the person's most advanced booking of the campaign."""
    most_advanced: dict[Membership, str] = {}
    for one in counted.values():
        who = people.who(one.client)
        if who is not None:
            now = most_advanced.get((one.campaign, who), one.status)
            most_advanced[one.campaign, who] = max(now, one.status, key=_ADVANCE.index)
    return {key: "Responded" if status in _RESPONSES else "Sent" for key, status in most_advanced.items()}


def _found(org: OrgState) -> dict[Membership, str]:
    return {(member.campaign, member.who_id): member.status for member in org.members}


def _named(memberships: Set[Membership]) -> list[str]:
    return sorted(f"{who_id} of {campaign}" for campaign, who_id in memberships)
