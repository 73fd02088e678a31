"""Why Salesforce did not take a person, as the reason that the person's pairs get (rules F4, M14, Q2, Q6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.frames import PERSON_REFUSALS, TEXT
from include.pipeline.duplicate_rules import is_duplicate
from include.pipeline.loading import is_class, refusal_details
from include.reasons import Reason
from include.salesforce.error_codes import RetryClass
from include.settings.model import DuplicateRules

if TYPE_CHECKING:
    import pandas as pd

LISTED: Final = 5
"""Records found by a duplicate rule that a detail names."""

OF_ACCOUNT: Final = "Account: "


def person_refusals(
    refused: pd.DataFrame, policy: DuplicateRules, *, of_missing_record: Reason
) -> pd.DataFrame:
    """Return refused results as ``PERSON_REFUSALS``.

    Args:
        refused: contract ``RESULTS``, with the column ``person_ref``.
        policy: how duplicate rules are met.
        of_missing_record: the reason where Salesforce says that the record is gone or converted.
    """
    import pandas as pd

    reason = pd.Series(str(Reason.PERSON_NOT_WRITTEN), index=refused.index, dtype=TEXT)
    reason = reason.mask(is_class(refused, RetryClass.PERSON), str(of_missing_record))
    reason = reason.mask(is_class(refused, RetryClass.TRANSIENT), str(Reason.TRANSIENT_EXHAUSTED))
    reason = reason.mask(refused["is_unprocessed"], str(Reason.UNPROCESSED))
    found = _of_duplicate_rule(refused, policy)
    detail = refusal_details(refused, without_code="UNPROCESSED") + _records(refused)
    return PERSON_REFUSALS.conform(
        pd.DataFrame({"person_ref": refused["person_ref"], "reason": found.fillna(reason), "detail": detail})
    )


def refusals_of_account(refusals: pd.DataFrame) -> pd.DataFrame:
    """Return an Account's refusals as those of the Contacts that would belong to it; what passes by itself stays so."""
    reason = refusals["reason"].mask(
        refusals["reason"].eq(Reason.PERSON_NOT_WRITTEN), str(Reason.ACCOUNT_NOT_WRITTEN)
    )
    return refusals.assign(reason=reason, detail=OF_ACCOUNT + refusals["detail"])


def _of_duplicate_rule(refused: pd.DataFrame, policy: DuplicateRules) -> pd.Series[str]:
    """Return the reason of what a duplicate rule refused, missing for the rest.

    A rule that refuses in spite of the save header blocks. Where the one record to link was not asked for, because a
    run asks for so many at most, the next run asks.
    """
    import pandas as pd

    is_met = is_duplicate(refused)
    is_blocked = refused["is_blocked"] | (policy is DuplicateRules.ALLOW)
    reason = pd.Series(str(Reason.DUPLICATE_RULE), index=refused.index, dtype=TEXT)
    if policy is DuplicateRules.LINK:
        reason = reason.mask(refused["duplicate_ids"].isna(), str(Reason.UNPROCESSED))
    return reason.mask(is_blocked, str(Reason.BLOCKED_BY_DUPLICATE_RULE)).where(is_met)


def _records(refused: pd.DataFrame) -> pd.Series[str]:
    """Return which rule refused and the first records it found; nothing where it was no rule, or it was not told."""
    ids = refused["duplicate_ids"].fillna("")
    named = ids.str.split(" ").str[:LISTED].str.join(", ")
    more = (ids.str.count(" ") + 1 - LISTED).clip(lower=0)
    others = (" and " + more.astype("str") + " more").where(more > 0, "")
    rule = (" by " + refused["duplicate_rule"]).where(refused["duplicate_rule"].fillna("").ne(""), "")
    return rule + (": " + named + others).where(named.ne(""), "")
