"""What Salesforce derives for a Task; only as much as merging, converting and deleting people need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.rules.event import check_relations

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch

_CLOSED = "Completed"


def check_task(batch: Batch) -> None:
    """Derive account, closed and priority flags of each Task."""
    for draft in batch.accepted():
        check_relations(draft, batch)
        if draft.is_new or "Status" in draft.values:
            draft.values["IsClosed"] = int(draft.after("Status") == _CLOSED)
        if draft.is_new or "Priority" in draft.values:
            draft.values["IsHighPriority"] = int(draft.after("Priority") == "High")
