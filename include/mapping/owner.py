"""Who owns an Event: the staff member's Salesforce User, else the unassigned events owner (rules S6, S7, S12, M11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, cast

import numpy as np
import pandas as pd

from include.frames import TEXT
from include.matching.normalise import salesforce_id_18
from include.reasons import Reason

if TYPE_CHECKING:
    from include.settings.model import Settings

USER_PREFIX: Final = "005"
"""Key prefix of the User sObject (Salesforce Help, "Salesforce key prefixes")."""


@dataclass(frozen=True, slots=True)
class OwnerState:
    """A setting that names a User, as the org answers for it.

    ``value`` is the setting; ``named_id`` its 18-character form where it is a User Id at all; ``user_id`` the same, but
    only of an active User; ``reason`` why there is no ``user_id``.
    """

    value: str
    named_id: str | None
    user_id: str | None
    reason: Reason | None

    @classmethod
    def from_json(cls, values: Mapping[str, str | None]) -> Self:
        """Return the state that ``dataclasses.asdict`` took apart."""
        reason = values["reason"]
        return cls(
            value=values["value"] or "",
            named_id=values["named_id"],
            user_id=values["user_id"],
            reason=None if reason is None else Reason(reason),
        )


@dataclass(frozen=True, slots=True)
class OwnerCheck:
    """The owners that the settings name.

    An empty ``default_owner`` is no fault: neither ``user_id`` nor ``reason`` is set, and new people go to the
    integration user (rule M11). An empty ``unassigned_events_owner`` is one (rule S6).
    """

    unassigned_events_owner: OwnerState
    default_owner: OwnerState

    @classmethod
    def from_json(cls, values: Mapping[str, Mapping[str, str | None]]) -> Self:
        """Return the check that ``dataclasses.asdict`` took apart."""
        return cls(
            unassigned_events_owner=OwnerState.from_json(values["unassigned_events_owner"]),
            default_owner=OwnerState.from_json(values["default_owner"]),
        )


def check_owners(settings: Settings, active_user_ids: Collection[str]) -> OwnerCheck:
    """Return what the two owner settings lead to.

    Args:
        settings: the settings in force.
        active_user_ids: Ids (15 or 18 characters) of those active Users that the settings may name.
    """
    return OwnerCheck(
        unassigned_events_owner=check_owner(
            settings.unassigned_events_owner,
            active_user_ids,
            empty=Reason.NO_EVENTS_OWNER,
            malformed=Reason.EVENTS_OWNER_MALFORMED,
            inactive=Reason.EVENTS_OWNER_INACTIVE,
        ),
        default_owner=check_owner(
            settings.default_owner,
            active_user_ids,
            empty=None,
            malformed=Reason.DEFAULT_OWNER_MALFORMED,
            inactive=Reason.DEFAULT_OWNER_INACTIVE,
        ),
    )


def check_owner(
    value: str,
    active_user_ids: Collection[str],
    *,
    empty: Reason | None,
    malformed: Reason,
    inactive: Reason,
) -> OwnerState:
    """Return what one owner setting leads to; the last three arguments say how each fault is called."""
    value = value.strip()
    if not value:
        return OwnerState(value, None, None, empty)
    named, *active = _ids_18([value, *active_user_ids])
    if named is None or not named.startswith(USER_PREFIX):
        return OwnerState(value, None, None, malformed)
    if named not in active:
        return OwnerState(value, named, None, inactive)
    return OwnerState(value, named, named, None)


def _ids_18(values: list[str]) -> list[str | None]:
    ids = salesforce_id_18(pd.Series(values, dtype=TEXT))
    return cast("list[str | None]", ids.astype(object).where(ids.notna(), None).tolist())


def assign_owners(pairs: pd.DataFrame, staff_links: pd.DataFrame, owners: OwnerCheck) -> pd.DataFrame:
    """Return the owner of each pair's Event.

    The staff member's User, while active; else the unassigned events owner. Two owners are kept as they stand in the
    Event although they are neither: that of a past Event who has since been deactivated (rule S7), and an earlier
    unassigned owner, because the booking's staff did not change in Coconut (rule S12).

    Args:
        pairs: ``staff_id``, ``is_past``, ``has_event`` (its Id is known), ``link_owner_id``, ``link_staff_id``.
        staff_links: contract ``STAFF_LINKS``.
        owners: the checked settings.

    Returns:
        ``owner_id`` and ``owner_reason`` (why there is no usable owner), with the index of ``pairs``.
    """
    fallback = owners.unassigned_events_owner
    links = staff_links.drop_duplicates("staff_id").set_index("staff_id")
    user = pairs["staff_id"].map(links["salesforce_user_id"])
    has_active_user = pairs["staff_id"].map(links["user_is_active"]).eq(True) & user.notna()
    stored = pairs["link_owner_id"].where(pairs["has_event"])
    same_staff = pairs["staff_id"].fillna("").eq(pairs["link_staff_id"].fillna(""))
    may_keep = stored.notna() & same_staff & ~has_active_user
    is_deactivated = stored.eq(user) | stored.eq(fallback.named_id or "")
    if fallback.user_id is None:
        keeps = may_keep & pairs["is_past"] & is_deactivated
    else:
        keeps = may_keep & (pairs["is_past"] | ~stored.eq(user))
    fallback_id = np.nan if fallback.user_id is None else fallback.user_id
    owner_id = user.where(has_active_user, fallback_id).mask(keeps, stored)
    reason = pd.Series(fallback.reason, index=pairs.index, dtype=TEXT).where(owner_id.isna())
    return pd.DataFrame({"owner_id": owner_id.astype(TEXT), "owner_reason": reason.astype(TEXT)})
