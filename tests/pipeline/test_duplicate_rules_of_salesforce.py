"""Salesforce's own duplicate rules, met as the setting says, whichever API the rows travel by (rule M14)."""

from __future__ import annotations

from typing import Any

import pytest

from include.matching.explain import explain
from include.pipeline import duplicate_rules
from include.pipeline.load_people import load_people
from include.settings.model import DuplicateRules
from tests.pipeline.staged import Staged
from tests.pipeline.world import World

KEY = "Coconut_Client_Key__c"
EMAIL = "ann1@example.com"
BOTH_APIS = pytest.mark.parametrize("api", ["rest", "bulk"])


def rule(sobject: str = "Lead", found: str = "Lead", **values: Any) -> dict[str, Any]:
    """A rule that finds records with the same e-mail, and alerts."""
    names = {"Lead": "Email", "Contact": "Email", "Account": "PersonEmail"}
    fields = {names[sobject]: names[found]}
    matching = {"name": "Same_Email_Match", "sobject": found, "fields": fields}
    return {"name": "Same_Email", "sobject": sobject, "matching_rules": [matching], **values}


def set_up(world: World, *rules: dict[str, Any], **setup: Any) -> None:
    world.org.control("PUT", "setup", {"duplicate_rules": list(rules), **setup})


def lead(world: World, email: str = EMAIL) -> str:
    (record_id,) = world.org.seed("Lead", {"LastName": "Lee", "Company": "Acme", "Email": email})
    return record_id


def staged_people(world: World, *numbers: int) -> Staged:
    staged = Staged(world)
    for number in numbers:
        staged.new(number)
    return staged


def ours(world: World, sobject: str = "Lead") -> list[str]:
    return sorted(row[KEY] for row in world.org.records(sobject) if row.get(KEY))


@pytest.mark.rule("M14")
@BOTH_APIS
def test_where_a_rule_only_alerts_the_person_is_created_all_the_same(world: World, api: str) -> None:
    world.set(load_api=api)
    lead(world)
    set_up(world, rule())
    world.org.forget_calls()
    counts = staged_people(world, 1, 2, 3).load()
    assert ours(world) == ["1", "2", "3"]
    assert (counts["created"], counts["written"]) == (3, 3)
    assert world.org.calls()["collections_create"] == 1


@pytest.mark.rule("M14")
def test_of_a_bulk_job_only_the_refused_rows_are_sent_again(world: World) -> None:
    world.set(load_api="bulk")
    lead(world)
    set_up(world, rule())
    counts = staged_people(world, 1, 2, 3).load()
    jobs = world.ledger.jobs(counts["run_id"], step="load_people")
    assert [(job.api, job.sent, job.succeeded, job.failed) for job in jobs] == [
        ("bulk", 3, 2, 1),
        ("rest", 1, 1, 0),
    ]


@pytest.mark.rule("M14")
@BOTH_APIS
@pytest.mark.parametrize("policy", ["allow", "hold"])
def test_a_blocking_rule_quarantines_and_names_itself_and_the_record_it_found(
    world: World, api: str, policy: str
) -> None:
    world.set(load_api=api, duplicate_rules=policy)
    known = lead(world)
    set_up(world, rule(on_create="block"))
    counts = staged_people(world, 1, 2).load()
    assert ours(world) == ["2"]
    assert (counts["written"], counts["quarantined"]) == (1, 1)
    row = world.waiting("101-1")
    assert (row["outcome"], row["reason"]) == ("quarantined", "blocked_by_duplicate_rule")
    assert row["detail"] == f"DUPLICATES_DETECTED by Same_Email: {known}"
    assert (row["waits_for"], row["waits_for_key"]) == ("person", "1")


@pytest.mark.rule("M14")
@BOTH_APIS
def test_a_held_person_waits_for_somebody_to_choose_and_the_run_adds_up(world: World, api: str) -> None:
    world.set(load_api=api, duplicate_rules="hold")
    known = sorted(lead(world) for _ in range(7))
    set_up(world, rule())
    counts = staged_people(world, 1, 2).load()
    assert ours(world) == ["2"]
    assert (counts["written"], counts["held"]) == (1, 1)
    row = world.waiting("101-1")
    assert (row["outcome"], row["reason"], row["waits_for"]) == ("held", "duplicate_rule", "person")
    assert row["detail"].startswith("DUPLICATES_DETECTED by Same_Email: ")
    assert row["detail"].endswith(" and 2 more")
    assert sum(record_id in row["detail"] for record_id in known) == 5


