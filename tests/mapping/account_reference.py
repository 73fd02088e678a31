"""Rule M10 once more, one Contact at a time, sharing no code with what it checks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Choice:
    account_ref: str | None = None
    account_name: str | None = None
    is_ambiguous: bool = False
    candidates: frozenset[str] = frozenset()


def one_line(value: object) -> str:
    return " ".join(line.strip() for line in str(value or "").splitlines() if line.strip())


def choose(person: dict[str, object], accounts: list[dict[str, object]], settings: dict[str, str]) -> Choice:
    """Return the Account of one new person."""
    if person["sobject"] != "Contact":
        return Choice()
    company = one_line(person["company"])
    if company and settings["account_deduplication"] == "automatic":
        return shared(company, accounts, settings["ambiguous_match"])
    if not company and settings["contact_without_company"] == "placeholder_account":
        placeholder = settings["company_placeholder"].strip()
        return shared(placeholder, accounts, settings["ambiguous_match"]) if placeholder else Choice()
    if not company and settings["contact_without_company"] == "no_account":
        return Choice()
    names = [one_line(person[name]) for name in ("first_name", "last_name")]
    own = company or " ".join(name for name in names if name)
    return Choice(f"account:account-of:{person['identity']}", own) if own else Choice()


def shared(name: str, accounts: list[dict[str, object]], policy: str) -> Choice:
    """Return the Account that bears a name, or the one that is created for everybody of that name."""
    key = name.casefold()
    equals = [one for one in accounts if str(one["name"]).strip().casefold() == key]
    if not equals:
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        return Choice(f"account:company:{digest}", name)
    best = min(equals, key=lambda one: rank(one, policy))
    return Choice(
        account_ref=str(best["account_id"]),
        is_ambiguous=policy == "hold" and len(equals) > 1,
        candidates=frozenset(str(one["account_id"]) for one in equals),
    )


def rank(account: dict[str, object], policy: str) -> tuple[bool, float, str]:
    is_newest = policy == "most_recently_modified"
    when = account["modified_at" if is_newest else "created_at"]
    if not isinstance(when, datetime):
        return True, 0.0, str(account["account_id"])
    return False, -when.timestamp() if is_newest else when.timestamp(), str(account["account_id"])
