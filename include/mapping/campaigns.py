"""Which campaign a booking belongs to (rule M13): its own, else that of the first rule that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from include.frames import CAMPAIGN_CHOICES, CAMPAIGN_PAIRS, TEXT
from include.mapping.pairs import booking_keys, source_versions
from include.matching.normalise import salesforce_id_18
from include.reasons import CampaignNote

if TYPE_CHECKING:
    from include.settings.model import CampaignRule, Settings

CAMPAIGN_PREFIX: Final = "701"
"""Key prefix of the Campaign sObject (Salesforce Help, "Standard Field Record ID Prefix")."""


def campaign_pairs(bookings: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return every pair that has an attendee, with the campaign its booking names (contract ``CAMPAIGN_PAIRS``).

    Args:
        bookings: contract ``BOOKINGS``.
        settings: the settings in force; rules are asked where the booking names no campaign itself.
    """
    named = bookings["utm_campaign"].str.strip()
    campaign = named.mask(named == "")
    for rule in settings.campaign_rules:
        campaign = campaign.mask(campaign.isna() & _fits(bookings, rule), rule.campaign.strip())
    pairs = bookings.assign(
        booking_key=booking_keys(bookings, namespace=settings.key_namespace),
        campaign=campaign,
        source_version=source_versions(bookings),
        is_gone=bookings["booking_deleted"] | bookings["attendee_deleted"],
    )
    return CAMPAIGN_PAIRS.conform(pairs[pairs["client_id"].notna()])


def campaign_ids(names: pd.Series[str]) -> pd.Series[str]:
    """Return the names that have the form of a Campaign's Id, with 18 characters; missing for the others."""
    ids = salesforce_id_18(names)
    return ids.where(ids.str.startswith(CAMPAIGN_PREFIX).eq(True))


def choose_campaigns(names: pd.Series[str], campaigns: pd.DataFrame) -> pd.DataFrame:
    """Return which Campaign each distinct name means, or why none (contract ``CAMPAIGN_CHOICES``).

    An Id means its Campaign; any other name the one active Campaign of exactly that name.

    Args:
        names: Ids of 15 or 18 characters, or names.
        campaigns: contract ``CAMPAIGNS``: all that bear one of these Ids or names.
    """
    choices = pd.DataFrame({"campaign": pd.Series(sorted(names.dropna().unique()), dtype=TEXT)})
    choices["by_id"] = campaign_ids(choices["campaign"])
    is_active = campaigns.set_index("campaign_id")["is_active"]
    active = campaigns[campaigns["is_active"]].groupby("name")["campaign_id"].agg(["first", "size"])
    found = choices["campaign"].map(active["first"]).astype(TEXT)
    number = choices["campaign"].map(active["size"]).fillna(0)
    is_known_id = choices["by_id"].isin(is_active.index)
    is_inactive = is_known_id & ~choices["by_id"].isin(is_active.index[is_active])
    is_inactive |= ~is_known_id & (number == 0) & choices["campaign"].isin(campaigns["name"])
    note = np.select(
        [is_inactive, is_known_id, number > 1, number == 0],
        [
            CampaignNote.INACTIVE_CAMPAIGN.value,
            "",
            CampaignNote.SEVERAL_CAMPAIGNS.value,
            CampaignNote.UNKNOWN_CAMPAIGN.value,
        ],
        default="",
    )
    choices["note"] = pd.Series(note, dtype=TEXT).mask(note == "")
    choices["campaign_id"] = choices["by_id"].where(is_known_id, found).mask(choices["note"].notna())
    return CAMPAIGN_CHOICES.conform(choices)


def _fits(bookings: pd.DataFrame, rule: CampaignRule) -> pd.Series[bool]:
    """Tell which bookings a rule is for; a part that it leaves out fits every booking."""
    fits = pd.Series(True, index=bookings.index)
    for wanted, columns in (
        (rule.service, ("service_id", "service_name")),
        (rule.location, ("location_id", "location_name")),
    ):
        if name := wanted.strip().casefold():
            is_named = [bookings[column].str.strip().str.casefold().eq(name) for column in columns]
            fits &= is_named[0] | is_named[1]
    return fits