@pytest.mark.rule("M14")
@pytest.mark.rule("M9")
@BOTH_APIS
@pytest.mark.parametrize("on_create", ["allow", "block"])
def test_the_one_record_that_a_rule_reports_is_linked_and_the_decision_says_so(
    world: World, api: str, on_create: str
) -> None:
    world.set(load_api=api, duplicate_rules="link")
    known = lead(world)
    set_up(world, rule(on_create=on_create))
    counts = staged_people(world, 1, 2).load()
    assert ours(world) == ["2"]
    assert (counts["created"], counts["linked_by_rule"], counts["written"]) == (1, 1, 2)
    assert world.event("101-1")["WhoId"] == known
    (link,) = world.ledger.person_links(["1"]).to_dict("records")
    assert (link["record_id"], link["evidence"], link["created_by_us"]) == (known, "duplicate_rule", False)
    decision = world.ledger.latest_decision("1")
    assert decision is not None
    assert (decision["action"], decision["record_id"], decision["evidence"]) == (
        "link",
        known,
        "duplicate_rule",
    )
    words = explain(str(decision["explanation"]))
    assert words.startswith(f"Salesforce's duplicate rule Same_Email reported record {known}, which is used.")


@pytest.mark.rule("M14")
def test_the_next_run_keeps_the_link_that_a_rule_made(world: World) -> None:
    world.set(duplicate_rules="link")
    known = lead(world)
    set_up(world, rule())
    staged_people(world, 1).load()
    counts = staged_people(world, 1).load()
    assert (counts["linked_by_rule"], counts["written"]) == (1, 1)
    assert not ours(world)
    assert world.event("101-1")["WhoId"] == known


@pytest.mark.rule("M14")
@BOTH_APIS
def test_of_several_reported_records_none_is_taken(world: World, api: str) -> None:
    world.set(load_api=api, duplicate_rules="link")
    known = sorted([lead(world), lead(world)])
    set_up(world, rule())
    staged_people(world, 1).load()
    assert not ours(world)
    row = world.waiting("101-1")
    assert row["reason"] == "duplicate_rule"
    assert all(record_id in row["detail"] for record_id in known)


@pytest.mark.rule("M14")
@pytest.mark.rule("M4")
def test_a_reported_lead_is_no_contact(world: World) -> None:
    world.set(duplicate_rules="link", entity_type="contact")
    known = lead(world)
    set_up(world, rule("Contact", "Lead"))
    staged = Staged(world, "Contact")
    staged.new(1)
    staged.load()
    assert not world.org.records("Contact")
    assert known in world.waiting("101-1")["detail"]


@pytest.mark.rule("M14")
@pytest.mark.rule("M4")
def test_a_reported_contact_of_a_person_account_is_linked_as_that_account(world: World) -> None:
    world.set(duplicate_rules="link", entity_type="lead")
    set_up(world, rule("Lead", "Contact"), person_accounts=True)
    (known,) = world.org.seed("Account", {"LastName": "Lee", "PersonEmail": EMAIL})
    (account,) = world.org.records("Account")
    staged_people(world, 1).load()
    (link,) = world.ledger.person_links(["1"]).to_dict("records")
    assert (link["sobject"], link["record_id"], link["who_id"]) == (
        "Account",
        known,
        account["PersonContactId"],
    )
    assert world.event("101-1")["WhoId"] == account["PersonContactId"]


