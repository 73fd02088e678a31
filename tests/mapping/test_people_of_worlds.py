"""What is written of the people of made-up worlds: who is held never is, and nothing tells a personal value."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pytest

from include.mapping.people import MappedPeople
from tests.mapping.people import USER, mapped
from tests.matching.decided_worlds import ENTITY_TYPES, SETTINGS, Case, decided
from tests.matching.worlds import MARK

INDICES = [
    next(
        index
        for index, chosen in enumerate(SETTINGS)
        if (chosen["entity_type"], chosen["ambiguous_match"], chosen["register_people"])
        == (entity_type, "hold", "on")
    )
    for entity_type in ENTITY_TYPES
]


@cache
def people_of(index: int) -> tuple[Case, MappedPeople]:
    """Map the people of a case; some have a company, an e-mail that is none, or a name that is too long."""
    case = decided(index)
    clients: list[dict[str, Any]] = [dict(row) for world in case.worlds for row in world.clients]
    for place, row in enumerate(clients):
        row["company"] = [None, f"Bank {MARK}", f" bank {MARK}"][place % 3]
        row["email"] = f"no e-mail {MARK}" if place % 7 == 0 else row["email"]
        row["first_name"] = MARK * 30 if place % 11 == 0 else row["first_name"]
    decisions = case.decisions.decisions
    rows = decisions.astype(object).where(decisions.notna(), None).to_dict("records")
    entity_type = case.chosen["entity_type"]
    return case, mapped(clients, rows, entity_type=entity_type, default_owner=USER)


@pytest.mark.rule("M6")
@pytest.mark.rule("M8")
@pytest.mark.parametrize("index", INDICES, ids=ENTITY_TYPES)
def test_exactly_those_who_are_to_be_created_are_mapped_and_each_once(index: int) -> None:
    case, found = people_of(index)
    created = case.decisions.decisions.query("action == 'create'")
    assert len(created)
    assert sorted(found.people["person_ref"]) == sorted(created["person_ref"].unique())
    assert found.people["operation"].eq("insert").all()
    assert set(found.people["sobject"]) == set(created["sobject"])


@pytest.mark.rule("M9")
@pytest.mark.parametrize("index", INDICES, ids=ENTITY_TYPES)
def test_no_reason_or_detail_tells_a_personal_value(index: int) -> None:
    _, found = people_of(index)
    refused = found.people[found.people["outcome"].notna()]
    assert {"invalid_email", "value_too_long"} <= set(refused["reason"])
    words = pd.concat(
        [refused["reason"], refused["detail"], found.reports["field"], found.accounts["identity"]]
    ).dropna()
    assert len(words)
    assert not words.str.contains(MARK, case=False).any()


@pytest.mark.rule("M10")
def test_contacts_of_one_company_share_one_new_account() -> None:
    _, found = people_of(INDICES[ENTITY_TYPES.index("contact")])
    of_bank = found.accounts[found.accounts["identity"].str.startswith("company:")]
    assert len(of_bank) == 1
    assert found.people["account_ref"].eq(of_bank["account_ref"].iloc[0]).sum() > 1
