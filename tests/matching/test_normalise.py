"""Comparison forms (rule M3)."""

from __future__ import annotations

import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.matching.normalise import (
    normalise_email,
    normalise_phone,
    normalise_text,
    salesforce_id_18,
    sobject_of,
)

pytestmark = pytest.mark.rule("M3")


INVISIBLE = "\u00ad\u200b\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff" + "".join(
    map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)


def wide(digits: str) -> str:
    return digits.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})


def arabic(digits: str) -> str:
    return digits.translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})


def text(*values: str | None) -> pd.Series[str]:
    return pd.Series(list(values), dtype="str")


def listed(values: pd.Series[str]) -> list[str | None]:
    return values.astype(object).where(values.notna(), None).tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana", "  ANA "),
        ("José", "Jose\N{COMBINING ACUTE ACCENT}"),
        ("STRASSE", "Straße"),
        ("李 小龙", "李\N{IDEOGRAPHIC SPACE}小龙"),
        ("anna maria", "Anna\t \N{NO-BREAK SPACE}Maria"),
        ("ﬁona", "FIONA"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}na", "ana"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("محمد", " محمد\n"),
        ("Ангела", "АНГЕЛА"),
        ("ガ", "ｶﾞ"),
        ("\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}", "12"),
        ("Ana", "A\N{ZERO WIDTH SPACE}na\N{ZERO WIDTH NO-BREAK SPACE}"),
        ("Ana", "\N{LEFT-TO-RIGHT EMBEDDING}Ana\N{POP DIRECTIONAL FORMATTING}"),
        ("Annalena", "Anna\N{SOFT HYPHEN}lena"),
        ("Đặng", "Đa\N{COMBINING DOT BELOW}\N{COMBINING BREVE}ng"),
    ],
)
def test_spellings_of_one_name_in_any_script_agree(one: str, other: str) -> None:
    first, second = listed(normalise_text(text(one, other)))
    assert first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna", "\N{CYRILLIC CAPITAL LETTER A}nna"),
        ("Jose", "José"),
        ("o'neil", "oneil"),
        ("a b", "ab"),
        ("Ivan", "İvan"),
        ("Is\N{LATIN SMALL LETTER DOTLESS I}k", "Isik"),
        ("\N{GREEK CAPITAL LETTER ALPHA}nna", "Anna"),
        ("می\N{ZERO WIDTH NON-JOINER}خوام", "میخوام"),
    ],
    ids=[
        "cyrillic look-alike",
        "accent",
        "apostrophe",
        "inner space",
        "dotted capital I",
        "dotless i",
        "greek look-alike",
        "zero-width non-joiner, which spells words",
    ],
)
def test_look_alikes_do_not_agree(one: str, other: str) -> None:
    first, second = listed(normalise_text(text(one, other)))
    assert first != second


def test_what_is_empty_after_trimming_is_missing() -> None:
    assert listed(normalise_text(text("", "  \t", "\N{NO-BREAK SPACE}", None))) == [None, None, None, None]


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8))
def test_columns_are_normalised_as_the_definition_says_value_by_value(values: list[str | None]) -> None:
    def defined(value: str | None) -> str | None:
        shown = "".join(c for c in unicodedata.normalize("NFKC", value or "") if c not in INVISIBLE)
        folded = unicodedata.normalize("NFKC", shown.casefold())
        return " ".join(folded.split()) or None

    assert listed(normalise_text(text(*values))) == [defined(value) for value in values]


def test_the_index_of_the_rows_is_kept() -> None:
    values = text("B", None, "b").set_axis([5, 9, 5])
    assert normalise_text(values).index.tolist() == [5, 9, 5]
    assert salesforce_id_18(values).index.tolist() == [5, 9, 5]
    assert normalise_phone(values, default_region="US").index.tolist() == [5, 9, 5]


def test_e_mails_agree_without_case_and_outer_space() -> None:
    assert listed(normalise_email(text(" O'Neil@Example.ORG "))) == ["o'neil@example.org"]


