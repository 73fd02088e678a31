"""What Salesforce derives for an Opportunity: whether its stage closes it, and wins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch

FIRST_STAGE = "Prospecting"
_WON, _LOST = "Closed Won", "Closed Lost"


def check_opportunity(batch: Batch) -> None:
    """Derive the flags of each Opportunity from its stage."""
    for draft in batch.accepted():
        if draft.is_new or "StageName" in draft.values:
            stage = draft.after("StageName")
            draft.values["IsClosed"] = int(stage in (_WON, _LOST))
            draft.values["IsWon"] = int(stage == _WON)
