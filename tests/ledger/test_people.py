from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import URL, create_engine, select

from include.ledger.repository import Ledger
from include.ledger.tables import person_links
from tests.ledger.builders import at, decisions, forwards, groups, people

LEAD = "00Q000000000001AAA"
CONTACT = "003000000000001AAA"


def claim(
    ledger: Ledger, client_id: str, identities: str, *, namespace: str = "", run_id: str = "run-1"
) -> pd.Series:
    group = groups({"person_ref": f"new:{client_id}", "identities": identities, "client_id": client_id})
    return ledger.claim_identities(run_id, group, namespace=namespace, now=at(1)).iloc[0]


def record(ledger: Ledger, *rows: dict[str, object], minute: float = 2) -> None:
    ledger.record_people("run-1", people(*rows), settings_version=0, now=at(minute))


def links(ledger: Ledger, client_id: str = "7") -> pd.Series:
    return ledger.person_links([client_id]).iloc[0]


def updated_at(ledger: Ledger) -> object:
    with ledger.engine.connect() as connection:
        return connection.execute(select(person_links.c.updated_at)).scalar_one()


@pytest.mark.rule("M8")
def test_a_person_who_matched_nothing_gets_a_key_named_after_the_smallest_client(ledger: Ledger) -> None:
    claimed = claim(ledger, "7", "a b", namespace="north-")
    assert (claimed["claim_key"], claimed["is_new"]) == ("north-7", True)
    assert pd.isna(claimed["record_id"])


@pytest.mark.rule("M8")
def test_a_retry_arrives_at_the_same_key(ledger: Ledger) -> None:
    claim(ledger, "7", "a b")
    again = claim(ledger, "7", "a b")
    assert (again["claim_key"], again["is_new"]) == ("7", False)


@pytest.mark.rule("M8")
def test_another_client_row_with_one_of_the_identities_arrives_at_the_same_key(ledger: Ledger) -> None:
    claim(ledger, "7", "a b")
    assert claim(ledger, "3", "b c", run_id="run-2")["claim_key"] == "7"
    assert ledger.person_claims(["a", "b", "c"])["claim_key"].tolist() == ["7", "7", "7"]


@pytest.mark.rule("M8")
def test_of_several_keys_the_smallest_wins_as_a_number_and_the_group_leads_to_it(ledger: Ledger) -> None:
    claim(ledger, "10", "a")
    claim(ledger, "9", "b")
    assert claim(ledger, "4", "a b c")["claim_key"] == "9"
    assert ledger.person_claims(["a", "b", "c"])["claim_key"].tolist() == ["9", "9", "9"]


@pytest.mark.rule("M8")
def test_a_key_whose_record_exists_wins_over_one_that_is_still_open(ledger: Ledger) -> None:
    claim(ledger, "9", "a")
    claim(ledger, "10", "b")
    record(ledger, {"client_id": "10", "claim_key": "10", "created_by_us": True})
    claimed = claim(ledger, "4", "a b")
    assert (claimed["claim_key"], claimed["record_id"]) == ("10", LEAD)


@pytest.mark.rule("M8")
def test_a_retired_key_is_never_handed_out_again(ledger: Ledger) -> None:
    keys = []
    for _ in range(3):
        keys.append(claim(ledger, "7", "a")["claim_key"])
        ledger.retire_claims([keys[-1]], at(3))
    assert keys == ["7", "7.2", "7.3"]
    assert ledger.person_claims(["a"])["is_retired"].tolist() == [True]


@pytest.mark.rule("M8")
def test_a_fresh_key_forgets_the_record_of_the_retired_one(ledger: Ledger) -> None:
    claim(ledger, "7", "a")
    record(ledger, {"claim_key": "7", "created_by_us": True})
    ledger.retire_claims(["7"], at(3))
    assert pd.isna(claim(ledger, "7", "a")["record_id"])


@pytest.mark.rule("M8")
def test_two_people_of_one_call_get_two_keys(ledger: Ledger) -> None:
    both = groups(
        {"person_ref": "new:7", "identities": "a b", "client_id": "7"},
        {"person_ref": "new:8", "identities": "c", "client_id": "8"},
    )
    claimed = ledger.claim_identities("run-1", both, namespace="", now=at(1))
    assert claimed["claim_key"].tolist() == ["7", "8"]


@pytest.mark.rule("M8")
def test_runs_that_claim_one_new_person_at_once_arrive_at_one_key(ledger: Ledger, ledger_url: URL) -> None:
    def claim_by_itself(client_id: int) -> str:
        engine = create_engine(ledger_url)
        key = claim(Ledger(engine), str(client_id), f"shared own-{client_id}", run_id=f"run-{client_id}")[
            "claim_key"
        ]
        engine.dispose()
        return key

    with ThreadPoolExecutor(6) as pool:
        keys = set(pool.map(claim_by_itself, range(1, 7)))
    assert len(keys) == 1
    identities = ["shared", *(f"own-{number}" for number in range(1, 7))]
    assert set(ledger.person_claims(identities)["claim_key"]) == keys


