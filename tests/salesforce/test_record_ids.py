from __future__ import annotations

import pytest

from include.salesforce.record_ids import to_18


@pytest.mark.parametrize(
    ("short", "long"),
    [
        # from Salesforce's own examples of Ids in both forms
        ("00D000000000062", "00D000000000062EAA"),
        ("001D000000IRFma", "001D000000IRFmaIAH"),
        ("a0B000000000001", "a0B000000000001EAA"),
    ],
)
def test_an_id_of_15_characters_gets_its_suffix(short: str, long: str) -> None:
    assert to_18(short) == long


@pytest.mark.parametrize("text", ["", "001D000000IRFmaIAH", "not an id at al", "short"])
def test_what_is_no_id_of_15_characters_comes_back_as_it_is(text: str) -> None:
    assert to_18(text) == text
