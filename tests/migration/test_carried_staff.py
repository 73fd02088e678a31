from __future__ import annotations

import pandas as pd
import pytest

from include.ledger.contracts import MIGRATION_ITEMS
from include.migration.carried_staff import judge_staff_links
from include.salesforce.record_ids import to_18
from tests.ledger.builders import frame

ANN, BEN = "005000000000001AAA", "005000000000002AAA"
LEAD = to_18("00Q000000000001")


def judged(*links: tuple[str, str | None]) -> dict[str, str]:
    rows = [{"item_key": key, "legacy_value": user} for key, user in links]
    items = frame(MIGRATION_ITEMS, rows, {"kind": "staff_link", "inventory": 1})
    users = pd.DataFrame({"Id": [ANN, BEN], "IsActive": ["true", "false"]}, dtype="str")
    found = judge_staff_links(items, staff_ids={"1", "2", "3", "4"}, users=users)
    assert found["outcome"].eq("carried").tolist() == found["reason"].isna().tolist()
    return found.set_index("item_key")["reason"].fillna("carried").to_dict()


@pytest.mark.rule("G5")
def test_a_link_to_an_active_user_is_carried_by_its_id_of_15_or_18_characters() -> None:
    assert judged(("1", ANN), ("2", ANN[:15])) == {"1": "carried", "2": "carried"}


@pytest.mark.rule("G5")
def test_staff_and_users_that_are_gone_or_inactive_need_attention() -> None:
    links = (("9", ANN), ("1", BEN), ("2", "005000000000009AAA"), ("3", None), ("4", LEAD))
    assert judged(*links) == {
        "9": "staff_gone",
        "1": "user_inactive",
        "2": "user_missing",
        "3": "user_missing",
        "4": "user_missing",
    }


@pytest.mark.rule("G5")
def test_whose_staff_member_and_user_are_both_gone_needs_attention_for_the_former() -> None:
    assert judged(("9", "nobody")) == {"9": "staff_gone"}
