"""Which Account a new Contact belongs to (rule M10)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import NEW_ACCOUNTS, TEXT
from include.mapping.wanted_people import people_to_create
from include.mapping.wire_text import text_block
from include.matching.decide import HOLD
from include.matching.texts import join_texts
from include.reasons import Reason
from include.settings.field_mapping import Sobject
from include.settings.model import (
    AccountDeduplication,
    AmbiguousMatch,
    ContactWithoutCompany,
    EntityType,
    Settings,
)

if TYPE_CHECKING:
    from collections.abc import Collection

NEW_ACCOUNT: Final = "account:"
"""What the reference of an Account begins with until it has an Id; its identity follows."""

_OF_COMPANY: Final = "company:"
_OF_PERSON: Final = "account-of:"
_LINE_ENDS: Final = r"[\n\x85\u2028\u2029]+"
_LISTED: Final = 5
_ACTION_CREATE: Final = '"action":"create"'
_ACTION_HOLD: Final = '"action":"hold"'


def company_names(values: pd.Series[str]) -> pd.Series[str]:
    """Return names as they are written: trimmed and on one line, otherwise in Coconut's own spelling."""
    return text_block(values).str.replace(_LINE_ENDS, " ", regex=True)


def comparable_names(values: pd.Series[str]) -> pd.Series[str]:
    """Return names of Accounts as they are compared: trimmed, in any letter case, and nothing else (rule M10)."""
    return values.str.strip().str.casefold()


def names_to_find(decisions: pd.DataFrame, clients: pd.DataFrame, settings: Settings) -> frozenset[str]:
    """Return the names of Accounts that have to be looked for in the org; none where no Contact shares an Account."""
    if settings.entity_type is not EntityType.CONTACT:
        return frozenset()
    people = people_to_create(decisions, clients)
    if people.empty:
        return frozenset()
    return frozenset(_shared_names(people, settings).dropna().tolist()) | {_placeholder(settings)} - {""}


def hold_ambiguous_accounts(
    decisions: pd.DataFrame, clients: pd.DataFrame, accounts: pd.DataFrame, settings: Settings
) -> pd.DataFrame:
    """Return the decisions, those held of people whose company is the name of several Accounts (rules M6, M10).

    Only where the setting ``ambiguous_match`` leaves the choice to a person.

    Args:
        decisions: ``frames.DECISIONS``.
        clients: ``frames.CLIENTS``.
        accounts: ``frames.COMPANY_ACCOUNTS``.
        settings: the settings in force.
    """
    if settings.entity_type is not EntityType.CONTACT or accounts.empty:
        return decisions
    people = people_to_create(decisions, clients)
    choice = choose_accounts(people, accounts, settings=settings)
    candidates = choice["candidates"].where(choice["is_ambiguous"]).set_axis(people["person_ref"]).dropna()
    if candidates.empty:
        return decisions
    is_held = decisions["person_ref"].isin(candidates.index)
    told = (
        decisions["explanation"].str.replace(_ACTION_CREATE, _ACTION_HOLD, regex=False).str.removesuffix("}")
        + f',"reason":"{Reason.AMBIGUOUS_ACCOUNT.value}","accounts":"'
        + decisions["person_ref"].map(candidates)
        + '"}'
    )
    return decisions.assign(
        action=decisions["action"].mask(is_held, HOLD),
        reason=decisions["reason"].mask(is_held, Reason.AMBIGUOUS_ACCOUNT.value),
        explanation=decisions["explanation"].mask(is_held, told),
        evidence=decisions["evidence"].mask(is_held),
        sobject=decisions["sobject"].mask(is_held),
        person_ref=decisions["person_ref"].mask(is_held),
    )


