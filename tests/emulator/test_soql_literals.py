"""What the values of a condition may be: escapes, wildcards, lengths, letter case, fiscal periods, long lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.soql.dates import date_range
from include.salesforce_emulator.engine.soql.parser import LONGEST_QUERY
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def refusal(bench: Bench, soql: str) -> tuple[str, str]:
    with pytest.raises(SalesforceFault) as refused:
        bench.org.query(soql)
    return refused.value.code, refused.value.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\nb", "a\nb"),
        (r"a\Nb", "a\nb"),
        (r"a\rb", "a\rb"),
        (r"a\tb", "a\tb"),
        (r"a\bb", "a\bb"),
        (r"a\fb", "a\fb"),
        (r"a\"b", 'a"b'),
        (r"a\'b", "a'b"),
        (r"a\\b", r"a\b"),
        (r"a\\nb", r"a\nb"),
        (r"a\u0041b", "aAb"),
        (r"a\u00e9b", "aéb"),
        (r"a\u00E9b", "aéb"),
        ("a\nb", "a\nb"),
    ],
)
def test_an_escape_means_its_character_in_equality_lists_and_patterns(
    bench: Bench, written: str, meant: str
) -> None:
    named = bench.lead(LastName=f"x{meant}x")
    bench.lead(LastName="xabx")
    for condition in (f"= 'x{written}x'", f"IN ('x{written}x')", f"LIKE 'x{written}x'"):
        assert bench.column(f"SELECT Id FROM Lead WHERE LastName {condition}") == [named], condition


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("%", ["a_b", "a%b", "axb", "a\\b"]),
        ("a_b", ["a_b", "a%b", "axb", "a\\b"]),
        (r"a\_b", ["a_b"]),
        (r"a\%b", ["a%b"]),
        (r"a\\b", ["a\\b"]),
        (r"a\u0025b", ["a%b"]),
        (r"%\\%", ["a\\b"]),
        ("A%B", ["a_b", "a%b", "axb", "a\\b"]),
        ("__", []),
        ("", []),
    ],
)
def test_wildcards_match_in_any_case_unless_escaped(bench: Bench, pattern: str, names: list[str]) -> None:
    for name in ("a_b", "a%b", "axb", "a\\b"):
        bench.lead(LastName=name)
    assert bench.column(f"SELECT LastName FROM Lead WHERE LastName LIKE '{pattern}'") == names


@pytest.mark.parametrize("written", [r"a\q", r"\u12", r"\u12g4", r"\x41", r"\ud800", r"\u0000"])
def test_an_escape_that_means_nothing_is_malformed(bench: Bench, written: str) -> None:
    code, message = refusal(bench, f"SELECT Id FROM Lead WHERE City = '{written}'")
    assert code == "MALFORMED_QUERY"
    assert "ERROR at Row:1:Column:34" in message


def test_a_text_has_at_most_4000_characters_and_a_query_100000(bench: Bench) -> None:
    assert bench.column(f"SELECT Id FROM Lead WHERE City = '{'x' * 4000}'") == []
    code, message = refusal(bench, f"SELECT Id FROM Lead WHERE City IN ('a', '{'x' * 4001}')")
    assert (code, "at most 4000 characters" in message) == ("MALFORMED_QUERY", True)
    code, message = refusal(bench, "SELECT Id FROM Lead".ljust(LONGEST_QUERY + 1))
    assert (code, "100000" in message) == ("MALFORMED_QUERY", True)
    assert bench.column("SELECT Id FROM Lead".ljust(LONGEST_QUERY)) == []


def test_a_list_may_fill_a_whole_query_in_and_not_in(bench: Bench) -> None:
    kept = bench.lead(Email="person1@example.com")
    other = bench.lead(Email="other@example.com")
    values = ",".join(f"'person{number}@example.com'" for number in range(3700))
    soql = f"SELECT Id FROM Lead WHERE Email IN ({values})"
    assert LONGEST_QUERY * 0.9 < len(soql) < LONGEST_QUERY
    assert bench.column(soql) == [kept]
    assert bench.column(soql.replace(" IN ", " NOT IN ")) == [other]
    ids = ",".join(f"'{kept[:15]}'" for _ in range(5000))
    assert bench.column(f"SELECT Id FROM Lead WHERE Id IN ({ids})") == [kept]


def test_a_number_is_written_in_any_way_but_must_be_finite(bench: Bench) -> None:
    bench.lead(Score__c=-1.5)
    for written in ("-1.5", "-15e-1", "-1.50", "-.15E1"):
        assert bench.column(f"SELECT COUNT(Id) FROM Lead WHERE Score__c = {written}") == [1]
    for condition in ("= 1e400", "IN (1, -1e400)"):
        code, message = refusal(bench, f"SELECT Id FROM Lead WHERE Score__c {condition}")
        assert (code, "numeric value out of range" in message) == ("MALFORMED_QUERY", True)


def test_case_counts_only_where_a_unique_field_says_so(bench: Bench) -> None:
    unique = [
        (sobject.name, field.name, field.case_sensitive)
        for sobject in bench.org.sobjects()
        for field in sobject.unique_fields
        if field.custom and sobject.name in ("Lead", "Event")
    ]
    assert {case_sensitive for _, _, case_sensitive in unique} == {True, False}
    for sobject, field, case_sensitive in unique:
        held = getattr(bench, sobject.lower())(**{field: "Key-aB"})
        found = [] if case_sensitive else [held]
        assert bench.column(f"SELECT Id FROM {sobject} WHERE {field} = 'kEY-Ab'") == found
        assert bench.column(f"SELECT Id FROM {sobject} WHERE {field} IN ('kEY-Ab', 'x')") == found
        assert bench.column(f"SELECT Id FROM {sobject} WHERE {field} = 'Key-aB'") == [held]
        assert bench.column(f"SELECT Id FROM {sobject} WHERE {field} LIKE 'kEY%'") == [held]


def test_ids_compare_whatever_their_length_or_operator(bench: Bench) -> None:
    first, second = bench.lead(), bench.lead()
    for written in (first, first[:15]):
        assert bench.column(f"SELECT Id FROM Lead WHERE Id = '{written}'") == [first]
        assert bench.column(f"SELECT Id FROM Lead WHERE Id != '{written}'") == [second]
        assert bench.column(f"SELECT Id FROM Lead WHERE Id > '{written}'") == [second]
        assert bench.column(f"SELECT Id FROM Lead WHERE Id NOT IN ('{written}')") == [second]
    assert refusal(bench, "SELECT Id FROM Lead WHERE OwnerId = '005'")[0] == "INVALID_QUERY_FILTER_OPERATOR"


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("Account.IsDeleted = false", 2),
        ("Account.Name = null", 1),
        ("Account.Name != 'Acme'", 1),
        ("Account.Name = 'acme'", 1),
        ("NOT Account.Name = 'acme'", 1),
        ("Account.Name NOT IN ('Acme')", 1),
        ("LastName = 'Doe' OR Account.Name = 'x'", 2),
    ],
)
def test_a_missing_parent_is_null_unequal_to_all_and_false(bench: Bench, condition: str, count: int) -> None:
    bench.contact(AccountId=bench.insert("Account", Name="Acme"))
    bench.contact()
    assert bench.column(f"SELECT COUNT(Id) FROM Contact WHERE {condition}") == [count]


@pytest.mark.parametrize(
    ("name", "count", "first", "after"),
    [
        ("THIS_FISCAL_QUARTER", None, "2026-01-01", "2026-04-01"),
        ("LAST_FISCAL_QUARTER", None, "2025-10-01", "2026-01-01"),
        ("NEXT_FISCAL_YEAR", None, "2027-01-01", "2028-01-01"),
        ("LAST_N_FISCAL_QUARTERS", 2, "2025-07-01", "2026-01-01"),
        ("NEXT_N_FISCAL_YEARS", 2, "2027-01-01", "2029-01-01"),
        ("N_FISCAL_QUARTERS_AGO", 1, "2025-10-01", "2026-01-01"),
        ("N_FISCAL_YEARS_AGO", 2, "2024-01-01", "2025-01-01"),
        ("N_WEEKS_AGO", 1, "2026-03-08", "2026-03-15"),
        ("N_QUARTERS_AGO", 1, "2025-10-01", "2026-01-01"),
        ("NEXT_90_DAYS", None, "2026-03-19", "2026-06-17"),
        ("NEXT_N_WEEKS", 1, "2026-03-22", "2026-03-29"),
        ("NEXT_N_MONTHS", 10, "2026-04-01", "2027-02-01"),
        ("NEXT_N_QUARTERS", 1, "2026-04-01", "2026-07-01"),
        ("LAST_N_YEARS", 1, "2025-01-01", "2026-01-01"),
    ],
)
def test_a_fiscal_period_is_the_calendars(name: str, count: int | None, first: str, after: str) -> None:
    days = date_range(name, count, date(2026, 3, 18))
    assert days == (date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("LAST_N_DAYS", "LAST_N_DAYS"),
        ("TODAY:3", "TODAY:3"),
        ("LAST_N_DAYS:0", "LAST_N_DAYS:0"),
        ("N_MONTHS_AGO:99999", "N_MONTHS_AGO:99999"),
        ("LAST_FISCAL_MONTH", "LAST_FISCAL_MONTH"),
    ],
)
def test_a_date_literal_that_is_none_is_an_unexpected_token(bench: Bench, written: str, word: str) -> None:
    code, message = refusal(bench, f"SELECT Id FROM Lead WHERE CreatedDate = {written}")
    assert (code, message.splitlines()[-1]) == ("MALFORMED_QUERY", f"unexpected token: '{word}'")


def test_several_combinations_of_a_multi_select_picklist_are_asked_for_at_once(bench: Bench) -> None:
    for name, topics in (("A", "Gold"), ("B", "Gold;Silver"), ("C", "Silver")):
        bench.lead(LastName=name, Topics__c=topics)
    names = "SELECT LastName FROM Lead WHERE Topics__c "
    assert bench.column(f"{names} INCLUDES ('Gold;Silver', 'silver')") == ["B", "C"]
    assert bench.column(f"{names} EXCLUDES ('Gold;Silver', 'x')") == ["A", "C"]
    assert bench.column(f"{names} = 'gold;silver'") == ["B"]
