"""Salesforce moves on, and links with it (rule M7)."""

from __future__ import annotations

import pytest

from include.frames import CANDIDATES
from include.matching.follow import follow_records, ids_to_follow
from tests.matching.builders import (
    ACCOUNT_1,
    ACCOUNT_2,
    CONTACT_1,
    CONTACT_2,
    CONTACT_3,
    LEAD_1,
    LEAD_2,
    Row,
    client,
    decided,
    evidences,
    frame,
    link,
    record,
    stranger,
    verdicts,
)

pytestmark = pytest.mark.rule("M7")

CONVERTED = stranger(LEAD_1, is_converted=True, converted_contact_id=CONTACT_1)


def merged(record_id: str, into: str | None, **values: object) -> Row:
    return stranger(record_id, is_deleted=True, master_record_id=into, **values)


def test_a_link_to_a_converted_lead_leads_to_its_contact() -> None:
    found = decided([client("1")], [CONVERTED, stranger(CONTACT_1)], links=[link("1", LEAD_1)])
    row = found.decisions.iloc[0]
    assert (row["sobject"], row["record_id"], row["who_id"]) == ("Contact", CONTACT_1, CONTACT_1)
    assert (row["evidence"], row["followed_from"]) == ("kept_link", LEAD_1)
    assert found.forwards.to_dict("records") == [
        {"old_id": LEAD_1, "new_id": CONTACT_1, "new_record_id": CONTACT_1}
    ]


def test_a_lead_converted_to_a_person_account_leads_there() -> None:
    person = stranger(CONTACT_1, is_person_account=True, account_id=ACCOUNT_1)
    row = decided([client("1")], [CONVERTED, person], links=[link("1", LEAD_1)]).decisions.iloc[0]
    assert (row["sobject"], row["record_id"], row["who_id"]) == ("Account", ACCOUNT_1, CONTACT_1)


def test_a_lead_that_names_no_contact_leads_to_its_person_account() -> None:
    converted = stranger(LEAD_1, is_converted=True, converted_account_id=ACCOUNT_1)
    person = stranger(ACCOUNT_1, is_person_account=True, person_contact_id=CONTACT_1)
    found = decided([client("1")], [converted, person], links=[link("1", LEAD_1)])
    row = found.decisions.iloc[0]
    assert (row["sobject"], row["record_id"], row["who_id"]) == ("Account", ACCOUNT_1, CONTACT_1)
    assert found.forwards.to_dict("records") == [
        {"old_id": LEAD_1, "new_id": CONTACT_1, "new_record_id": ACCOUNT_1}
    ]


def test_a_lead_converted_to_a_business_without_a_contact_is_nobody() -> None:
    converted = stranger(LEAD_1, is_converted=True, converted_account_id=ACCOUNT_1)
    found = decided([client("1")], [converted, stranger(ACCOUNT_1)], links=[link("1", LEAD_1)])
    assert (verdicts(found), found.forwards.empty) == ({"1": "new:1"}, True)


def test_a_merged_person_account_takes_what_pointed_at_its_contact_along() -> None:
    loser = merged(ACCOUNT_1, ACCOUNT_2, is_person_account=True)
    survivor = stranger(ACCOUNT_2, is_person_account=True, person_contact_id=CONTACT_2)
    kept = link("1", ACCOUNT_1, sobject="Account", who_id=CONTACT_1)
    found = decided([client("1")], [loser, survivor], links=[kept])
    row = found.decisions.iloc[0]
    assert (row["record_id"], row["who_id"], row["followed_from"]) == (ACCOUNT_2, CONTACT_2, ACCOUNT_1)
    assert found.forwards.to_dict("records") == [
        {"old_id": ACCOUNT_1, "new_id": CONTACT_2, "new_record_id": ACCOUNT_2},
        {"old_id": CONTACT_1, "new_id": CONTACT_2, "new_record_id": ACCOUNT_2},
    ]


def test_the_contact_of_a_merged_person_account_leads_to_the_survivor_through_its_account() -> None:
    contact = stranger(CONTACT_1, is_deleted=True, is_person_account=True, account_id=ACCOUNT_1)
    loser = merged(ACCOUNT_1, ACCOUNT_2, is_person_account=True)
    survivor = stranger(ACCOUNT_2, is_person_account=True, person_contact_id=CONTACT_2)
    found = decided([client("1")], [contact, loser, survivor], links=[link("1", CONTACT_1)])
    assert verdicts(found) == {"1": ACCOUNT_2}


def test_a_chain_is_followed_over_several_hops() -> None:
    chain = [merged(LEAD_2, LEAD_1), CONVERTED, merged(CONTACT_1, CONTACT_2), merged(CONTACT_2, CONTACT_3)]
    found = decided([client("1")], [*chain, stranger(CONTACT_3)], links=[link("1", LEAD_2)])
    assert verdicts(found) == {"1": CONTACT_3}
    assert set(found.forwards["new_id"]) == {CONTACT_3}


def test_a_deleted_record_is_matched_afresh() -> None:
    records = [stranger(LEAD_1, is_deleted=True), record(CONTACT_1)]
    found = decided([client("1")], records, links=[link("1", LEAD_1)])
    assert (verdicts(found), evidences(found)) == ({"1": CONTACT_1}, {"1": "name_and_email"})


@pytest.mark.parametrize(
    "records",
    [
        [],
        [stranger(LEAD_1, is_deleted=True)],
        [CONVERTED],
        [CONVERTED, stranger(CONTACT_1, is_deleted=True)],
        [stranger(LEAD_1, is_converted=True)],
        [merged(LEAD_1, LEAD_2), merged(LEAD_2, LEAD_1)],
        [merged(LEAD_1, LEAD_1)],
    ],
    ids=["purged", "deleted", "contact purged", "contact deleted", "no contact", "circle", "itself"],
)
def test_a_chain_that_ends_in_nothing_is_matched_afresh(records: list[Row]) -> None:
    found = decided([client("1")], records, links=[link("1", LEAD_1)])
    assert verdicts(found) == {"1": "new:1"}
    assert found.forwards.empty


def test_an_administrators_choice_is_followed_too() -> None:
    chosen = link("1", LEAD_1, evidence="admin_choice")
    found = decided(
        [client("1", salesforce_id=CONTACT_2)],
        [CONVERTED, stranger(CONTACT_1), stranger(CONTACT_2)],
        links=[chosen],
    )
    assert (verdicts(found), evidences(found)) == ({"1": CONTACT_1}, {"1": "admin_choice"})


def test_a_converted_lead_that_agrees_leads_to_its_contact_though_that_agrees_no_longer() -> None:
    records = [record(LEAD_1, is_converted=True, converted_contact_id=CONTACT_1), stranger(CONTACT_1)]
    row = decided([client("1")], records).decisions.iloc[0]
    assert (row["record_id"], row["followed_from"]) == (CONTACT_1, LEAD_1)


def test_a_live_record_is_not_forwarded() -> None:
    assert decided([client("1")], [record(LEAD_1)]).forwards.empty


def test_records_that_a_chain_leads_to_are_asked_for_once() -> None:
    candidates = frame(CANDIDATES, [CONVERTED, merged(CONTACT_2, CONTACT_3), stranger(CONTACT_3)])
    assert ids_to_follow(candidates) == {CONTACT_1}


def test_a_business_account_is_nobody() -> None:
    fates = follow_records(frame(CANDIDATES, [stranger(ACCOUNT_1)]))["fate"]
    assert fates.tolist() == ["not_a_person"]
