"""Whose membership of a campaign is made or changed, and how (rule M13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from include.frames import CAMPAIGN_BOOKINGS, MEMBERS, TEXT, TOUCHED_CAMPAIGNS
from include.reasons import Action, CampaignNote, Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBER_SOBJECT: Final = "CampaignMember"

MEMBER_KEY_FIELDS: Final = ("CampaignId", "LeadId", "ContactId")
"""Campaign and person, of which Salesforce takes one membership ("CampaignMember", Object Reference)."""

ADVANCE: Final = ("cancelled", "no_show", "booked", "confirmed", "arrived", "in_service", "complete")
"""Statuses of a booking, the least advanced first."""


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What the org and the ledger know of the campaigns of a run.

    Attributes:
        statuses: contract ``CAMPAIGN_STATUSES``: all statuses of these Campaigns.
        memberships: contract ``MEMBERSHIPS``: those that the org holds of the people concerned.
        asked: contract ``ASKED_MEMBERS``.
        may_write: our user may make people members.
        may_read_statuses: our user sees which statuses a Campaign has.
    """

    statuses: pd.DataFrame
    memberships: pd.DataFrame
    asked: pd.DataFrame
    may_write: bool
    may_read_statuses: bool


def counting_pairs(pairs: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs whose bookings count: those that are written, or registered, or stand as they were written.

    Args:
        pairs: contract ``CAMPAIGN_PAIRS``.
        events: contract ``EVENTS`` of the same bookings.
    """
    is_unchanged = events["outcome"].eq(Outcome.UNCHANGED) & events["reason"].ne(Reason.OVERTAKEN)
    counts = events["outcome"].isna() | events["needs_person"] | is_unchanged
    return pairs[pairs["booking_key"].isin(events.loc[counts, "booking_key"])]


def touched_by(pairs: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return what pairs count towards now, or did before (contract ``TOUCHED_CAMPAIGNS``).

    Args:
        pairs: contract ``RESOLVED_PAIRS``: the pairs of a run that settle.
        known: contract ``CAMPAIGN_BOOKINGS``: what the ledger has of the people concerned.
    """
    before = known[known["booking_key"].isin(pairs["booking_key"])]
    names = list(TOUCHED_CAMPAIGNS.columns)
    both = pd.concat([pairs[names], before[names]])
    touched = both.dropna(subset=["client_id", "campaign_id"]).drop_duplicates(ignore_index=True)
    return TOUCHED_CAMPAIGNS.conform(touched)


def with_people(rows: pd.DataFrame, decisions: pd.DataFrame, forwards: pd.DataFrame) -> pd.DataFrame:
    """Return rows with ``person_ref`` and ``who_id`` of who their clients are by this run's decisions.

    Args:
        rows: with ``client_id``; ``person_ref`` and ``who_id`` of clients that the run did not decide about are those
            of the ledger, and followed here.
        decisions: contract ``DECISIONS``.
        forwards: what became of converted and merged records (``include.matching.decide.Decisions``).
    """
    decided = decisions.set_index("client_id")
    is_decided = rows["client_id"].isin(decided.index)
    moved = forwards.set_index("old_id")
    columns = {}
    for name, forward in (("person_ref", "new_record_id"), ("who_id", "new_id")):
        before = rows[name] if name in rows else pd.Series(index=rows.index, dtype=TEXT)
        followed = before.map(moved[forward]).astype(TEXT).fillna(before)
        columns[name] = rows["client_id"].map(decided[name]).astype(TEXT).where(is_decided, followed)
    return rows.assign(**columns)


def counted_bookings(known: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the bookings that count once these pairs are settled (contract ``CAMPAIGN_BOOKINGS``).

    Args:
        known: contract ``CAMPAIGN_BOOKINGS``: what the ledger has of the people concerned.
        pairs: the pairs of this run that settle, in place of what the ledger has of them: the columns of
            ``CAMPAIGN_BOOKINGS`` and ``is_gone``.
    """
    kept = known[~known["booking_key"].isin(pairs["booking_key"])]
    live = pairs[~pairs["is_gone"] & pairs["campaign_id"].notna()]
    return CAMPAIGN_BOOKINGS.conform(pd.concat([kept, live], ignore_index=True))


def plan_members(
    bookings: pd.DataFrame, touched: pd.DataFrame, facts: CampaignFacts, member_statuses: Mapping[str, str]
) -> pd.DataFrame:
    """Return one row per person and campaign that this run touches (contract ``MEMBERS``).

    The most advanced booking decides. A new member gets the status that the table gives, if the Campaign has it, else
    the Campaign's own default. A member whose status is still as Coconut asked for follows the table; where somebody
    else has changed it, it is changed only when Coconut has news, and only from a status that is no response to one
    that is. Who was removed from a Campaign becomes a member again only when Coconut has news.

    Args:
        bookings: contract ``CAMPAIGN_BOOKINGS``: all that count of the people concerned.
        touched: contract ``TOUCHED_CAMPAIGNS``: what this run may change.
        facts: what org and ledger know.
        member_statuses: member status by booking status (setting ``campaign_member_statuses``).
    """
    members = _deciding_bookings(_touched(bookings, touched))
    members = _with_statuses(members, facts, member_statuses)
    members = members.merge(
        facts.memberships, how="left", on=["campaign_id", "who_id"], suffixes=("", "_now")
    )
    before = facts.asked.rename(columns={"asked_status": "asked_before"}).assign(was_asked=True)
    members = members.merge(before, how="left", on=["campaign_id", "who_id"])
    members["action"] = _actions(members, facts)
    members["member_status"] = members["member_status"].where(
        members["action"].eq(Action.CREATE), members["asked_status"]
    )
    return MEMBERS.conform(members.assign(campaign=members["campaign_id"], note=_notes(members, facts)))


def noted_members(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return one row per person and name of a campaign that leads to none (contract ``MEMBERS``).

    Args:
        pairs: ``campaign``, ``note``, ``person_ref``, ``who_id``, ``client_id``, ``booking_key`` and ``is_gone``.
    """
    noted = pairs[pairs["note"].notna() & pairs["person_ref"].notna() & ~pairs["is_gone"]]
    first = noted.sort_values("booking_key").drop_duplicates(["campaign", "person_ref"])
    absent = dict.fromkeys(("campaign_id", "asked_status", "member_status", "member_id"))
    return MEMBERS.conform(first.assign(**absent, action=str(Action.NONE)))


def _touched(bookings: pd.DataFrame, touched: pd.DataFrame) -> pd.DataFrame:
    """Return the bookings of those people and campaigns of which any booking is touched."""
    concerned = touched[["person_ref", "campaign_id"]].dropna().drop_duplicates()
    return bookings.merge(concerned, on=["person_ref", "campaign_id"])


def _deciding_bookings(bookings: pd.DataFrame) -> pd.DataFrame:
    ranks = {status: rank for rank, status in enumerate(ADVANCE)}
    ranked = bookings.assign(rank=bookings["status"].map(ranks).fillna(-1))
    ordered = ranked.sort_values(["rank", "booking_key"], ascending=[False, True])
    return ordered.drop_duplicates(["person_ref", "campaign_id"]).reset_index(drop=True)


def _with_statuses(
    members: pd.DataFrame, facts: CampaignFacts, member_statuses: Mapping[str, str]
) -> pd.DataFrame:
    """Add ``asked_status`` as the Campaign spells it, ``member_status`` of a new member, and what they say."""
    named = members["status"].map(dict(member_statuses)).astype(TEXT).str.strip()
    wanted = named.mask(named == "")
    own = facts.statuses.assign(folded=facts.statuses["label"].str.casefold())
    own = own.drop_duplicates(["campaign_id", "folded"])[["campaign_id", "folded", "label", "has_responded"]]
    found = members.assign(folded=wanted.str.casefold()).merge(own, how="left", on=["campaign_id", "folded"])
    defaults = facts.statuses[facts.statuses["is_default"]].drop_duplicates("campaign_id")
    default = found["campaign_id"].map(defaults.set_index("campaign_id")["label"]).astype(TEXT)
    return found.assign(
        is_unknown_status=wanted.notna() & found["label"].isna(),
        asked_status=found["label"],
        member_status=found["label"].fillna(default),
        is_response=found["has_responded"].eq(True),
    )


def _actions(members: pd.DataFrame, facts: CampaignFacts) -> pd.Series[str]:
    if not facts.may_write:
        return pd.Series(str(Action.NONE), index=members.index, dtype=TEXT)
    responded = facts.statuses.loc[facts.statuses["has_responded"], ["campaign_id", "label"]]
    now = members["member_status_now"]
    had_responded = pd.MultiIndex.from_frame(members[["campaign_id", "member_status_now"]].fillna("")).isin(
        pd.MultiIndex.from_frame(responded)
    )
    asked, before = members["asked_status"], members["asked_before"]
    is_member = members["member_id"].notna()
    is_removed = ~is_member & members["was_asked"].eq(True)
    is_wanted = ~is_member & (~is_removed | (asked.notna() & asked.ne(before)))
    is_as_asked = now.eq(before)
    is_advance = asked.ne(before) & members["is_response"] & ~had_responded
    is_changed = asked.notna() & asked.ne(now) & (is_as_asked | is_advance)
    action = np.select(
        [is_wanted, is_member & is_changed],
        [Action.CREATE.value, Action.UPDATE.value],
        default=Action.NONE.value,
    )
    return pd.Series(action, index=members.index, dtype=TEXT)


def _notes(members: pd.DataFrame, facts: CampaignFacts) -> pd.Series[str]:
    notes = pd.Series(index=members.index, dtype=TEXT)
    if not (facts.may_write and facts.may_read_statuses):
        return notes.fillna(CampaignNote.NOT_PERMITTED.value)
    return notes.mask(members["is_unknown_status"], CampaignNote.STATUS_NOT_IN_CAMPAIGN.value)