@pytest.mark.rule("M8")
def test_nobody_to_claim_is_an_empty_answer(ledger: Ledger) -> None:
    assert ledger.claim_identities("run-1", groups(), namespace="", now=at(1)).empty


@pytest.mark.rule("M8")
def test_a_record_found_by_matching_does_not_settle_a_claim(ledger: Ledger) -> None:
    claim(ledger, "7", "a")
    record(ledger, {"claim_key": "7", "created_by_us": False})
    assert ledger.person_claims(["a"])["record_id"].isna().all()


@pytest.mark.rule("M1")
def test_a_link_is_kept_with_what_made_it(ledger: Ledger) -> None:
    record(ledger, {"values": '{"LastName":"Lovelace"}', "created_by_us": True, "claim_key": "7"})
    kept = links(ledger)
    assert (kept["record_id"], kept["evidence"], kept["created_by_us"]) == (LEAD, "name_and_email", True)
    assert (kept["values"], kept["claim_key"]) == ('{"LastName":"Lovelace"}', "7")


@pytest.mark.rule("M1")
def test_a_run_that_began_before_an_administrators_choice_does_not_replace_it(ledger: Ledger) -> None:
    ledger.choose_person("7", CONTACT, who="ada", now=at(3))
    record(ledger, {"evidence": "name_and_email", "record_id": LEAD}, minute=2)
    assert links(ledger)["record_id"] == CONTACT
    ledger.choose_person("7", LEAD[:15], who="ada", now=at(4))
    assert links(ledger)["record_id"] == "00Q000000000001EAA"


@pytest.mark.rule("M7")
def test_a_run_that_heard_the_choice_and_could_not_use_it_replaces_it(ledger: Ledger) -> None:
    ledger.choose_person("7", CONTACT, who="ada", now=at(1))
    record(ledger, {"evidence": "name_and_email", "record_id": LEAD}, minute=2)
    assert (links(ledger)["record_id"], links(ledger)["evidence"]) == (LEAD, "name_and_email")


@pytest.mark.rule("M1")
def test_seeing_a_kept_link_again_does_not_hide_the_evidence_that_made_it(ledger: Ledger) -> None:
    record(ledger, {"evidence": "email"})
    record(ledger, {"evidence": "kept_link"}, minute=3)
    assert links(ledger)["evidence"] == "email"
    assert updated_at(ledger) == at(2)


@pytest.mark.rule("Q2")
def test_a_link_is_news_only_when_it_says_something_else(ledger: Ledger) -> None:
    record(ledger, {"values": "{}"}, minute=2)
    record(ledger, {"values": None}, minute=3)
    assert updated_at(ledger) == at(2)
    assert links(ledger)["values"] == "{}"
    record(ledger, {"values": '{"Email":"#N/A"}'}, minute=4)
    assert updated_at(ledger) == at(4)


@pytest.mark.rule("M7")
def test_values_written_to_another_record_are_forgotten_with_the_link_to_it(ledger: Ledger) -> None:
    record(ledger, {"values": "{}", "created_by_us": True})
    record(ledger, {"record_id": "00Q000000000002AAA", "who_id": "00Q000000000002AAA"})
    kept = links(ledger)
    assert pd.isna(kept["values"])
    assert not kept["created_by_us"]


@pytest.mark.rule("M7")
def test_a_link_follows_a_converted_lead_and_remembers_that_we_created_it(ledger: Ledger) -> None:
    record(ledger, {"created_by_us": True}, {"client_id": "8", "record_id": "00Q000000000002AAA"})
    ledger.follow_people(forwards(LEAD, CONTACT))
    moved = links(ledger)
    assert moved[["sobject", "record_id", "who_id", "created_by_us"]].tolist() == [
        "Contact",
        CONTACT,
        CONTACT,
        True,
    ]
    assert links(ledger, "8")["sobject"] == "Lead"


@pytest.mark.rule("M5")
def test_what_was_written_into_a_record_is_told_for_every_client_that_is_the_record(ledger: Ledger) -> None:
    row = {"record_id": LEAD, "who_id": LEAD}
    record(
        ledger,
        {**row, "client_id": "7", "values": json.dumps({"Phone": "1"})},
        {**row, "client_id": "8", "values": json.dumps({"Phone": "2"})},
        {**row, "client_id": "9", "values": None},
        {"client_id": "10", "record_id": CONTACT, "values": json.dumps({"Phone": "3"})},
    )
    written = ledger.written_values([LEAD])
    assert written["record_id"].tolist() == [LEAD, LEAD]
    assert sorted(json.loads(values)["Phone"] for values in written["values"]) == ["1", "2"]
    assert ledger.written_values([]).empty