def choose_accounts(people: pd.DataFrame, accounts: pd.DataFrame, *, settings: Settings) -> pd.DataFrame:
    """Return the Account of each new person, with the index of ``people``; only Contacts have one.

    Args:
        people: ``sobject`` and ``identity``; ``company``, ``first_name`` and ``last_name`` of the client.
        accounts: ``frames.COMPANY_ACCOUNTS`` of ``names_to_find``.
        settings: how Accounts are shared, and what a Contact without company gets.

    Returns:
        ``account_ref`` (the Id of an Account that exists, ``account:<identity>`` of one to be created, missing for
        none), ``account_name`` and ``account_identity`` of one to be created, ``is_ambiguous`` (a person has to choose
        among several) and ``candidates`` (Ids of the first few, the chosen one first, joined by a space).
    """
    is_contact = people["sobject"].eq(Sobject.CONTACT)
    company, shared = company_names(people["company"]), _shared_names(people, settings).where(is_contact)
    has_own = company.isna() & (settings.contact_without_company is ContactWithoutCompany.OWN_ACCOUNT)
    name = shared.fillna(company).fillna(_own_names(people).where(has_own)).where(is_contact)
    key = comparable_names(shared)
    existing = _by_name(accounts, settings).reindex(pd.Index(key)).set_axis(people.index)
    identity = _company_identities(key).fillna((_OF_PERSON + people["identity"]).where(name.notna()))
    is_new = existing["account_id"].isna() & name.notna()
    several = existing["equals"].fillna(0).gt(1)
    return pd.DataFrame(
        {
            "account_ref": existing["account_id"].fillna((NEW_ACCOUNT + identity).where(is_new)),
            "account_name": name.where(is_new),
            "account_identity": identity.where(is_new),
            "is_ambiguous": several & (settings.ambiguous_match is AmbiguousMatch.HOLD),
            "candidates": existing["candidates"],
        }
    ).astype({"account_ref": TEXT, "account_name": TEXT, "account_identity": TEXT, "candidates": TEXT})


def new_accounts(people: pd.DataFrame) -> pd.DataFrame:
    """Return ``frames.NEW_ACCOUNTS``: the Accounts that are to be created for new Contacts, each once.

    A shared Account is named, and owned, as its first client has it. It gets no other field: what is mapped to Account
    describes a person, and an Account of a company belongs to many.

    Args:
        people: the loadable ones: ``client_id``, ``OwnerId`` and the columns of ``choose_accounts``, smallest client
            id first.
    """
    wanted = people[people["account_identity"].notna()].drop_duplicates("account_identity")
    missing = pd.Series(None, index=wanted.index, dtype=TEXT)
    rows = {
        "account_ref": wanted["account_ref"],
        "identity": wanted["account_identity"],
        "client_id": wanted["client_id"],
        "outcome": missing,
        "reason": missing,
        "detail": missing,
        "Name": wanted["account_name"],
        "OwnerId": wanted["OwnerId"],
    }
    return NEW_ACCOUNTS.conform(pd.DataFrame(rows, index=wanted.index))


def _shared_names(people: pd.DataFrame, settings: Settings) -> pd.Series[str]:
    """Return the name of the Account that a person shares with others of that company; missing where it shares none."""
    company = company_names(people["company"])
    is_automatic = settings.account_deduplication is AccountDeduplication.AUTOMATIC
    named = company.where(pd.Series(is_automatic, index=company.index))
    return named.mask(company.isna(), _placeholder(settings) or None).astype(TEXT)


def _placeholder(settings: Settings) -> str:
    """Return the name of the Account of Contacts without company; empty where they share none."""
    is_shared = settings.contact_without_company is ContactWithoutCompany.PLACEHOLDER_ACCOUNT
    return settings.company_placeholder.strip() if is_shared else ""


def _own_names(people: pd.DataFrame) -> pd.Series[str]:
    """Return the name of an Account of the client's own: first and last name, or the one there is."""
    first, last = company_names(people["first_name"]), company_names(people["last_name"])
    names = (first.fillna("") + " " + last.fillna("")).str.strip()
    return names.mask(names.eq(""))


def _by_name(accounts: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the Account of each name, indexed by the name as it is compared (rule M6 where there are several)."""
    is_newest = settings.ambiguous_match is AmbiguousMatch.MOST_RECENTLY_MODIFIED
    ranked = accounts.assign(key=comparable_names(accounts["name"]))
    ranked = ranked.sort_values(
        ["key", "modified_at" if is_newest else "created_at", "account_id"],
        ascending=[True, not is_newest, True],
    )
    by_key = ranked.groupby("key", sort=True)
    chosen = pd.DataFrame({"account_id": by_key["account_id"].first(), "equals": by_key.size()})
    listed = ranked[by_key.cumcount() < _LISTED]
    return chosen.assign(candidates=join_texts(listed["key"], listed["account_id"]))


def _company_identities(keys: pd.Series[str]) -> pd.Series[str]:
    """Return what is claimed before the Account of a company is created: a digest of its name as it is compared."""
    # hashlib has no columnar form: one call per distinct name, none per row
    names: Collection[str] = keys.dropna().unique().tolist()
    digests = {name: _OF_COMPANY + sha256(name.encode()).hexdigest()[:32] for name in names}
    return keys.map(digests).astype(TEXT)
