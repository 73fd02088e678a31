"""Which of the records that agree with a person is the one (rules M2, M4, M6)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from include.matching.evidence import candidate_keys_by_step, client_keys_by_step
from include.matching.follow import USABLE
from include.matching.texts import join_texts
from include.settings.model import AmbiguousMatch, EntityType, Settings

PREFERENCE: Final[dict[EntityType, dict[str, int]]] = {
    EntityType.LEAD: {"Contact": 0, "Account": 0, "Lead": 1},
    EntityType.CONTACT: {"Contact": 0, "Account": 0},
    EntityType.PERSON_ACCOUNT: {"Account": 0, "Contact": 1},
}
"""Rule M4 as a table: smaller is taken first, absent is never taken. An Account here is always a Person Account."""

NEW_SOBJECT: Final[dict[EntityType, str]] = {
    EntityType.LEAD: "Lead",
    EntityType.CONTACT: "Contact",
    EntityType.PERSON_ACCOUNT: "Account",
}
"""What a person who matched nobody becomes (rule M4)."""

LISTED: Final = 5
"""Candidates that an explanation names; it counts the others."""


def agreeing_records(
    clients: pd.DataFrame,
    groups: pd.DataFrame,
    *,
    candidates: pd.DataFrame,
    records: pd.DataFrame,
    settings: Settings,
) -> pd.DataFrame:
    """Return the live people that agree with each group in the first step that finds any (rules M2, M6, M7).

    Args:
        clients: ``frames.CLIENTS``, of the groups that are to be matched.
        groups: ``client_id`` and ``person_group``.
        candidates: ``frames.CANDIDATES``.
        records: ``follow_records(candidates)``.
        settings: which algorithm.

    Returns:
        ``person_group``, ``step``, ``target_id``, ``sobject``, ``found_id`` (the candidate that agreed: the target
        itself, if it did, else the record that was converted or merged into it), ``created_at``, ``modified_at``; one
        row per group and target.
    """
    asked = client_keys_by_step(clients, settings).merge(
        groups[["client_id", "person_group"]], on="client_id"
    )
    asked = asked[["person_group", "step", "key"]].drop_duplicates()
    people = records[records["fate"].isin(USABLE)]
    found = asked.merge(candidate_keys_by_step(candidates, settings), on=["step", "key"])
    found = found.rename(columns={"record_id": "found_id"}).drop(columns="key")
    found = found.merge(people.drop(columns=["fate", "who_id"]), left_on="found_id", right_index=True)
    found = found[found["step"] == found.groupby("person_group")["step"].transform("min")]
    found = found.assign(is_detour=found["found_id"] != found["end_id"]).drop(columns="end_id")
    found = found.sort_values(["person_group", "target_id", "is_detour", "found_id"])
    return (
        found.drop_duplicates(["person_group", "target_id"]).drop(columns="is_detour").reset_index(drop=True)
    )


def choose(agreeing: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the choice for each group that any record agrees with.

    Args:
        agreeing: as ``agreeing_records`` returns it.
        settings: entity type and what to do with several.

    Returns:
        Indexed by ``person_group``: ``step``, ``found_id`` (missing where none may be taken, or a person has to
        choose), ``is_ambiguous``, ``equals`` (how many were of the preferred kind), ``candidates_total`` and
        ``candidates`` (Ids of the first few, the chosen one first, joined by a space).
    """
    preference = agreeing["sobject"].map(PREFERENCE[settings.entity_type])
    ranked = agreeing.assign(preference=preference.fillna(len(NEW_SOBJECT)), is_taken=preference.notna())
    by_age, is_rising = _age(settings.ambiguous_match)
    order = ["person_group", "preference", by_age, "target_id"]
    ranked = ranked.sort_values(order, ascending=[True, True, is_rising, True])
    by_group = ranked.groupby("person_group", sort=True)
    chosen = by_group[["step", "found_id", "is_taken"]].first()
    is_preferred = ranked["is_taken"] & ranked["preference"].eq(by_group["preference"].transform("min"))
    chosen["equals"] = is_preferred.groupby(ranked["person_group"]).sum()
    chosen["is_ambiguous"] = (chosen["equals"] > 1) & (settings.ambiguous_match is AmbiguousMatch.HOLD)
    is_chosen = chosen.pop("is_taken") & ~chosen["is_ambiguous"]
    chosen["found_id"] = chosen["found_id"].where(is_chosen)
    chosen["candidates_total"] = by_group.size()
    listed = ranked[by_group.cumcount() < LISTED]
    chosen["candidates"] = join_texts(listed["person_group"], listed["target_id"])
    return chosen


def _age(policy: AmbiguousMatch) -> tuple[str, bool]:
    if policy is AmbiguousMatch.MOST_RECENTLY_MODIFIED:
        return "modified_at", False
    return "created_at", True
