"""What the org fills in by itself on custom fields and objects: auto numbers, and the name of a nameless record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.store import quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from include.salesforce_emulator.engine.drafts import Batch
    from include.salesforce_emulator.engine.schema import Field

_NUMBER = re.compile(r"\{(0+)\}")


def number_records(batch: Batch) -> None:
    """Give new records the next auto numbers; a refused row leaves a gap, as in Salesforce."""
    numbered: Sequence[Field] = [item for item in batch.sobject.fields if item.auto_number is not None]
    for item in numbered:
        new = [draft for draft in batch.accepted() if draft.is_new]
        first = batch.store.reserve_numbers(f"{batch.sobject.name}.{item.name}", len(new))
        for number, draft in enumerate(new, start=first):
            draft.values[item.name] = _numbered(str(item.auto_number), number, batch.now)


def _numbered(shape: str, number: int, now: datetime) -> str:
    for token, code in (("{YYYY}", "%Y"), ("{YY}", "%y"), ("{MM}", "%m"), ("{DD}", "%d")):
        shape = shape.replace(token, now.strftime(code))
    return _NUMBER.sub(lambda found: str(number).zfill(len(found[1])), shape)


def name_the_nameless(batch: Batch) -> None:
    """Give new records of a custom object that came without a name their Id for one, as Salesforce does."""
    if not batch.sobject.custom or batch.sobject.field("Name") is None:
        return
    nameless = [
        (draft.id,) for draft in batch.accepted() if draft.is_new and draft.values.get("Name") is None
    ]
    with batch.store.transaction() as connection:
        connection.executemany(
            f"UPDATE {quote(batch.sobject.name)} SET Name = Id WHERE Id = ?",  # noqa: S608 - a schema name
            nameless,
        )
