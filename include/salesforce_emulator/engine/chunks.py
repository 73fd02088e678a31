"""Chunks of a Bulk batch: Salesforce saves 200 rows at a time, so that later rows find what earlier ones wrote.

Only a key or an Id that comes twice can tell the difference ("Duplicate external id specified"
concerns one chunk). So all rows of a batch are saved at once, in a first round, except those whose key a row of an
earlier chunk has too: they wait for the next round, and meet the record that the one before them made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.salesforce_emulator.engine.references import match_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.salesforce_emulator.engine.drafts import Draft
    from include.salesforce_emulator.engine.schema import Field

CHUNK_ROWS = 200


def rounds_of(drafts: Sequence[Draft], match: Field | None) -> list[list[Draft]]:
    """Return the drafts of a batch in the rounds in which they are saved; mostly one.

    Args:
        drafts: the rows of a batch, in order.
        match: the field that tells which record a row means; None means its Id.
    """
    keys = [_key(draft, match) for draft in drafts]
    given = [key for key in keys if key is not None]
    if len(set(given)) == len(given):
        return [list(drafts)]
    rounds: list[list[Draft]] = []
    met: dict[str, tuple[int, int]] = {}
    for position, (draft, key) in enumerate(zip(drafts, keys, strict=True)):
        chunk = position // CHUNK_ROWS
        number = 0
        if key is not None:
            last_chunk, last_number = met.get(key, (chunk, 0))
            number = last_number + (chunk != last_chunk)
            met[key] = (chunk, number)
        while len(rounds) <= number:
            rounds.append([])
        rounds[number].append(draft)
    return rounds


def _key(draft: Draft, match: Field | None) -> str | None:
    if match is None or match.name == "Id":
        return draft.id
    value = draft.values.get(match.name)
    return None if value is None else match_key(match, str(value))
