from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.salesforce import soql


def test_an_apostrophe_and_a_backslash_cannot_end_a_literal() -> None:
    assert soql.text("O'Brien\\") == r"'O\'Brien\\'"


def test_newlines_and_tabs_are_escaped() -> None:
    assert soql.text("a\nb\tc\rd") == r"'a\nb\tc\rd'"


@given(st.text())
def test_no_text_leaves_its_literal(value: str) -> None:
    inside = soql.text(value)[1:-1]
    assert "'" not in inside.replace("\\\\", "").replace("\\'", "")
    assert not inside.replace("\\\\", "").endswith("\\")


@pytest.mark.parametrize("name", ["", "Id FROM User", "a'b", "1st", "Name)", "Id\n"])
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="API name"):
        soql.identifier(name)


def test_relationship_names_are_identifiers() -> None:
    assert soql.identifier("Owner.Profile.Name") == "Owner.Profile.Name"


def test_conditions_are_joined_by_and() -> None:
    query = soql.select(
        ["Id", "Owner.Name"],
        "Lead",
        where=[soql.equals("IsConverted", False), soql.is_not_null("Email")],
        order_by=["Id"],
        limit=5,
    )
    assert query == (
        "SELECT Id,Owner.Name FROM Lead WHERE IsConverted = false AND Email != null ORDER BY Id LIMIT 5"
    )


def test_one_condition_may_stand_alone() -> None:
    assert (
        soql.select(["Id"], "Lead", where=soql.equals("Email", None))
        == "SELECT Id FROM Lead WHERE Email = null"
    )


def test_instants_are_written_in_utc_to_the_second() -> None:
    moment = datetime(2026, 3, 1, 9, 30, 15, 999999, tzinfo=timezone(timedelta(hours=2)))
    assert soql.at_least("SystemModstamp", moment) == "SystemModstamp >= 2026-03-01T07:30:15Z"


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        soql.instant(datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None))


def test_an_empty_list_has_no_spelling() -> None:
    with pytest.raises(ValueError, match="at least one"):
        soql.any_of("Id", [])


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("SELECT Id, Owner.Name FROM Lead WHERE Name = 'x FROM y'", ["Id", "Owner.Name"]),
        ("select Status, COUNT(Id) n from Lead group by Status", ["Status", "n"]),
        ("SELECT COUNT(Id), MAX(CreatedDate) FROM Lead", ["expr0", "expr1"]),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 1", None),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", None),
    ],
)
def test_a_select_list_names_its_columns(query: str, columns: list[str] | None) -> None:
    assert soql.selected_columns(query) == columns


@given(st.lists(st.text(min_size=1, max_size=255), max_size=60), st.integers(min_value=500, max_value=5_000))
def test_lists_are_packed_by_the_length_of_their_url(values: list[str], budget: int) -> None:
    chunks = list(soql.pack(values, budget_bytes=budget))
    assert [value for chunk in chunks for value in chunk] == values
    for chunk in chunks:
        encoded = len(quote_plus(",".join(map(soql.text, chunk))))
        assert encoded <= budget or len(chunk) == 1


def test_neighbouring_lists_would_not_fit_into_one() -> None:
    chunks = list(soql.pack([f"person{number}@example.org" for number in range(2_000)], budget_bytes=15_000))
    joined = quote_plus(",".join(map(soql.text, chunks[0] + chunks[1][:1])) + ",")
    assert len(joined) > 15_000


@pytest.mark.rule("M2")
def test_empty_and_missing_values_are_not_searched_for() -> None:
    assert soql.searchable(["b", "", None, float("nan"), "a", "a", "x" * 256]) == ["a", "b"]


@pytest.mark.rule("G8")
def test_records_are_counted_under_all_conditions_together_or_under_none() -> None:
    conditions = [soql.equals("LastModifiedById", "005"), soql.is_not_null("WhoId")]
    expected = "SELECT COUNT() FROM Event WHERE LastModifiedById = '005' AND WhoId != null"
    assert soql.count("Event", where=conditions) == expected
    assert soql.count("Event") == "SELECT COUNT() FROM Event"
