"""Client rows that are one person (rules M2, M8)."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.frames import CLIENTS
from include.matching.evidence import identities
from include.matching.group import group_clients
from include.settings.model import MatchingAlgorithm, Settings
from tests.matching.builders import Row, client, frame

pytestmark = pytest.mark.rule("M8")


def groups(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found = group_clients(pd.DataFrame(pairs, columns=["client_id", "identity"], dtype="str"))
    return dict(zip(found["client_id"], found["person_group"], strict=True))


def groups_of(clients: list[Row], algorithm: MatchingAlgorithm) -> dict[str, str]:
    settings = Settings(matching_algorithm=algorithm)
    found = group_clients(identities(frame(CLIENTS, clients), settings))
    return dict(zip(found["client_id"], found["person_group"], strict=True))


def test_a_group_is_named_after_the_smallest_number_not_the_smallest_text() -> None:
    assert groups([("10", "a"), ("9", "a"), ("100", "b")]) == {"9": "9", "10": "9", "100": "100"}


def test_clients_connected_through_others_are_one_person() -> None:
    chain = [(str(n), f"edge{n}") for n in range(1, 500)] + [(str(n), f"edge{n - 1}") for n in range(2, 500)]
    assert set(groups(chain).values()) == {"1"}


def test_nobody_makes_no_group() -> None:
    assert groups([]) == {}


@given(st.lists(st.tuples(st.integers(1, 14).map(str), st.sampled_from("abcdefghij")), max_size=30))
def test_groups_are_the_connected_components(pairs: list[tuple[str, str]]) -> None:
    parts = [({client_id}, {identity}) for client_id, identity in pairs]
    merged = True
    while merged:
        merged = False
        for one in range(len(parts)):
            for other in range(one + 1, len(parts)):
                if parts[one][0] & parts[other][0] or parts[one][1] & parts[other][1]:
                    members, edges = parts.pop(other)
                    parts[one] = (parts[one][0] | members, parts[one][1] | edges)
                    merged = True
                    break
            if merged:
                break
    expected = {member: min(members, key=int) for members, _ in parts for member in members}
    assert groups(pairs) == expected


@pytest.mark.rule("M2")
@pytest.mark.parametrize(
    ("algorithm", "joined"),
    [
        # 1 and 2 share the e-mail, 1 and 3 name and e-mail, 1 and 4 the phone
        (MatchingAlgorithm.NAME_AND_EMAIL, {"1", "3"}),
        (MatchingAlgorithm.EMAIL, {"1", "2", "3"}),
        (MatchingAlgorithm.PHONE_THEN_NAME_AND_EMAIL, {"1", "3", "4"}),
        (MatchingAlgorithm.NAME_AND_EMAIL_THEN_PHONE, {"1", "3", "4"}),
    ],
)
def test_each_algorithm_joins_by_its_own_evidence(algorithm: MatchingAlgorithm, joined: set[str]) -> None:
    clients = [
        client("1", phone="416 555 0100", country="CA"),
        client("2", first_name="Bo"),
        client("3", first_name=" ANA", email="ANA@Example.org"),
        client("4", first_name="Di", email=None, phone="+1 (416) 555-0100"),
    ]
    found = groups_of(clients, algorithm)
    assert {member for member, group in found.items() if group == "1"} == joined


@pytest.mark.rule("M2")
@pytest.mark.parametrize("missing", ["first_name", "last_name", "email"])
@pytest.mark.parametrize("empty", [None, "", "   "])
def test_an_empty_value_never_agrees_with_an_empty_value(missing: str, empty: str | None) -> None:
    clients = [client("1", **{missing: empty}), client("2", **{missing: empty})]
    assert groups_of(clients, MatchingAlgorithm.NAME_AND_EMAIL) == {"1": "1", "2": "2"}


def test_identities_do_not_spell_out_what_they_are_made_of() -> None:
    found = identities(frame(CLIENTS, [client("5")]), Settings())
    evidence = found.loc[found["step"] == "name_and_email", "identity"]
    assert evidence.str.fullmatch("[0-9a-f]{32}").tolist() == [True]
    assert found.loc[found["step"] == "client", "identity"].tolist() == ["client:5"]
