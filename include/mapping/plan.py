"""What an update sends: only the fields that differ from what was last written (rules S12, F4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.json as pj

from include.frames import CLEAR, TEXT

BOOKING_KEY: Final = "Coconut_Booking_Key__c"

PERSON: Final = "WhoId"
OWNER: Final = "OwnerId"
"""Sent beside the payload: on create, and when the booking's person or staff changed (rule S12)."""

_FIRST_NAME: Final = f'{{"{BOOKING_KEY}":'
"""What every payload begins with."""

_LONGEST_LINE: Final = 1 << 24
"""Bytes of one JSON line that pyarrow reads; a payload is well below (its longest text has 32,000 characters)."""


def format_payloads(fields: pd.DataFrame) -> pd.Series[str]:
    """Return the payload fields of each row as compact JSON, missing values as null, in the order of the columns.

    Args:
        fields: text; the first column is ``BOOKING_KEY``.
    """
    if fields.empty:
        return pd.Series(index=fields.index, dtype=TEXT)
    text = fields.to_json(orient="records", force_ascii=False)
    # A value's quotes follow a backslash, and its closing quote no name: this parts objects and nothing else.
    bodies = text.removeprefix(f"[{_FIRST_NAME}").removesuffix("}]").split(f"}},{_FIRST_NAME}")
    return pd.Series([f"{_FIRST_NAME}{body}}}" for body in bodies], index=fields.index, dtype=TEXT)


def parse_payloads(payloads: pd.Series[str], names: Sequence[str]) -> pd.DataFrame:
    """Return these fields of what ``format_payloads`` wrote; fields that a payload lacks are missing."""
    if payloads.isna().all():
        return pd.DataFrame(index=payloads.index, columns=list(names), dtype=TEXT)
    schema = pa.schema([(name, pa.large_string()) for name in names])
    lines = "\n".join(payloads.fillna("{}").tolist()).encode()
    table = pj.read_json(
        BytesIO(lines),
        read_options=pj.ReadOptions(block_size=_LONGEST_LINE),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
    columns = {name: pd.Series(table[name], dtype=TEXT).to_numpy() for name in names}
    return pd.DataFrame(columns, index=payloads.index, dtype=TEXT)


def hash_payloads(payloads: pd.Series[str]) -> pd.Series[str]:
    """Return the SHA-256 of each payload in hex; missing where the payload is."""
    digests: list[Any] = [
        np.nan if is_missing else sha256(text.encode()).hexdigest()
        for text, is_missing in zip(payloads, payloads.isna(), strict=True)
    ]
    return pd.Series(digests, index=payloads.index, dtype=TEXT)


def changed_fields(
    desired: pd.DataFrame, stored: pd.DataFrame, *, resend: pd.Series[bool], left_alone: Collection[str] = ()
) -> pd.DataFrame:
    """Return a wire frame with only the fields that differ: values that became empty are ``CLEAR``, the rest missing.

    Args:
        desired: payload fields as they should stand.
        stored: payload fields as last written, same index.
        resend: rows of which nobody knows what the org holds: all their fields are sent.
        left_alone: fields that an empty value never clears.
    """
    same = _equal(desired, stored) & ~resend.to_numpy()[:, None]
    return with_clears(desired, left_alone).mask(same).astype(TEXT)


def with_clears(desired: pd.DataFrame, left_alone: Collection[str] = ()) -> pd.DataFrame:
    """Return ``desired`` with ``CLEAR`` in the place of empty values, except in fields that those leave alone."""
    return desired.fillna({name: CLEAR for name in desired.columns if name not in left_alone})


def kept_fields(
    desired: pd.DataFrame, stored: pd.DataFrame, *, left_alone: Collection[str] = ()
) -> pd.DataFrame:
    """Return ``desired`` with what was last written in the place of empty values that leave a field alone."""
    return desired.fillna({name: stored[name] for name in left_alone if name in desired.columns})


def _equal(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return (left == right[left.columns]) | (left.isna() & right[left.columns].isna())
