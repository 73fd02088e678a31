"""The columnar choice of Accounts against the slow one, on made-up companies (rule M10)."""

from __future__ import annotations

from itertools import cycle, product
from random import Random

import pandas as pd
import pytest

from include.frames import COMPANY_ACCOUNTS
from include.mapping.accounts import choose_accounts, new_accounts
from include.settings.model import Settings
from tests.mapping.account_reference import Choice, choose
from tests.matching.builders import frame
from tests.matching.worlds import DAYS

pytestmark = [pytest.mark.rule("M10"), pytest.mark.rule("M6")]

SETTINGS = [
    {
        "account_deduplication": deduplication,
        "contact_without_company": without,
        "ambiguous_match": policy,
        "company_placeholder": placeholder,
    }
    for (deduplication, without, policy), placeholder in zip(
        product(
            ["automatic", "leave_duplicates"],
            ["own_account", "placeholder_account", "no_account"],
            ["oldest", "most_recently_modified", "hold"],
        ),
        cycle(["[not provided]", " Walk-ins ", "Bakery", ""]),
        strict=False,
    )
]
COMPANIES = [
    *("Bakery", " bakery", "BAKERY\n", "Bakery Inc.", "B\N{CYRILLIC SMALL LETTER A}kery", "Big  Bakery"),
    *("Big Bakery", "Big\r\nBakery", "Groß", "GROSS", "walk-ins", 'O\'Neil & "Sons"', "烘焙店", "  ", None),
]
WORLDS, PEOPLE, ACCOUNTS = 120, 12, 6
LISTED = 5


def make_people(random: Random, world: int) -> list[dict[str, object]]:
    return [
        {
            "sobject": random.choice(["Contact"] * 8 + ["Lead", "Account"]),
            "identity": f"{world}-{place}",
            "client_id": str(world * 100 + place),
            "company": random.choice(COMPANIES),
            "first_name": random.choice(["Ana", " Bo ", "", None]),
            "last_name": random.choice(["Gómez", "\tLi", None]),
            "OwnerId": None,
        }
        for place in range(random.randint(1, PEOPLE))
    ]


def make_accounts(random: Random) -> list[dict[str, object]]:
    names = [company for company in COMPANIES if company and company.strip()]
    return [
        {
            "account_id": f"001{place:012}AAA",
            "name": random.choice([*names, "[NOT PROVIDED]"]),
            "created_at": random.choice([*DAYS, None]),
            "modified_at": random.choice([*DAYS, None]),
        }
        for place in random.sample(range(100), random.randint(0, ACCOUNTS))
    ]


def as_choices(chosen: pd.DataFrame) -> list[Choice]:
    rows = chosen.astype(object).where(chosen.notna(), None).to_dict("records")
    return [
        Choice(
            account_ref=row["account_ref"],
            account_name=row["account_name"],
            is_ambiguous=row["is_ambiguous"],
            candidates=frozenset((row["candidates"] or "").split()),
        )
        for row in rows
    ]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(settings.values()))
def test_columns_choose_accounts_as_the_rule_does_contact_by_contact(settings: dict[str, str]) -> None:
    random = Random(SETTINGS.index(settings))
    model = Settings.model_validate(settings)
    for world in range(WORLDS // len(SETTINGS) + 1):
        people, accounts = make_people(random, world), make_accounts(random)
        rows = pd.DataFrame(people).astype("str")
        chosen = choose_accounts(rows, frame(COMPANY_ACCOUNTS, accounts), settings=model)
        expected = [choose(person, accounts, settings) for person in people]
        assert as_choices(chosen) == expected, (people, accounts)
        assert not chosen["candidates"].str.count(" ").ge(LISTED).any()
        shuffled = choose_accounts(
            rows.sample(frac=1, random_state=world),
            frame(COMPANY_ACCOUNTS, accounts[::-1]),
            settings=model,
        )
        pd.testing.assert_frame_equal(shuffled.sort_index(), chosen)
        check_that_each_is_created_once(pd.concat([rows, chosen], axis="columns"), expected)


def check_that_each_is_created_once(people: pd.DataFrame, expected: list[Choice]) -> None:
    created = new_accounts(people)
    wanted = {choice.account_ref: choice.account_name for choice in reversed(expected) if choice.account_name}
    assert dict(zip(created["account_ref"], created["Name"], strict=True)) == wanted
    assert created["identity"].is_unique
    assert ("account:" + created["identity"]).eq(created["account_ref"]).all()
