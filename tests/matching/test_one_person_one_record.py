"""One person, one record: groups, claims, and the same answer whatever the order (rule M8)."""

from __future__ import annotations

import pandas as pd
import pytest

from include.frames import CLIENTS
from include.matching.evidence import identities
from include.settings.model import Settings
from tests.matching.builders import (
    CONTACT_1,
    LEAD_1,
    LEAD_2,
    LEAD_3,
    client,
    decided,
    evidences,
    frame,
    link,
    record,
    stranger,
    verdicts,
)

pytestmark = pytest.mark.rule("M8")


def identity_of(**values: object) -> str:
    """Return the identity of a client's evidence."""
    return str(identities(frame(CLIENTS, [client("1", **values)]), Settings())["identity"].iloc[0])


def test_two_client_rows_of_one_person_are_created_once_under_the_smallest_id() -> None:
    found = decided([client("10"), client("9", email="ANA@example.org ")])
    assert verdicts(found) == {"9": "new:9", "10": "new:9"}
    rows = found.decisions
    assert rows["identity"].unique().tolist() == [identity_of()]
    assert rows["identities"].unique().tolist() == [f"{identity_of()} client:10 client:9"]


def test_a_disabled_row_does_not_lend_its_values_to_the_new_record() -> None:
    found = decided([client("1", sync_disabled=True), client("2"), client("3")])
    assert verdicts(found) == {"1": "client_disabled", "2": "new:2", "3": "new:2"}


def test_a_row_without_link_follows_the_linked_row_of_the_same_person() -> None:
    found = decided(
        [client("1"), client("2")], [record(CONTACT_1), stranger(LEAD_1)], links=[link("2", LEAD_1)]
    )
    assert verdicts(found) == {"1": LEAD_1, "2": LEAD_1}
    assert evidences(found) == {"1": "name_and_email", "2": "kept_link"}
    assert '"via":"2"' in found.decisions["explanation"].iloc[0]


def test_rows_that_have_links_of_their_own_are_not_joined() -> None:
    found = decided(
        [client("1"), client("2"), client("3")],
        [stranger(LEAD_1), stranger(LEAD_2)],
        links=[link("1", LEAD_1), link("2", LEAD_2)],
    )
    assert verdicts(found) == {"1": LEAD_1, "2": LEAD_2, "3": LEAD_1}


def test_whoever_follows_follows_the_best_evidence_before_the_smallest_id() -> None:
    found = decided(
        [client("1"), client("2"), client("3")],
        [stranger(LEAD_1), stranger(LEAD_2)],
        links=[link("1", LEAD_1), link("2", LEAD_2, evidence="admin_choice")],
    )
    assert verdicts(found)["3"] == LEAD_2


def test_two_people_joined_by_a_third_agree_on_one_record() -> None:
    clients = [
        client("1", phone="4165550100"),
        client("2", first_name="Bo", phone="4165550100"),
        client("3", first_name="Bo", phone=None),
    ]
    found = decided(
        clients, [record(LEAD_1, first_name="Bo")], matching_algorithm="name_and_email_then_phone"
    )
    assert set(verdicts(found).values()) == {LEAD_1}


def test_an_open_claim_is_taken_up_again() -> None:
    claims = [{"identity": identity_of(), "claim_key": "77"}]
    row = decided([client("9")], claims=claims).decisions.iloc[0]
    assert (row["action"], row["claim_key"]) == ("create", "77")


def test_a_record_that_carries_the_claimed_key_is_the_person_though_nothing_else_agrees() -> None:
    claims = [{"identity": identity_of(), "claim_key": "77"}]
    row = decided(
        [client("9")], [stranger(LEAD_1, client_key="77"), record(CONTACT_1)], claims=claims
    ).decisions.iloc[0]
    assert (row["record_id"], row["evidence"], row["claim_key"]) == (LEAD_1, "claim_key", "77")


def test_a_claim_is_found_again_after_the_client_was_edited() -> None:
    claims = [{"identity": identity_of(), "claim_key": "9"}, {"identity": "client:9", "claim_key": "9"}]
    found = decided([client("9", email="new@example.org")], [stranger(LEAD_1, client_key="9")], claims=claims)
    assert (verdicts(found), evidences(found)) == ({"9": LEAD_1}, {"9": "claim_key"})


def test_a_key_on_a_converted_lead_leads_to_the_contact() -> None:
    claims = [{"identity": "client:9", "claim_key": "9", "record_id": LEAD_1}]
    held = stranger(LEAD_1, client_key="9", is_converted=True, converted_contact_id=CONTACT_1)
    found = decided([client("9")], [held, stranger(CONTACT_1)], claims=claims)
    assert (verdicts(found), found.retired_claims) == ({"9": CONTACT_1}, ())


@pytest.mark.parametrize(
    "held",
    [
        [stranger(LEAD_1, client_key="9", is_deleted=True)],
        [stranger(LEAD_1, client_key="9", is_converted=True, converted_contact_id=CONTACT_1)],
        [],
    ],
    ids=["deleted", "converted, contact gone", "purged"],
)
def test_a_key_whose_record_is_gone_is_not_used_again(held: list[dict[str, object]]) -> None:
    claims = [{"identity": "client:9", "claim_key": "9", "record_id": LEAD_1}]
    found = decided([client("9")], held, claims=claims)
    row = found.decisions.iloc[0]
    assert (row["action"], row["claim_key"], found.retired_claims) == ("create", row["claim_key"], ("9",))
    assert pd.isna(row["claim_key"])


def test_a_retired_claim_is_not_heard() -> None:
    claims = [{"identity": "client:9", "claim_key": "9", "record_id": LEAD_1, "is_retired": True}]
    found = decided([client("9")], [stranger(LEAD_1, client_key="9")], claims=claims)
    assert (verdicts(found), found.retired_claims) == ({"9": "new:9"}, ())


def test_of_several_claims_the_smallest_key_with_a_record_counts() -> None:
    claims = [
        {"identity": identity_of(), "claim_key": "1"},
        {"identity": "client:9", "claim_key": "3", "record_id": LEAD_3},
        {"identity": "client:10", "claim_key": "2", "record_id": LEAD_2},
    ]
    found = decided([client("9"), client("10")], [stranger(LEAD_2), stranger(LEAD_3)], claims=claims)
    assert set(verdicts(found).values()) == {LEAD_2}
