"""Random queries that are nearly right: each is answered, on every page and after a pause, or refused with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from include.salesforce_emulator.engine.errors import SalesforceFault
from tests.emulator.engine_bench import Bench

pytestmark = pytest.mark.rule("P3")

_OBJECTS = ("Lead", "Contact", "Account", "Event", "User", "CampaignMember")
_CHILDREN = {
    "Events": "Event",
    "Contacts": "Contact",
    "CampaignMembers": "CampaignMember",
    "ChildAccounts": "Account",
}
_FUNCTIONS = (
    "COUNT",
    "COUNT_DISTINCT",
    "SUM",
    "MIN",
    "MAX",
    "CALENDAR_YEAR",
    "DAY_ONLY",
    "toLabel",
    "FIELDS",
)
_VALUES = ("'x'", "''", "null", "true", "5", "-1.5e3", "1e400", "2026-01-01", "2026-01-01T00:00:00Z", "TODAY",
           "LAST_N_DAYS:3", "N_YEARS_AGO:2020", "9999-12-31T23:59:59-14:00", r"'%a\_\\'", r"'\u0041'")  # fmt: skip


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    account = made.insert("Account", Name="Acme")
    made.event(WhoId=made.contact(AccountId=account))
    made.event(WhoId=made.lead())
    made.event(WhatId=account)
    yield made
    made.close()


class Writer:
    """Writes queries that hold together as far as grammar goes, over fields that exist."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self._org = bench.org
        self._random = Random(seed)

    def query(self, source: str, sobject: str, *, depth: int = 0) -> str:
        shown = ", ".join(self._item(sobject, depth) for _ in range(self._random.randint(1, 3)))
        clauses = [
            (0.1, lambda: f"USING SCOPE {self._one('mine', 'everything', 'team')}"),
            (0.6, lambda: f"WHERE {self._condition(sobject, depth)}"),
            (0.15, lambda: f"GROUP BY {self._one(self._field(sobject), self._function(sobject))}"),
            (0.05, lambda: f"HAVING {self._condition(sobject, 3)}"),
            (0.3, lambda: f"ORDER BY {self._field(sobject)} {self._one('', 'DESC NULLS LAST')}"),
            (0.2, lambda: f"LIMIT {self._one('0', '1', '201', '999999999999999999')}"),
            (0.1, lambda: f"OFFSET {self._one('0', '1', '2001')}"),
        ]
        chosen = [write() for chance, write in clauses if self._random.random() < chance]
        return " ".join([f"SELECT {shown} FROM {source}", *chosen])

    def any_query(self) -> str:
        sobject = self._one(*_OBJECTS)
        return self.query(sobject, sobject)

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _field(self, sobject: str) -> str:
        found = self._org.sobject(sobject)
        parents = [item.relationship_name for item in found.references if item.relationship_name]
        if parents and self._random.random() < 0.25:
            return f"{self._one(*parents)}.{self._one('Name', 'Id', 'Type', 'Owner.Name', 'CreatedDate')}"
        return self._random.choice(found.fields).name

    def _function(self, sobject: str) -> str:
        return f"{self._one(*_FUNCTIONS)}({self._one(self._field(sobject), self._field(sobject), '', 'ALL')})"

    def _item(self, sobject: str, depth: int) -> str:
        kind = self._random.random()
        if kind < 0.15 and depth < 2:
            name = self._one(*_CHILDREN)
            return f"({self.query(name, _CHILDREN[name], depth=depth + 1)})"
        if kind < 0.2:
            when = self._one(*_OBJECTS)
            shown = f"WHEN {when} THEN {self._field(when)} {self._one('', 'ELSE Name ')}END"
            return f"TYPEOF {self._one('Who', 'What', 'Owner')} {shown}"
        return self._function(sobject) if kind < 0.3 else self._field(sobject)

    def _condition(self, sobject: str, depth: int) -> str:
        kind = self._random.random()
        if depth < 3 and kind < 0.3:
            operator = self._one("AND", "OR")
            return f"({self._condition(sobject, depth + 1)} {operator} {self._condition(sobject, depth + 1)})"
        if depth < 3 and kind < 0.4:
            return f"(NOT {self._condition(sobject, depth + 1)})"
        field = self._field(sobject) if kind < 0.9 else self._function(sobject)
        if kind < 0.5:
            other = self._one(*_OBJECTS)
            return f"{field} {self._one('IN', 'NOT IN')} ({self.query(other, other, depth=3)})"
        if kind < 0.6:
            return f"{field} {self._one('IN', 'NOT IN')} ({self._one(*_VALUES)}, {self._one(*_VALUES)})"
        return f"{field} {self._one('=', '!=', '<', '>=', 'LIKE')} {self._one(*_VALUES)}"


def outcome(bench: Bench, soql: str) -> str:
    try:
        result = bench.org.query(soql, user_id=bench.org.integration_user_id)
    except SalesforceFault as fault:
        return fault.code
    assert bench.org.resume_query(result.state()).records(0, 50) == result.records(0, 50)
    assert all(len(row) == len(result.columns) for row in result.rows())
    return "answered"


@pytest.mark.parametrize("seed", range(4))
def test_a_random_query_is_answered_or_refused_with_a_reason(bench: Bench, seed: int) -> None:
    writer = Writer(bench, seed)
    outcomes = Counter(outcome(bench, writer.any_query()) for _ in range(500))
    assert outcomes["answered"] > 30
    assert set(outcomes) <= {
        "answered",
        "INVALID_FIELD",
        "INVALID_QUERY_FILTER_OPERATOR",
        "INVALID_TYPE",
        "MALFORMED_QUERY",
        "NOT_IMPLEMENTED",
        "NUMBER_OUTSIDE_VALID_RANGE",
    }