@pytest.fixture
def telling_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask Collections as orgs are asked that tell no records there."""
    told = {
        policy: {"Sforce-Duplicate-Rule-Header": f"allowSave={str(policy is DuplicateRules.ALLOW).lower()}"}
        for policy in DuplicateRules
    }
    for name, header in told.items():
        monkeypatch.setitem(duplicate_rules.HEADERS, name, header)


@pytest.mark.rule("M14")
@pytest.mark.usefixtures("telling_nothing")
@BOTH_APIS
def test_what_collections_do_not_tell_is_asked_by_a_write_of_one_record(world: World, api: str) -> None:
    world.set(load_api=api, duplicate_rules="link")
    known = lead(world)
    set_up(world, rule())
    world.org.forget_calls()
    counts = staged_people(world, 1, 2).load()
    assert counts["records_asked"] == world.org.calls()["create"] == 1
    assert world.event("101-1")["WhoId"] == known
    assert ours(world) == ["2"]


@pytest.mark.rule("M14")
@pytest.mark.rule("Q8")
@pytest.mark.usefixtures("telling_nothing")
def test_a_run_asks_for_so_many_records_and_the_next_run_for_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(duplicate_rules.RECORDS_ASKED, DuplicateRules.LINK, 1)
    world.set(duplicate_rules="link")
    lead(world)
    lead(world, "ann2@example.com")
    set_up(world, rule())
    counts = staged_people(world, 1, 2).load()
    assert (counts["linked_by_rule"], counts["records_asked"], counts["quarantined"]) == (1, 1, 1)
    assert world.ledger.quarantine_rows()["reason"].tolist() == ["unprocessed"]
    assert len(world.ledger.dirty_appointments(("appointment",))) == 1


@pytest.mark.rule("M14")
@pytest.mark.usefixtures("telling_nothing")
def test_a_blocked_person_is_quarantined_also_where_nobody_may_ask_what_was_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(duplicate_rules.RECORDS_ASKED, DuplicateRules.ALLOW, 0)
    lead(world)
    set_up(world, rule(on_create="block"))
    staged_people(world, 1).load()
    row = world.waiting("101-1")
    assert (row["reason"], row["detail"]) == ("blocked_by_duplicate_rule", "DUPLICATES_DETECTED")


def same_name(**values: Any) -> dict[str, Any]:
    matching = {"name": "Same_Name_Match", "sobject": "Account", "fields": {"Name": "Name"}}
    return {"name": "Same_Name", "sobject": "Account", "matching_rules": [matching], **values}


def contact_of_acme(world: World) -> Staged:
    staged = Staged(world, "Contact")
    staged.new(1, account_ref=staged.account("account:company:acme", 1, Name="Acme"))
    return staged


@pytest.mark.rule("M14")
@pytest.mark.rule("M10")
def test_an_account_that_a_rule_reports_is_used_for_the_contact(world: World) -> None:
    world.set(duplicate_rules="link", entity_type="contact")
    (known,) = world.org.seed("Account", {"Name": "ACME"})
    set_up(world, same_name())
    contact_of_acme(world).load()
    (contact,) = world.org.records("Contact")
    assert contact["AccountId"] == known
    assert len(world.org.records("Account")) == 1


@pytest.mark.rule("M14")
@pytest.mark.rule("M10")
@pytest.mark.parametrize(
    ("policy", "on_create", "reason"),
    [("hold", "allow", "duplicate_rule"), ("allow", "block", "blocked_by_duplicate_rule")],
)
def test_a_contact_waits_for_the_account_that_a_rule_keeps_back(
    world: World, policy: str, on_create: str, reason: str
) -> None:
    world.set(duplicate_rules=policy, entity_type="contact")
    (known,) = world.org.seed("Account", {"Name": "ACME"})
    set_up(world, same_name(on_create=on_create))
    contact_of_acme(world).load()
    row = world.waiting("101-1")
    assert (row["reason"], row["detail"]) == (
        reason,
        f"Account: DUPLICATES_DETECTED by Same_Name: {known}",
    )
    assert not world.org.records("Contact")


@pytest.mark.rule("M14")
@pytest.mark.rule("M5")
@BOTH_APIS
@pytest.mark.parametrize(
    ("policy", "on_edit", "reason"),
    [
        ("allow", "allow", None),
        ("allow", "block", "blocked_by_duplicate_rule"),
        ("hold", "allow", "duplicate_rule"),
        ("link", "allow", "duplicate_rule"),
    ],
)
def test_an_update_meets_duplicate_rules_by_the_same_setting(
    world: World, api: str, policy: str, on_edit: str, reason: str | None
) -> None:
    world.set(load_api=api, duplicate_rules=policy)
    lead(world)
    mine = lead(world, "old@example.com")
    set_up(world, rule(on_edit=on_edit))
    staged = Staged(world)
    staged.found(1, mine, Email=EMAIL)
    counts = staged.load()
    (record,) = world.org.records("Lead", Id=mine)
    assert record["Email"] == (EMAIL if reason is None else "old@example.com")
    assert counts["updated"] == (reason is None)
    if reason is not None:
        assert world.waiting("101-1")["reason"] == reason


@pytest.mark.rule("M14")
@pytest.mark.rule("Q4")
def test_a_second_attempt_after_the_rows_were_sent_again_creates_nobody_twice(world: World) -> None:
    world.set(load_api="bulk")
    lead(world)
    set_up(world, rule())
    run = staged_people(world, 1, 2).stage()
    world.org.script({"type": "drop", "kind": "collections_create", "when": "after", "times": 1})
    load_people(run, world.wiring())
    assert ours(world) == ["1", "2"]
    load_people(run, world.wiring())
    assert ours(world) == ["1", "2"]
    assert set(world.ledger.person_links(["1", "2"])["evidence"]) == {"new"}
