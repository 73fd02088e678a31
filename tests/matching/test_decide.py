"""Whose evidence is heard first, and what the entity type makes of it (rules M1, M2, M4, M6)."""

from __future__ import annotations

import pytest

from include.frames import DECISIONS
from tests.matching.builders import (
    ACCOUNT_1,
    CONTACT_1,
    CONTACT_2,
    EARLY,
    LATE,
    LEAD_1,
    LEAD_2,
    LEAD_3,
    Row,
    client,
    decided,
    evidences,
    link,
    record,
    stranger,
    verdicts,
)

CLAIM = {"identity": "client:1", "claim_key": "1", "record_id": LEAD_3}
CREATED = stranger(LEAD_3, client_key="1")


@pytest.mark.rule("M1")
@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"choice", "source_id", "claim", "record"}, ("admin_choice", CONTACT_1)),
        ({"source_id", "link", "claim", "record"}, ("source_id", LEAD_1)),
        ({"link", "claim", "record"}, ("kept_link", CONTACT_1)),
        ({"claim", "record"}, ("claim_key", LEAD_3)),
        ({"record"}, ("name_and_email", CONTACT_2)),
        (set(), ("new", "new:1")),
    ],
)
def test_the_strongest_evidence_is_heard(said: set[str], heard: tuple[str, str]) -> None:
    links = [link("1", CONTACT_1, evidence="admin_choice")] if "choice" in said else []
    links += [link("1", CONTACT_1)] if "link" in said else []
    records = [
        stranger(CONTACT_1),
        stranger(LEAD_1),
        CREATED,
        *([record(CONTACT_2)] if "record" in said else []),
    ]
    found = decided(
        [client("1", salesforce_id=LEAD_1[:15] if "source_id" in said else None)],
        records,
        links=links,
        claims=[CLAIM] if "claim" in said else [],
    )
    assert (evidences(found)["1"], verdicts(found)["1"]) == heard


@pytest.mark.rule("M1")
@pytest.mark.parametrize(
    ("source_id", "fate"),
    [
        ("not an id", "malformed"),
        (LEAD_2, "not_found"),
        (LEAD_1, "deleted"),
        (ACCOUNT_1, "not_a_person"),
        ("006000000000001AAA", "not_a_person"),
    ],
)
def test_a_source_id_that_is_of_no_use_is_passed_over_with_the_reason(source_id: str, fate: str) -> None:
    records = [stranger(LEAD_1, is_deleted=True), stranger(ACCOUNT_1), record(CONTACT_1)]
    found = decided([client("1", salesforce_id=source_id)], records)
    assert verdicts(found) == {"1": CONTACT_1}
    assert f'"source_fate":"{fate}"' in found.decisions["explanation"].iloc[0]


@pytest.mark.rule("M1")
def test_a_link_outlives_a_change_of_name_and_e_mail() -> None:
    clients = [client("1", first_name="New", email="new@example.org")]
    found = decided(
        clients,
        [record(LEAD_1), record(CONTACT_1, email="new@example.org", first_name="New")],
        links=[link("1", LEAD_1)],
    )
    assert verdicts(found) == {"1": LEAD_1}


@pytest.mark.rule("M4")
@pytest.mark.parametrize(
    ("entity_type", "exist", "result"),
    [
        ("lead", [LEAD_1], LEAD_1),
        ("lead", [CONTACT_1], CONTACT_1),
        ("lead", [LEAD_1, CONTACT_1], CONTACT_1),
        ("lead", [], "new Lead"),
        ("contact", [LEAD_1], "new Contact"),
        ("contact", [CONTACT_1], CONTACT_1),
        ("contact", [LEAD_1, CONTACT_1], CONTACT_1),
        ("contact", [], "new Contact"),
        ("person_account", [ACCOUNT_1], ACCOUNT_1),
        ("person_account", [ACCOUNT_1, CONTACT_1], ACCOUNT_1),
        ("person_account", [CONTACT_1], CONTACT_1),
        ("person_account", [LEAD_1], "new Account"),
        ("person_account", [], "new Account"),
    ],
)
def test_each_row_of_the_entity_type_table(entity_type: str, exist: list[str], result: str) -> None:
    kinds: dict[str, Row] = {
        LEAD_1: record(LEAD_1),
        CONTACT_1: record(CONTACT_1),
        ACCOUNT_1: record(ACCOUNT_1, is_person_account=True, person_contact_id=CONTACT_2),
    }
    found = decided([client("1")], [kinds[one] for one in exist], entity_type=entity_type).decisions.iloc[0]
    assert (found["record_id"] if found["action"] == "link" else f"new {found['sobject']}") == result