@pytest.mark.parametrize(
    ("phone", "country", "digits"),
    [
        ("(416) 555-0100", "CA", "14165550100"),
        ("(416) 555-0100", "Canada", "14165550100"),
        ("416.555.0100", None, "14165550100"),
        ("+1 416 555 0100", "Germany", "14165550100"),
        ("020 7946 0958", "gb", "442079460958"),
        ("+44 (0)20 7946 0958", None, "442079460958"),
        ("030 123456", "Allemagne", "4930123456"),
        ("416-555-0100 ext. 7", "CA", "14165550100x7"),
        ("416-555-0100", "Atlantis", "14165550100"),
        ("416-555-0100 x123", "CA", "14165550100x123"),
        ("+1 (416) 555-0100;ext=123", None, "14165550100x123"),
        ("+44 20 7946 0958", None, "442079460958"),
        ("0044 20 7946 0958", None, "442079460958"),
        ("00 1 416 555 0100", "Germany", "14165550100"),
        (" 0049 (0)30 123456", "US", "4930123456"),
        ("011 44 20 7946 0958", "US", "442079460958"),
        ("1-800-FLOWERS", "US", "18003569377"),
        (wide("416-555-0100"), "CA", "14165550100"),
        (arabic("416 555 0100"), "CA", "14165550100"),
        ("\u202a+1 416 555 0100\u202c", None, "14165550100"),
        ("0000000000", "US", None),
        ("999-999-9999", "US", None),
        ("00", "US", None),
        ("123", "CA", None),
        ("n/a", "CA", None),
        ("", "CA", None),
        (None, "CA", None),
    ],
)
def test_phones_become_digits_with_country_code(
    phone: str | None, country: str | None, digits: str | None
) -> None:
    assert listed(normalise_phone(text(phone), text(country), default_region="US")) == [digits]


def test_a_phone_without_code_and_country_is_read_in_the_way_of_the_default_region() -> None:
    phones, countries = text("020 7946 0958", "030 123456"), text(None, "Germany")
    assert listed(normalise_phone(phones, countries, default_region="GB")) == ["442079460958", "4930123456"]


@pytest.mark.rule("M1")
@pytest.mark.parametrize(
    ("given_id", "full_id"),
    [
        # the example of Salesforce's own article on 15- and 18-character Ids
        ("001D000000IqhSL", "001D000000IqhSLIAZ"),
        ("001D000000IqhSLIAZ", "001D000000IqhSLIAZ"),
        ("001d000000iqhsliaz", "001D000000IqhSLIAZ"),
        ("001D000000IQHSLIAZ", "001D000000IqhSLIAZ"),
        (" 001D000000IqhSL\n", "001D000000IqhSLIAZ"),
        ("001D000000IqhSL999", None),
        ("001D000000IqhSLABC", None),
        ("001D000000IqhS", None),
        ("001D000000IqhSL_", None),
        ("001D000000IqhSLIAZ1", None),
        ("", None),
        (None, None),
    ],
)
def test_ids_of_15_and_18_characters_become_one_id(given_id: str | None, full_id: str | None) -> None:
    assert listed(salesforce_id_18(text(given_id))) == [full_id]


@given(st.lists(st.text("0123456789abcxyzABCXYZ", min_size=15, max_size=15), min_size=1, max_size=6))
def test_an_id_whose_case_was_lost_is_restored_by_its_last_three_characters(ids: list[str]) -> None:
    full = salesforce_id_18(text(*ids))
    assert [value[:15] for value in listed(full)] == ids
    assert listed(salesforce_id_18(full.str.lower())) == listed(full)
    assert listed(salesforce_id_18(full.str.upper())) == listed(full)


def test_the_prefix_of_an_id_tells_the_sobject() -> None:
    assert listed(sobject_of(text("00Q1", "0031", "0011", "0061", None))) == [
        "Lead",
        "Contact",
        "Account",
        None,
        None,
    ]


def test_empty_columns_stay_empty() -> None:
    assert [len(f(text())) for f in (normalise_text, salesforce_id_18, sobject_of)] == [0] * 3
    assert normalise_phone(text(), default_region="US").empty
