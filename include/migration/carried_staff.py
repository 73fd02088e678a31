"""Which staff links of the legacy integration can be carried over (rules G5, S7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.ledger.contracts import MIGRATION_ITEMS
from include.legacy import Attention, ItemKind, ItemOutcome
from include.matching.normalise import salesforce_id_18

if TYPE_CHECKING:
    from collections.abc import Collection

USER_PREFIX: Final = "005"
"""What the Id of every User begins with ("Standard Object Key Prefixes", Salesforce Help)."""


def user_ids(legacy_values: pd.Series[str]) -> pd.Series[str]:
    """Return the Ids of Users with 18 characters; missing where a value is none."""
    ids = salesforce_id_18(legacy_values.astype(TEXT))
    return ids.where(ids.str.startswith(USER_PREFIX).eq(True))


def judge_staff_links(
    links: pd.DataFrame, *, staff_ids: Collection[str], users: pd.DataFrame
) -> pd.DataFrame:
    """Return each link with its outcome and reason (contract ``MIGRATION_ITEMS``).

    Args:
        links: contract ``MIGRATION_ITEMS`` of this kind: the key is the staff member's id, the value the User's Id.
        staff_ids: the staff members that Coconut has.
        users: columns ``Id`` and ``IsActive`` (text) of those Users that the org has.
    """
    ids = user_ids(links["legacy_value"])
    active = users.loc[users["IsActive"].eq("true"), "Id"]
    reasons = pd.Series(pd.NA, index=links.index, dtype=TEXT)
    reasons = reasons.mask(~ids.isin(active), Attention.USER_INACTIVE.value)
    reasons = reasons.mask(~ids.isin(users["Id"]), Attention.USER_MISSING.value)
    reasons = reasons.mask(~links["item_key"].isin(set(staff_ids)), Attention.STAFF_GONE.value)
    outcomes = reasons.isna().map({True: ItemOutcome.CARRIED.value, False: ItemOutcome.NEEDS_ATTENTION.value})
    return MIGRATION_ITEMS.conform(
        links.assign(kind=ItemKind.STAFF_LINK.value, outcome=outcomes, reason=reasons, detail=None)
    )
