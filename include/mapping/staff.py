"""Link staff to Salesforce Users by e-mail (rule S7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.frames import STAFF_LINKS
from include.matching.normalise import normalise_email

if TYPE_CHECKING:
    import pandas as pd

SET_BY_ADMINISTRATOR = "administrator"
SET_BY_LEGACY = "legacy"
SET_BY_EMAIL = "email"

SET_BY_SOMEBODY = (SET_BY_ADMINISTRATOR, SET_BY_LEGACY)
"""Links that a person made: an administrator, here or in the legacy integration (rules S7, G8)."""


def link_staff(staff: pd.DataFrame, users: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Return the staff links as they should be.

    A link that a person made stays; every other staff member is linked to the one active standard User with
    the same e-mail, or to nobody with the reason.

    Args:
        staff: contract ``STAFF``.
        users: columns ``Id``, ``Email``, ``IsActive`` and ``UserType``, all text.
        kept: contract ``STAFF_LINKS``, from the ledger.

    Returns:
        Contract ``STAFF_LINKS``, one row per staff member.
    """
    import pandas as pd

    chosen = kept[kept["set_by"].isin(SET_BY_SOMEBODY) & kept["staff_id"].isin(staff["staff_id"])]
    active_ids = set(users.loc[users["IsActive"] == "true", "Id"])
    chosen = chosen.assign(user_is_active=chosen["salesforce_user_id"].isin(active_ids))
    rest = _by_email(staff[~staff["staff_id"].isin(chosen["staff_id"])], users)
    return STAFF_LINKS.conform(pd.concat([STAFF_LINKS.conform(chosen), rest], ignore_index=True))


def _by_email(staff: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    standard = users[users["UserType"] == "Standard"]
    standard = standard.assign(
        match=normalise_email(standard["Email"]), is_active=standard["IsActive"] == "true"
    )
    active = standard[standard["is_active"]].groupby("match")["Id"].agg(["first", "size"])
    emails = normalise_email(staff["email"])
    number = emails.map(active["size"]).fillna(0)
    linked = emails.map(active["first"]).where(number == 1)
    reason = pd.Series("no_user", index=staff.index, dtype="str")
    reason = reason.mask(emails.isin(standard.loc[~standard["is_active"], "match"]), "inactive_user")
    reason = reason.mask(number > 1, "several_users").mask(emails.isna(), "no_email").mask(linked.notna())
    links = {
        "staff_id": staff["staff_id"],
        "salesforce_user_id": linked,
        "user_is_active": linked.notna(),
        "set_by": SET_BY_EMAIL,
        "reason": reason,
    }
    return STAFF_LINKS.conform(pd.DataFrame(links, index=staff.index))
