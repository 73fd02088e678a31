"""What an update sends: only the fields that differ from what was last written (rules S12, F4)."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.json as pj

from include.frames import CLEAR, TEXT

BOOKING_KEY: Final = "Coconut_Booking_Key__c"

PAYLOAD_FIELDS: Final = (
    BOOKING_KEY,
    "Subject",
    "StartDateTime",
    "EndDateTime",
    "Location",
    "Description",
    "ShowAs",
    "Coconut_Booking_Id__c",
    "Coconut_Is_Primary__c",
    "Coconut_Kind__c",
    "Coconut_Status__c",
    "Coconut_Service__c",
    "Coconut_Location__c",
    "Coconut_Booked_Through__c",
    "Coconut_Meeting_Method__c",
    "Coconut_Booked_At__c",
    "Coconut_Edit_Url__c",
)
"""The Event fields that follow from the booking alone, compared with what was last written."""

EVENT_FIELDS: Final = (*PAYLOAD_FIELDS, "WhoId", "OwnerId")
"""Every Event field the sync writes. WhatId is not among them: it is never sent, so never cleared."""

_FIRST_NAME: Final = f'{{"{PAYLOAD_FIELDS[0]}":'
"""What every payload begins with."""

_LONGEST_LINE: Final = 1 << 24
"""Bytes of one JSON line that pyarrow reads; a payload is well below (its longest text has 32,000 characters)."""


def format_payloads(fields: pd.DataFrame) -> pd.Series[str]:
    """Return the payload fields of each row as compact JSON, missing values as null, always in the same order."""
    if fields.empty:
        return pd.Series(index=fields.index, dtype=TEXT)
    text = fields[list(PAYLOAD_FIELDS)].to_json(orient="records", force_ascii=False)
    # A value's quotes follow a backslash, and its closing quote no name: this parts objects and nothing else.
    bodies = text.removeprefix(f"[{_FIRST_NAME}").removesuffix("}]").split(f"}},{_FIRST_NAME}")
    return pd.Series([f"{_FIRST_NAME}{body}}}" for body in bodies], index=fields.index, dtype=TEXT)


def parse_payloads(payloads: pd.Series[str]) -> pd.DataFrame:
    """Return what ``format_payloads`` wrote as a frame of ``PAYLOAD_FIELDS``; a missing payload has missing fields."""
    if payloads.isna().all():
        return pd.DataFrame(index=payloads.index, columns=list(PAYLOAD_FIELDS), dtype=TEXT)
    schema = pa.schema([(name, pa.large_string()) for name in PAYLOAD_FIELDS])
    lines = "\n".join(payloads.fillna("{}").tolist()).encode()
    table = pj.read_json(
        BytesIO(lines),
        read_options=pj.ReadOptions(block_size=_LONGEST_LINE),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
    columns = {name: pd.Series(table[name], dtype=TEXT).to_numpy() for name in PAYLOAD_FIELDS}
    return pd.DataFrame(columns, index=payloads.index, dtype=TEXT)


def hash_payloads(payloads: pd.Series[str]) -> pd.Series[str]:
    """Return the SHA-256 of each payload in hex; missing where the payload is."""
    digests: list[Any] = [
        np.nan if is_missing else sha256(text.encode()).hexdigest()
        for text, is_missing in zip(payloads, payloads.isna(), strict=True)
    ]
    return pd.Series(digests, index=payloads.index, dtype=TEXT)


def changed_fields(desired: pd.DataFrame, stored: pd.DataFrame, *, resend: pd.Series[bool]) -> pd.DataFrame:
    """Return a wire frame with only the fields that differ: values that became empty are ``CLEAR``, the rest missing.

    Args:
        desired: payload fields as they should stand.
        stored: payload fields as last written, same index.
        resend: rows of which nobody knows what the org holds: all their fields are sent.
    """
    same = _equal(desired, stored) & ~resend.to_numpy()[:, None]
    return desired.fillna(CLEAR).mask(same).astype(TEXT)


def _equal(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return (left == right[left.columns]) | (left.isna() & right[left.columns].isna())
