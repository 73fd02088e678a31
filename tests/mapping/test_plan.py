"""Payloads and what an update sends (rules S12, F4)."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from include.mapping.event_fields import payload_mappings
from include.mapping.fields import default_mappings
from include.mapping.plan import (
    changed_fields,
    format_payloads,
    hash_payloads,
    parse_payloads,
)

PAYLOAD_FIELDS = [mapping.target for mapping in payload_mappings(default_mappings())]
AWKWARD = 'Line one\n"quoted", \\back/slash\ttab \u2028 \U0001f600 \u00e9 #N/A {}'


def fields(**values: str | None) -> pd.DataFrame:
    return pd.DataFrame([dict.fromkeys(PAYLOAD_FIELDS) | values], columns=PAYLOAD_FIELDS, dtype="str")


@pytest.mark.rule("S12")
def test_a_payload_reads_back_as_it_was_written() -> None:
    written = fields(Subject="Mortgage", Description=AWKWARD, StartDateTime="2026-06-08T14:00:00.000Z")
    payload = format_payloads(written)
    assert json.loads(payload.iloc[0])["Description"] == AWKWARD
    pd.testing.assert_frame_equal(parse_payloads(payload, PAYLOAD_FIELDS), written)


@pytest.mark.rule("S12")
def test_a_missing_or_partial_payload_reads_as_missing_fields() -> None:
    payloads = pd.Series([None, '{"Subject":"A","Retired__c":"x"}', "{}"], dtype="str", index=[7, 8, 9])
    parsed = parse_payloads(payloads, PAYLOAD_FIELDS)
    assert list(parsed.columns) == PAYLOAD_FIELDS
    assert list(parsed.index) == [7, 8, 9]
    assert parsed["Subject"].fillna("-").tolist() == ["-", "A", "-"]
    assert parsed.drop(columns="Subject").isna().all(axis=None)


@pytest.mark.rule("S12")
def test_no_payloads_are_no_rows() -> None:
    none = pd.Series([], dtype="str")
    assert len(parse_payloads(none, PAYLOAD_FIELDS)) == 0
    assert len(format_payloads(fields().head(0))) == 0
    assert len(hash_payloads(none)) == 0


@pytest.mark.rule("S12")
def test_a_payloads_hash_follows_its_text_and_is_missing_without_one() -> None:
    hashes = hash_payloads(pd.Series(["a", "a", "b", None], dtype="str"))
    assert hashes.iloc[0] == hashes.iloc[1] != hashes.iloc[2]
    assert hashes.isna().tolist() == [False, False, False, True]


@pytest.mark.rule("F4")
def test_only_differences_are_sent_and_what_became_empty_is_cleared() -> None:
    stored = fields(Subject="A", Location="Here", ShowAs="Busy")
    desired = fields(Subject="A", ShowAs="Free", Description="New")
    wire = changed_fields(desired, stored, resend=pd.Series([False]))
    assert wire.iloc[0].dropna().to_dict() == {"Location": "#N/A", "Description": "New", "ShowAs": "Free"}


@pytest.mark.rule("S12")
def test_a_long_description_survives_the_ledger() -> None:
    text = "\U0001f600" * 16_000
    written = format_payloads(pd.concat([fields(Description=text)] * 200, ignore_index=True))
    parsed = parse_payloads(written, PAYLOAD_FIELDS)
    assert (parsed["Description"] == text).all()
