"""Every decision explains itself: as compact JSON that is kept, and in plain words (rule M9)."""

from __future__ import annotations

import json
from typing import Final

import pandas as pd

from include.matching.evidence import Evidence
from include.matching.follow import USABLE, Fate
from include.matching.known import OPEN_CLAIM
from include.reasons import REASONS, Reason
from include.settings.model import AmbiguousMatch, Settings

_ABSENT_FIELDS: Final = r'"[a-z_]+":null,?'
_BEFORE_THE_END: Final = r",}$"

_FATE_WORDS: Final = {
    Fate.DELETED.value: "was deleted",
    Fate.NOT_FOUND.value: "does not exist in this org, or our user may not see it",
    Fate.NOT_A_PERSON.value: "is not a person's record",
    "malformed": "is not a Salesforce Id",
}

_WON: Final = {
    Evidence.ADMIN_CHOICE.value: "An administrator chose record {record} for this client.",
    Evidence.SOURCE_ID.value: "Coconut holds the Salesforce Id {record} for this client.",
    Evidence.KEPT_LINK.value: "The link to record {record} is kept from an earlier run.",
    Evidence.CLAIM_KEY.value: "Record {record} carries the key {claim} that was claimed for this person.",
    Evidence.NAME_AND_EMAIL.value: "Record {record} has the same first name, last name and e-mail.",
    Evidence.EMAIL.value: "Record {record} has the same e-mail.",
    Evidence.PHONE.value: "Record {record} has the same phone.",
    Evidence.DUPLICATE_RULE.value: "Salesforce's duplicate rule {rule} reported record {record}, which is used.",
    Evidence.NEW.value: "No record in Salesforce is this client, so a new {sobject} is created.",
}

_SAME_EVIDENCE: Final = {
    Evidence.NAME_AND_EMAIL.value: "first name, last name and e-mail",
    Evidence.EMAIL.value: "e-mail",
    Evidence.PHONE.value: "phone",
}

_POLICIES: Final = {
    AmbiguousMatch.OLDEST.value: "the oldest is taken",
    AmbiguousMatch.MOST_RECENTLY_MODIFIED.value: "the most recently modified is taken",
    AmbiguousMatch.HOLD.value: "a person has to choose",
}


def explanations(rows: pd.DataFrame, *, settings: Settings, settings_version: int) -> pd.Series[str]:
    """Return ``DECISIONS.explanation`` of each row: compact JSON of ids, evidence and settings, no personal values.

    Args:
        rows: decided clients with what was known of them and what the algorithm found, as ``decide`` has them.
        settings: the settings in force.
        settings_version: their version.
    """
    is_matched = rows["candidates_total"].notna()
    source_id = rows["source_id"].where(rows["source_fate"].notna())
    parts = {
        "settings": settings_version,
        "algorithm": settings.matching_algorithm.value,
        "entity_type": settings.entity_type.value,
        "action": rows["action"],
        "evidence": rows["evidence"],
        "record": rows["record_id"],
        "sobject": rows["sobject"],
        "reason": rows["reason"],
        "via": rows["via"],
        "followed": rows["followed_from"],
        "source_id": source_id,
        "source_fate": rows["source_fate"].mask(source_id.isna() & rows["source_fate"].notna(), "malformed"),
        "link": rows["link_id"],
        "link_fate": rows["link_fate"],
        "claim": rows["heard_claim"],
        "claim_fate": rows["claim_fate"],
        "candidates": rows["candidates"],
        "total": rows["candidates_total"].astype("Int64"),
        "equals": rows["equals"].astype("Int64"),
        "ambiguous_match": pd.Series(settings.ambiguous_match.value, index=rows.index, dtype="str").where(
            is_matched
        ),
        "lacks_evidence": pd.Series("yes", index=rows.index, dtype="str").where(rows["lacks_evidence"]),
    }
    lines = pd.DataFrame(parts, index=rows.index).to_json(orient="records", lines=True)
    text = pd.Series(lines.splitlines() if len(rows) else [], index=rows.index, dtype="str")
    compact = text.str.replace(_ABSENT_FIELDS, "", regex=True)
    return compact.str.replace(_BEFORE_THE_END, "}", regex=True)


def explain(explanation: str) -> str:
    """Return the sentences that an administrator reads for ``DECISIONS.explanation`` (JSON)."""
    facts: dict[str, str] = {name: str(value) for name, value in json.loads(explanation).items()}
    sentences = [_verdict(facts), *_detours(facts), *_lost(facts), *_considered(facts), *_accounts(facts)]
    in_force = "Settings version {settings}: algorithm {algorithm}, entity type {entity_type}.".format(
        **facts
    )
    return " ".join([*sentences, in_force])


def _verdict(facts: dict[str, str]) -> str:
    if "reason" in facts:
        return REASONS[Reason(facts["reason"])].text
    if "via" in facts:
        return (
            f"This client has the same {_SAME_EVIDENCE[facts['evidence']]} as client {facts['via']}, "
            f"whose record is {facts['record']}."
        )
    return _WON[facts["evidence"]].format(**{"claim": "", "record": "", **facts})


def _detours(facts: dict[str, str]) -> list[str]:
    if "followed" not in facts:
        return []
    return [f"It was found through {facts['followed']}, which was converted or merged into it."]


def _lost(facts: dict[str, str]) -> list[str]:
    """Name the evidence that was heard and did not win."""
    sentences = []
    if "source_fate" in facts and facts.get("evidence") != Evidence.SOURCE_ID:
        named = f"The Salesforce Id {facts['source_id']} that" if "source_id" in facts else "What"
        sentences.append(f"{named} Coconut holds {_fate(facts, 'source_fate')}.")
    if "link_fate" in facts and facts.get("evidence") not in {Evidence.ADMIN_CHOICE, Evidence.KEPT_LINK}:
        sentences.append(f"The earlier link to {facts['link']} {_fate(facts, 'link_fate')}.")
    if facts.get("claim_fate", OPEN_CLAIM) in _FATE_WORDS:
        sentences.append(
            f"The record of key {facts['claim']} {_fate(facts, 'claim_fate')}, and the key is not used again."
        )
    if "lacks_evidence" in facts and facts.get("evidence") == Evidence.NEW:
        sentences.append("The client lacks what the algorithm compares, so nobody could be found.")
    return sentences


def _fate(facts: dict[str, str], name: str) -> str:
    if facts[name] in USABLE:
        return (
            f"lost against {facts['evidence']}, which is heard first"
            if "evidence" in facts
            else "was passed over"
        )
    return _FATE_WORDS[facts[name]]


def _considered(facts: dict[str, str]) -> list[str]:
    """Say how one of several records was taken."""
    if int(facts.get("total", "0")) < 2:
        return []
    sentences = [f"{facts['total']} records agree, among them {facts['candidates'].replace(' ', ', ')}."]
    if facts["equals"] != facts["total"]:
        are = "is" if facts["equals"] == "1" else "are"
        sentences.append(
            f"{facts['equals']} of them {are} of the kind that entity type {facts['entity_type']} prefers."
        )
    if int(facts["equals"]) > 1:
        sentences.append(f"Of several, {_POLICIES[facts['ambiguous_match']]}.")
    return sentences


def _accounts(facts: dict[str, str]) -> list[str]:
    """Name the Accounts among which a person has to choose (rule M10)."""
    return [f"Accounts of that name: {facts['accounts'].replace(' ', ', ')}."] if "accounts" in facts else []