@pytest.mark.rule("M4")
@pytest.mark.parametrize("found_as", [ACCOUNT_1, CONTACT_1])
def test_a_person_account_is_one_person_whichever_half_is_found(found_as: str) -> None:
    halves = {
        ACCOUNT_1: record(ACCOUNT_1, is_person_account=True, person_contact_id=CONTACT_1),
        CONTACT_1: record(CONTACT_1, is_person_account=True, account_id=ACCOUNT_1),
    }
    for records in ([halves[found_as]], list(halves.values())):
        found = decided([client("1")], records, ambiguous_match="hold").decisions.iloc[0]
        assert (found["sobject"], found["record_id"], found["who_id"]) == ("Account", ACCOUNT_1, CONTACT_1)


@pytest.mark.rule("M4")
def test_a_link_beats_the_entity_type() -> None:
    found = decided(
        [client("1")], [record(LEAD_1), record(CONTACT_1)], links=[link("1", LEAD_1)], entity_type="contact"
    )
    assert verdicts(found) == {"1": LEAD_1}


@pytest.mark.rule("M2")
@pytest.mark.parametrize(
    ("algorithm", "result"),
    [
        ("name_and_email", LEAD_1),
        ("email", CONTACT_1),
        ("phone_then_name_and_email", CONTACT_2),
        ("name_and_email_then_phone", LEAD_1),
    ],
)
def test_each_algorithm_finds_by_its_own_evidence(algorithm: str, result: str) -> None:
    records = [
        record(LEAD_1, phone=None),
        record(CONTACT_1, first_name="Bo"),
        record(CONTACT_2, first_name="Cy", email=None, phone="(416) 555-0100"),
    ]
    found = decided([client("1", phone="4165550100", country="CA")], records, matching_algorithm=algorithm)
    assert verdicts(found) == {"1": result}


@pytest.mark.rule("M2")
@pytest.mark.parametrize("entity_type", ["lead", "contact"])
def test_the_first_step_that_finds_anybody_decides_even_by_a_lead(entity_type: str) -> None:
    records = [record(LEAD_1), record(CONTACT_1, first_name="Bo", phone="4165550100")]
    found = decided(
        [client("1", phone="4165550100")],
        records,
        matching_algorithm="name_and_email_then_phone",
        entity_type=entity_type,
    )
    assert verdicts(found) == {"1": LEAD_1 if entity_type == "lead" else "new:1"}


@pytest.mark.rule("M2")
@pytest.mark.parametrize(
    ("setting", "result"),
    [("create", {"1": "new:1", "2": "new:2"}), ("hold", dict.fromkeys("12", "insufficient_evidence"))],
)
def test_clients_without_evidence_get_one_record_each_or_are_held(
    setting: str, result: dict[str, str]
) -> None:
    clients = [client("1", email=None), client("2", email=" ")]
    found = decided(clients, [record(LEAD_1, email=None)], insufficient_evidence=setting)
    assert verdicts(found) == result


@pytest.mark.rule("M6")
@pytest.mark.parametrize(
    ("policy", "result"),
    [("oldest", LEAD_2), ("most_recently_modified", LEAD_1), ("hold", "ambiguous_match")],
)
def test_several_candidates_follow_the_policy(policy: str, result: str) -> None:
    records = [
        record(LEAD_1, created_at=LATE, modified_at=LATE),
        record(LEAD_2, created_at=EARLY, modified_at=EARLY),
        record(LEAD_3, is_deleted=True),
    ]
    assert verdicts(decided([client("1")], records, ambiguous_match=policy)) == {"1": result}


