"""Queries that are refused: with the code, the position and a sentence, never with a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.salesforce_emulator.engine.errors import SalesforceFault
from include.salesforce_emulator.engine.soql.parser import LONGEST_QUERY, parse
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def refusal(bench: Bench, soql: str) -> SalesforceFault:
    with pytest.raises(SalesforceFault) as refused:
        bench.org.query(soql)
    return refused.value


def test_an_unknown_field_is_named_with_row_column_and_a_caret(bench: Bench) -> None:
    fault = refusal(bench, "SELECT Id,\n  Shoe FROM Lead")
    assert (fault.http_status, fault.code) == (400, "INVALID_FIELD")
    lines = fault.message.splitlines()
    assert lines[1:4] == ["  Shoe FROM Lead", "  ^", "ERROR at Row:2:Column:3"]
    assert lines[4].startswith("No such column 'Shoe' on entity 'Lead'.")


@pytest.mark.parametrize(
    ("soql", "column", "token"),
    [
        ("SELECT Id Lead", 15, "<EOF>"),
        ("SELECT FROM Lead", 8, "FROM"),
        ("SELECT Id FROM Lead WHERE", 26, "<EOF>"),
        ("SELECT Id FROM Lead WHERE City = 'x' AND Email = 'y' OR Phone = 'z'", 54, "OR"),
        ("SELECT Id FROM Lead WHERE City = 'x", 34, "'"),
        ('SELECT Id FROM Lead WHERE City = "x"', 34, '"'),
        ("SELECT Id FROM Lead WHERE City LIKE 5", 37, "5"),
        ("SELECT Id, FROM Lead", 12, "FROM"),
        ("SELECT * FROM Lead", 8, "*"),
        ("SELECT Id FROM Lead; DROP TABLE Lead", 20, ";"),
        ("UPDATE Lead", 1, "UPDATE"),
        ("SELECT Id FROM Lead ALL ROWS", 25, "ROWS"),
        ("SELECT Id FROM Lead WHERE IsConverted", 38, "<EOF>"),
        ("SELECT Id FROM Lead WHERE City = 'x' AND NOT Phone = 'y'", 42, "NOT"),
        ("SELECT Id FROM Lead WHERE NOT City = 'x' AND Phone = 'y'", 42, "AND"),
        ("SELECT Id FROM Lead WHERE NOT NOT City = 'x'", 31, "NOT"),
        ("SELECT Id FROM Lead WHERE City = 'x' OR City = 'y' AND Phone = 'z'", 52, "AND"),
        ("SELECT Id FROM Lead FOR VIEW LIMIT 1", 30, "LIMIT"),
        ("SELECT Id FROM Lead LIMIT 5 WHERE City = 'x'", 29, "WHERE"),
        ("SELECT Id FROM Lead WHERE City IN ()", 36, ")"),
        ("SELECT Id FROM Lead WHERE CreatedDate = SOMEDAY", 41, "SOMEDAY"),
    ],
)
def test_a_malformed_query_points_at_the_first_token_that_does_not_fit(
    bench: Bench, soql: str, column: int, token: str
) -> None:
    fault = refusal(bench, soql)
    assert fault.code == "MALFORMED_QUERY"
    assert f"ERROR at Row:1:Column:{column}\n" in fault.message
    assert fault.message.endswith(f"unexpected token: '{token}'")


@pytest.mark.parametrize(
    ("condition", "column", "token"),
    [
        ("(NOT City = 'x' AND Phone = 'y')", 43, "AND"),
        ("(City = 'x' AND Phone = 'y' OR Phone = 'z')", 55, "OR"),
        ("(City = 'x'", 38, "<EOF>"),
    ],
)
def test_an_open_parenthesis_is_expected_to_be_closed_first(
    bench: Bench, condition: str, column: int, token: str
) -> None:
    fault = refusal(bench, f"SELECT Id FROM Lead WHERE {condition}")
    assert fault.code == "MALFORMED_QUERY"
    assert fault.message.splitlines()[-2:] == [
        f"ERROR at Row:1:Column:{column}",
        f"expecting a right parentheses, found '{token}'",
    ]


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("SELECT COUNT(Id) FROM Lead HAVING COUNT(Id) > 1", "MALFORMED_QUERY", "HAVING needs GROUP BY"),
        ("SELECT Id FROM Leed", "INVALID_TYPE", "sObject type 'Leed' is not supported"),
        ("SELECT Acount.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Acount'"),
        (
            "SELECT Who.Person_Key__c FROM Event",
            "INVALID_FIELD",
            "No such column 'Person_Key__c' on entity 'Name'",
        ),
        ("SELECT Who.Account.Name FROM Event", "INVALID_FIELD", "Didn't understand relationship 'Account'"),
        ("SELECT Id FROM Lead WHERE Shoe = 'x'", "INVALID_FIELD", "No such column 'Shoe'"),
        ("SELECT Id FROM Lead ORDER BY Shoe", "INVALID_FIELD", "No such column 'Shoe'"),
        ("SELECT IsPersonAccount FROM Account", "INVALID_FIELD", "No such column 'IsPersonAccount'"),
        ("SELECT Id, id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            "INVALID_FIELD",
            "can not be filtered in a query call",
        ),
        ("SELECT Id FROM Lead ORDER BY Description", "MALFORMED_QUERY", "can not be sorted in a query call"),
        (
            "SELECT Id FROM Lead WHERE City = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead WHERE Score__c = '5'",
            "INVALID_FIELD",
            "type double and should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > 2026-13-01T00:00:00Z",
            "MALFORMED_QUERY",
            "invalid date time",
        ),
        ("SELECT Id FROM Lead WHERE IsConverted = 'true'", "INVALID_FIELD", "must be of type boolean"),
        ("SELECT Id FROM Lead WHERE IsConverted > TRUE", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"),
        (
            "SELECT Id FROM Lead WHERE Id = 'nonsense'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: nonsense",
        ),
        (
            "SELECT Id FROM Lead WHERE Id LIKE '00Q%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        ("SELECT Id FROM Lead WHERE City = 'a\\q'", "MALFORMED_QUERY", "illegal escape sequence"),
        ("SELECT Id FROM Lead WHERE City > null", "MALFORMED_QUERY", "null cannot be compared with >"),
        (
            "SELECT Id FROM Lead WHERE City INCLUDES ('x')",
            "INVALID_QUERY_FILTER_OPERATOR",
            "multi-select picklists",
        ),
        ("SELECT City, COUNT(Id) FROM Lead", "MALFORMED_QUERY", "Field must be grouped or aggregated: City"),
        (
            "SELECT COUNT(Id) FROM Lead GROUP BY City ORDER BY Email",
            "MALFORMED_QUERY",
            "must be grouped or aggregated",
        ),
        ("SELECT SUM(City) FROM Lead", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        ("SELECT Id FROM Lead WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "not allowed here"),
        ("SELECT City town FROM Lead", "MALFORMED_QUERY", "field aliasing"),
        ("SELECT Id FROM Lead HAVING City = 'x'", "MALFORMED_QUERY", "HAVING needs GROUP BY"),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 201", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        (
            "SELECT Id FROM Lead OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        ("SELECT Id FROM Lead LIMIT -1", "MALFORMED_QUERY", "whole number"),
        (
            "SELECT What.Name FROM Event WHERE Who.Name.x = 'y'",
            "INVALID_FIELD",
            "Didn't understand relationship 'Name'",
        ),
    ],
)
def test_what_salesforce_refuses_is_refused_with_its_code(
    bench: Bench, soql: str, code: str, words: str
) -> None:
    fault = refusal(bench, soql)
    assert fault.code == code
    assert words in fault.message


@pytest.mark.parametrize(
    ("soql", "what"),
    [
        ("SELECT FORMAT(Score__c) FROM Lead", "FORMAT"),
        ("SELECT convertCurrency(Score__c) FROM Lead", "CONVERTCURRENCY"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY HOUR_IN_DAY(convertTimezone(CreatedDate))", "HOUR_IN_DAY"),
        ("SELECT City, COUNT(Id) FROM Lead GROUP BY ROLLUP(City)", "ROLLUP"),
        ("SELECT City, COUNT(Id) FROM Lead GROUP BY CUBE(City, Email)", "CUBE"),
        ("SELECT Id FROM Lead USING SCOPE team", "scope team"),
        ("SELECT Id FROM Lead USING SCOPE mine", "scope mine"),
        ("SELECT Id, a.Name FROM Contact c, c.Account a", "relationship in FROM"),
        ("SELECT Id FROM Lead UPDATE TRACKING", "UPDATE TRACKING"),
        ("SELECT Id FROM Lead LIMIT 1 UPDATE viewstat, tracking", "UPDATE VIEWSTAT"),
        ("SELECT Id FROM Lead WITH SECURITY_ENFORCED", "WITH"),
        ("SELECT Id FROM Lead WITH DATA CATEGORY Geo__c AT usa__c", "WITH"),
    ],
)
def test_what_the_local_org_lacks_says_so(bench: Bench, soql: str, what: str) -> None:
    fault = refusal(bench, soql)
    assert (fault.http_status, fault.code) == (501, "NOT_IMPLEMENTED")
    assert what in fault.message


def test_a_query_beyond_the_longest_is_refused(bench: Bench) -> None:
    listed = ",".join("'x'" for _ in range(LONGEST_QUERY // 4))
    assert "longer than" in refusal(bench, f"SELECT Id FROM Lead WHERE City IN ({listed})").message


def test_conditions_nested_without_end_are_refused_not_crashed_on(bench: Bench) -> None:
    nested = f"{'(NOT ' * 5000}City = 'x'{')' * 5000}"
    mixed = f"{'(City = null AND (City = null OR ' * 2000}City = 'x'{'))' * 2000}"
    for condition in (nested, mixed):
        assert refusal(bench, f"SELECT Id FROM Lead WHERE {condition}").code == "QUERY_TOO_COMPLICATED"
    deep = f"SELECT Id FROM Lead WHERE {'(' * 20000}City = 'x'{')' * 20000}"
    assert bench.column(deep) == []


WORDS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "GROUP",
        "BY",
        "ORDER",
        "LIMIT",
        "NULLS",
        "Id",
        "Name",
        "Lead",
        "Event",
        "Who",
        ".",
        ",",
        "(",
        ")",
        "=",
        "!=",
        "<",
        "'x'",
        "'\\'",
        "5",
        "2026-01-01",
        "TODAY",
        "LAST_N_DAYS",
        ":",
        "null",
        "true",
        "COUNT",
        "FIELDS",
        "TYPEOF",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "Events",
        "(SELECT Id FROM Events)",
        "USING SCOPE",
        "toLabel",
        "'\\u00",
        "ALL",
        '"',
        "\\",
        "é",
        "\x00",
    ]
)


def status(ask: Callable[[str], object], text: str) -> int:
    try:
        ask(text)
    except SalesforceFault as fault:
        return fault.http_status
    return 200


@settings(max_examples=400, deadline=None, derandomize=True)
@given(words=st.lists(WORDS, max_size=25), is_begun=st.booleans())
def test_any_jumble_of_words_is_answered_or_refused(bench: Bench, words: list[str], is_begun: bool) -> None:
    begun = ["SELECT Id FROM Lead"] if is_begun else []
    assert status(bench.org.query, " ".join(begun + words)) in (200, 400, 501)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    assert status(parse, text) in (200, 400, 501)