@pytest.mark.rule("M9")
def test_a_decision_is_kept_when_it_differs_from_the_latest_one(ledger: Ledger) -> None:
    first = decisions({"explanation": "{}"}, {"client_id": "8"})
    linked = decisions({"action": "link", "record_id": LEAD, "evidence": "email"}, {"client_id": "8"})

    def keep(run_id: str, rows: pd.DataFrame, minute: float) -> int:
        return ledger.record_decisions(run_id, rows, settings_version=3, now=at(minute))

    assert keep("run-1", first, 1) == 2
    assert keep("run-2", first, 2) == 0
    assert keep("run-3", linked, 3) == 1
    latest = ledger.latest_decision("7")
    assert latest is not None
    assert (latest["run_id"], latest["action"], latest["settings_version"]) == ("run-3", "link", 3)
    assert ledger.latest_decision("9") is None


@pytest.mark.rule("M9")
def test_a_link_that_is_kept_leaves_the_decision_that_explains_it_the_latest(ledger: Ledger) -> None:
    linked = {"client_id": "8", "action": "link", "record_id": LEAD}
    kept = [{**linked, "evidence": "kept_link"}, {**linked, "client_id": "7", "evidence": "kept_link"}]

    def keep(run_id: str, *rows: dict[str, Any]) -> int:
        return ledger.record_decisions(run_id, decisions(*rows), settings_version=0, now=at(int(run_id[-1])))

    assert keep("run-1", {"client_id": "7"}, {**linked, "evidence": "email"}) == 2
    assert keep("run-2", *kept) == 0
    moved = {"record_id": CONTACT, "sobject": "Contact", "followed_from": LEAD}
    assert keep("run-3", *({**row, **moved} for row in kept)) == 2
    assert keep("run-4", {**kept[0], "client_id": "9"}) == 1


@pytest.mark.rule("Q4")
def test_a_rerun_of_the_same_run_replaces_its_own_decision(ledger: Ledger) -> None:
    ledger.record_decisions("run-1", decisions({}), settings_version=0, now=at(1))
    ledger.record_decisions("run-1", decisions({"action": "hold"}), settings_version=0, now=at(1))
    latest = ledger.latest_decision("7")
    assert latest is not None
    assert latest["action"] == "hold"


@pytest.mark.rule("M5")
def test_what_is_written_now_overlays_what_was_written_before_field_by_field(ledger: Ledger) -> None:
    record(ledger, {"values": '{"City":"Montr\\u00e9al","Phone":"1"}'})
    record(ledger, {"values": '{"Phone":"#N/A","Street":"1 \\"Main\\""}'}, minute=3)
    assert json.loads(links(ledger)["values"]) == {
        "City": "Montréal",
        "Phone": "#N/A",
        "Street": '1 "Main"',
    }


@pytest.mark.rule("M5")
def test_a_link_recorded_without_values_leaves_them_as_they_were(ledger: Ledger) -> None:
    record(ledger, {"values": '{"Phone":"1"}'})
    record(ledger, {}, minute=3)
    assert links(ledger)["values"] == '{"Phone":"1"}'


@pytest.mark.rule("M5")
def test_another_record_begins_with_what_was_written_into_it(ledger: Ledger) -> None:
    record(ledger, {"values": '{"Phone":"1"}'})
    record(ledger, {"values": '{"City":"Toronto"}', "record_id": CONTACT, "sobject": "Contact"}, minute=3)
    assert links(ledger)["values"] == '{"City":"Toronto"}'


@pytest.mark.rule("M10")
def test_a_claim_that_no_client_is_linked_by_is_settled_by_its_key(ledger: Ledger) -> None:
    claim(ledger, "account-7", "company:acme")
    ledger.settle_claims(
        pd.DataFrame({"claim_key": ["account-7"], "record_id": ["001000000000001AAA"]}, dtype="str")
    )
    assert claim(ledger, "account-9", "company:acme", run_id="run-2")["record_id"] == "001000000000001AAA"


@pytest.mark.rule("T6")
def test_keys_are_foreseen_as_they_will_be_handed_out_and_nothing_is_claimed(ledger: Ledger) -> None:
    claim(ledger, "7", "a b")
    claim(ledger, "8", "c")
    wanted = groups(
        {"person_ref": "new:3", "identities": "b", "client_id": "3"},
        {"person_ref": "new:8", "identities": "c", "client_id": "8"},
        {"person_ref": "new:9", "identities": "d", "client_id": "9"},
    )
    foreseen = ledger.foresee_keys(wanted, retired=["8"], namespace="", now=at(2))
    assert ledger.person_claims(["d"]).empty
    assert not ledger.person_claims(["c"])["is_retired"].any()
    ledger.retire_claims(["8"], at(3))
    handed_out = ledger.claim_identities("run-2", wanted, namespace="", now=at(3))
    keys = dict(zip(handed_out["person_ref"], handed_out["claim_key"], strict=True))
    assert keys == {"new:3": "7", "new:8": "8.2", "new:9": "9"}
    assert dict(zip(foreseen["person_ref"], foreseen["claim_key"], strict=True)) == keys
