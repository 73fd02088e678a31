"""Data storage: what the records take of it, and the refusal once it is used up.

A record takes 2 KB whatever it holds, a campaign member 1 KB, a campaign 8 KB; a Person Account is an Account and a
Contact, so 4 KB [Salesforce Help 000193871]. Records in the
recycle bin take nothing, nor do users and what an administrator sets up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.store import Store, quote

if TYPE_CHECKING:
    from include.salesforce_emulator.engine.drafts import Batch
    from include.salesforce_emulator.engine.schema import Schema, SObject

USUAL_KILOBYTES = 2
_KILOBYTES = {"Campaign": 8, "CampaignMember": 1, "CampaignMemberStatus": 0}
_FREE = frozenset({"User", "Profile", "Organization", "RecordType", "AssignmentRule", "DuplicateRule"})


def used_kilobytes(store: Store, schema: Schema) -> int:
    """Return the data storage that the records outside the recycle bin take, in kilobytes."""
    counted = [item for item in schema.objects if _size(item)]
    sql = " UNION ALL ".join(
        f"SELECT {_size(item)} * COUNT(*) FROM {quote(item.name)} WHERE IsDeleted = 0"  # noqa: S608 - schema names
        for item in counted
    )
    return sum(row[0] for row in store.fetch(sql))


def check_storage(batch: Batch, schema: Schema) -> None:
    """Refuse new records that no storage is left for."""
    capacity = batch.store.capacity_kilobytes()
    size = _size(batch.sobject)
    if capacity is None or not size:
        return
    new = [draft for draft in batch.accepted() if draft.is_new]
    if not new or _most_kilobytes(batch.store, schema) + 2 * size * len(new) <= capacity:
        return
    room = capacity - used_kilobytes(batch.store, schema)
    for draft in new:
        needed = size * (2 if draft.values.get("IsPersonAccount") else 1)
        if needed > room:
            draft.refuse("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
        else:
            room -= needed


def _size(sobject: SObject) -> int:
    return 0 if sobject.name in _FREE else _KILOBYTES.get(sobject.name, USUAL_KILOBYTES)


def _most_kilobytes(store: Store, schema: Schema) -> int:
    """Return what the records take at most: each Id ever given counted. No table is read for it."""
    given = store.fetch("SELECT sobject, next - 1 FROM _sequences")
    known = ((schema.find(name), count) for name, count in given)
    return sum(_size(sobject) * int(count) for sobject, count in known if sobject is not None)
