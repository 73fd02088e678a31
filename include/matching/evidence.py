"""What makes a client and a Salesforce record one person, strongest first (rules M1, M2, M8)."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import Final

import pandas as pd

from include.matching.normalise import normalise_email, normalise_phone, normalise_text
from include.settings.model import MatchingAlgorithm, Settings


class Evidence(StrEnum):
    """Why a client is on its record, in the order in which evidence is heard (rule M1)."""

    ADMIN_CHOICE = "admin_choice"
    SOURCE_ID = "source_id"
    KEPT_LINK = "kept_link"
    CLAIM_KEY = "claim_key"
    NAME_AND_EMAIL = "name_and_email"
    EMAIL = "email"
    PHONE = "phone"
    DUPLICATE_RULE = "duplicate_rule"
    NEW = "new"


STEPS: Final[dict[MatchingAlgorithm, tuple[Evidence, ...]]] = {
    MatchingAlgorithm.NAME_AND_EMAIL: (Evidence.NAME_AND_EMAIL,),
    MatchingAlgorithm.EMAIL: (Evidence.EMAIL,),
    MatchingAlgorithm.PHONE_THEN_NAME_AND_EMAIL: (Evidence.PHONE, Evidence.NAME_AND_EMAIL),
    MatchingAlgorithm.NAME_AND_EMAIL_THEN_PHONE: (Evidence.NAME_AND_EMAIL, Evidence.PHONE),
}
"""The comparisons of each algorithm, in order."""

CLIENT_ITSELF: Final = "client"
"""Step of the identity that only the client row itself has."""

_BETWEEN_VALUES: Final = "\x1f"


def steps_of(settings: Settings) -> tuple[Evidence, ...]:
    """Return the comparisons of the configured algorithm, in order."""
    return STEPS[settings.matching_algorithm]


def step_keys(rows: pd.DataFrame, step: Evidence, settings: Settings) -> pd.Series[str]:
    """Return what ``step`` compares, one text per row; missing where a compared value is empty (rule M2).

    ``rows`` are clients or candidates: ``first_name``, ``last_name``, ``email``, ``phone``, ``country``.
    """
    if step is Evidence.PHONE:
        return normalise_phone(rows["phone"], rows["country"], default_region=settings.default_phone_region)
    email = normalise_email(rows["email"])
    if step is Evidence.EMAIL:
        return email
    name = normalise_text(rows["first_name"]) + _BETWEEN_VALUES + normalise_text(rows["last_name"])
    return name + _BETWEEN_VALUES + email


def client_keys_by_step(clients: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return what can be compared of each client: ``client_id``, ``step`` (0, 1 …), ``key``, one row per step."""
    steps = enumerate(steps_of(settings))
    return _joined(
        [_keys(clients["client_id"], number, step_keys(clients, step, settings)) for number, step in steps]
    )


def candidate_keys_by_step(candidates: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return what can be compared of each candidate: ``record_id``, ``step`` (0, 1 …), ``key``.

    One row per step and value: a record can be found by its phone and by its mobile phone.
    """
    ids, keys = candidates["record_id"], []
    for number, step in enumerate(steps_of(settings)):
        keys.append(_keys(ids, number, step_keys(candidates, step, settings)))
        if step is Evidence.PHONE:
            mobile = step_keys(candidates.assign(phone=candidates["mobile_phone"]), step, settings)
            keys.append(_keys(ids, number, mobile.mask(mobile.eq(keys[-1]["key"]))))
    return _joined(keys)


def identities(clients: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the identities of every client: ``client_id``, ``identity``, ``step``.

    An identity of evidence is the first 32 hex digits of the SHA-256 of the step's name and its normalised values: two
    clients that share one are one person. Besides, every client has the identity ``client:<id>``, its only one where it
    lacks evidence; it lets a claim be found again although the client's name or e-mail was edited meanwhile (rule M1).
    """
    steps = steps_of(settings)
    keys = client_keys_by_step(clients, settings)
    codes, distinct = pd.factorize(keys["step"].astype("str") + _BETWEEN_VALUES + keys["key"])
    # hashlib has no columnar form: one call per distinct value, none per row
    digests = [
        sha256((steps[int(text[0])].value + text[1:]).encode()).hexdigest()[:32] for text in distinct.tolist()
    ]
    names = pd.Series([step.value for step in steps], dtype="str")
    by_evidence = pd.DataFrame(
        {
            "client_id": keys["client_id"],
            "identity": pd.Series(digests, dtype="str").take(codes).to_numpy(),
            "step": names.take(keys["step"].to_numpy()).to_numpy(),
        }
    )
    by_row = pd.DataFrame({"client_id": clients["client_id"], "identity": "client:" + clients["client_id"]})
    found = pd.concat([by_evidence, by_row.assign(step=CLIENT_ITSELF)], ignore_index=True)
    return found.astype({"client_id": "str", "identity": "str", "step": "str"})


def _keys(ids: pd.Series[str], number: int, keys: pd.Series[str]) -> pd.DataFrame:
    return pd.DataFrame({str(ids.name): ids, "step": number, "key": keys})


def _joined(keys: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(keys, ignore_index=True).dropna(subset=["key"]).reset_index(drop=True)