@pytest.mark.rule("M6")
def test_one_contact_among_leads_is_not_ambiguous() -> None:
    records = [record(LEAD_1), record(LEAD_2), record(CONTACT_1)]
    assert verdicts(decided([client("1")], records, ambiguous_match="hold")) == {"1": CONTACT_1}


@pytest.mark.rule("M6")
def test_candidates_collapse_before_they_are_counted() -> None:
    records = [
        record(LEAD_1, is_converted=True, converted_contact_id=CONTACT_1),
        record(CONTACT_2, is_deleted=True, master_record_id=CONTACT_1),
        record(CONTACT_1),
    ]
    assert verdicts(decided([client("1")], records, ambiguous_match="hold")) == {"1": CONTACT_1}


@pytest.mark.rule("M6")
def test_a_business_account_with_the_same_phone_is_no_candidate() -> None:
    found = decided(
        [client("1", phone="4165550100")],
        [record(ACCOUNT_1, phone="416 555 0100")],
        matching_algorithm="phone_then_name_and_email",
    )
    assert verdicts(found) == {"1": "new:1"}


@pytest.mark.rule("M11")
def test_nobody_is_created_while_registering_is_off() -> None:
    found = decided(
        [client("1"), client("2", email="bo@example.org")], [record(LEAD_1)], register_people="off"
    )
    assert verdicts(found) == {"1": LEAD_1, "2": "registration_off"}


@pytest.mark.rule("T4")
def test_disabled_and_deleted_clients_keep_their_link_and_get_no_other() -> None:
    clients = [
        client("1", sync_disabled=True),
        client("2", email="bo@example.org", is_deleted=True),
        client("3", email="cy@example.org", is_deleted=True, salesforce_id=LEAD_2),
        client("4", email="di@example.org", sync_disabled=True),
    ]
    records = [record(LEAD_1), stranger(LEAD_2), record(LEAD_3, email="di@example.org")]
    found = decided(clients, records, links=[link("1", LEAD_2)])
    assert verdicts(found) == {
        "1": LEAD_2,
        "2": "client_deleted",
        "3": "client_deleted",
        "4": "client_disabled",
    }
    assert found.decisions["action"].tolist() == ["link", "none", "none", "none"]


def test_nobody_needs_no_decision() -> None:
    found = decided([])
    assert found.decisions.dtypes.equals(DECISIONS.empty().dtypes)
    assert (len(found.decisions), len(found.forwards), found.retired_claims) == (0, 0, ())


@pytest.mark.rule("M2")
@pytest.mark.rule("M3")
@pytest.mark.parametrize("column", ["phone", "mobile_phone"])
def test_a_record_agrees_by_either_of_its_phones(column: str) -> None:
    found = decided(
        [client("1", phone="+1 416 555 0100")],
        [stranger(LEAD_1, **{column: "(416) 555-0100", "country": "Canada"}), stranger(LEAD_2)],
        matching_algorithm="phone_then_name_and_email",
    )
    assert (verdicts(found), evidences(found)) == ({"1": LEAD_1}, {"1": "phone"})


@pytest.mark.rule("M3")
def test_a_phone_without_country_code_is_read_in_the_way_of_the_country_or_of_the_default_region() -> None:
    clients = [
        client("1", phone="020 7946 0958"),
        client("2", phone="030 123456", country="DE", email="b@x.org"),
    ]
    records = [stranger(LEAD_1, phone="+44 20 7946 0958"), stranger(LEAD_2, phone="+49 30 123456")]
    found = decided(
        clients, records, matching_algorithm="name_and_email_then_phone", default_phone_region="GB"
    )
    assert verdicts(found) == {"1": LEAD_1, "2": LEAD_2}


@pytest.mark.rule("M2")
def test_one_digit_over_and_over_joins_nobody() -> None:
    clients = [client(number, phone="000-000-0000", email=f"{number}@x.org") for number in ("1", "2")]
    found = decided(clients, matching_algorithm="phone_then_name_and_email")
    assert verdicts(found) == {"1": "new:1", "2": "new:2"}
