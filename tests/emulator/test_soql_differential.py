"""Random conditions over random small worlds find what a slow, plain evaluator finds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.engine_bench import Bench
from tests.emulator.soql_reference import Combine, Compare, In, Includes, Like, Not, Row, Tree, Value

pytestmark = pytest.mark.rule("P3")

_WORDS = ("a", "A", "ab", "aé", "AÉ", "b%", "b_", "bb", "\\", "'", "a'b", "éa", "B")
_START = datetime(2026, 3, 20, 10, tzinfo=UTC)
_INSTANTS = tuple(_START + timedelta(hours=hours) for hours in (0, 1, 14, 26))
_TOPICS = ("Gold", "Silver")

WORDS = st.sampled_from(_WORDS)
MAYBE_WORDS = st.none() | WORDS
TEXTS: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(
    ("Subject", "Location", "Who.Name", "Account.Name"), WORDS
)
EVENT_FIELDS: dict[str, st.SearchStrategy[Any]] = TEXTS | {
    "StartDateTime": st.sampled_from(_INSTANTS),
    "ActivityDate": st.sampled_from([date(2026, 3, 20), date(2026, 3, 21), date(2026, 3, 22)]),
    "DurationInMinutes": st.sampled_from([0, 30, 60, 45.5]),
    "IsPrivate": st.booleans(),
    "Who.Type": st.sampled_from(["Lead", "contact", "User"]),
}
LEAD_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "City": WORDS,
    "LastName": WORDS,
    "Score__c": st.sampled_from([-1.5, 0, 0.5, 2]),
    "Consent__c": st.booleans(),
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def leaves(fields: dict[str, st.SearchStrategy[Any]], *, has_topics: bool) -> st.SearchStrategy[Tree]:
    booleans = [name for name in fields if name in ("IsPrivate", "Consent__c")]
    texts = [name for name in fields if name in (*TEXTS, "City", "LastName")]

    def compare(name: str) -> st.SearchStrategy[Tree]:
        equal = st.builds(Compare, st.just(name), st.sampled_from(["=", "!="]), fields[name] | st.none())
        if name in booleans:
            return st.builds(Compare, st.just(name), st.sampled_from(["=", "!="]), fields[name])
        order = st.builds(Compare, st.just(name), st.sampled_from(["<", "<=", ">", ">="]), fields[name])
        return equal | order

    def among(name: str) -> st.SearchStrategy[Tree]:
        choices = fields[name] if name in booleans else fields[name] | st.none()
        if name in texts:
            choices |= st.just("")
        values = st.lists(choices, min_size=1, max_size=4).map(tuple)
        return st.builds(In, st.just(name), values, st.booleans())

    parts = st.sampled_from(["%", "_", "a", "A", "b", "é", "É", "\\%", "\\_", "\\\\", "\\'"])
    names = st.sampled_from(list(fields))
    like = st.builds(Like, st.sampled_from(texts), st.lists(parts, max_size=4).map(tuple))
    combination = st.lists(st.sampled_from(_TOPICS), min_size=1, max_size=2).map(tuple)
    includes = st.builds(
        Includes,
        st.just("Topics__c"),
        st.lists(combination, min_size=1, max_size=2).map(tuple),
        st.booleans(),
    )
    return names.flatmap(compare) | names.flatmap(among) | like | (includes if has_topics else st.nothing())


def trees(fields: dict[str, st.SearchStrategy[Any]], *, has_topics: bool) -> st.SearchStrategy[list[Tree]]:
    def grown(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.builds(Combine, st.sampled_from(["AND", "OR"]), parts) | st.builds(Not, inner)

    tree = st.recursive(leaves(fields, has_topics=has_topics), grown, max_leaves=5)
    return st.lists(tree, min_size=10, max_size=20)


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "Subject": MAYBE_WORDS,
            "Location": MAYBE_WORDS,
            "StartDateTime": st.sampled_from(_INSTANTS),
            "DurationInMinutes": st.sampled_from([0, 30, 60]),
            "who": st.sampled_from([None, "Lead", "Contact"]),
            "name": WORDS,
            "account": MAYBE_WORDS,
            "IsPrivate": st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)
LEADS = st.lists(
    st.fixed_dictionaries(
        {
            "City": MAYBE_WORDS,
            "LastName": WORDS,
            "Score__c": st.none() | LEAD_FIELDS["Score__c"],
            "Consent__c": st.booleans(),
            "Topics__c": st.sampled_from([None, "Gold", "Silver", "Gold;Silver"]),
        }
    ),
    min_size=1,
    max_size=8,
)


def make_event(bench: Bench, wanted: dict[str, Any]) -> Row:
    """Make an Event and the person it is with; return what its fields are to be read as."""
    is_private = wanted["IsPrivate"] and wanted["who"] is None
    account = None
    who: dict[str, Any] = {}
    if wanted["who"] == "Contact":
        account = wanted["account"]
        parent = bench.insert("Account", Name=account) if account is not None else None
        who = {"WhoId": bench.contact(LastName=wanted["name"], AccountId=parent)}
    elif wanted["who"] == "Lead":
        who = {"WhoId": bench.lead(LastName=wanted["name"])}
    own = {name: wanted[name] for name in ("Subject", "Location", "DurationInMinutes")}
    start: datetime = wanted["StartDateTime"]
    bench.event(**own, **who, StartDateTime=start.isoformat(), EndDateTime=None, IsPrivate=is_private)
    return own | {
        "StartDateTime": start,
        "ActivityDate": start.date(),
        "IsPrivate": is_private,
        "Who.Name": wanted["name"] if who else None,
        "Who.Type": wanted["who"],
        "Account.Name": account,
    }


def derived(conditions: list[Tree]) -> Iterator[Tree]:
    """Yield more conditions than were drawn, for drawing one costs more than asking it."""
    for one, other in itertools.pairwise(conditions):
        yield Not(one)
        yield Combine("AND", (one, other))
        yield Combine("OR", (Not(one), other))


def check(bench: Bench, sobject: str, rows: list[Row], conditions: list[Tree]) -> None:
    ids = bench.column(f"SELECT Id FROM {sobject} ORDER BY Id")
    assert len(ids) == len(rows)
    for condition in [*conditions, *derived(conditions)]:
        soql = f"SELECT Id FROM {sobject} WHERE {condition.text()} ORDER BY Id"
        expected = [record_id for record_id, row in zip(ids, rows, strict=True) if condition.holds(row)]
        assert bench.column(soql) == expected, soql


_PLENTY = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@_PLENTY
@given(wanted=EVENTS, conditions=trees(EVENT_FIELDS, has_topics=False))
def test_conditions_on_events_and_their_parents_agree_with_the_reference(
    bench: Bench, wanted: list[dict[str, Any]], conditions: list[Tree]
) -> None:
    bench.org.reset()
    check(bench, "Event", [make_event(bench, one) for one in wanted], conditions)


@_PLENTY
@given(rows=LEADS, conditions=trees(LEAD_FIELDS, has_topics=True))
def test_conditions_on_leads_agree_with_the_reference(
    bench: Bench, rows: list[dict[str, Value]], conditions: list[Tree]
) -> None:
    bench.org.reset()
    for row in rows:
        bench.lead(**row)
    check(bench, "Lead", list(rows), conditions)
