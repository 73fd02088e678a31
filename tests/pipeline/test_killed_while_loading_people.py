"""Loads of Accounts, Contacts and updates, killed at any request and run again (design §2, rules Q4, M8, M10)."""

from __future__ import annotations

from typing import Any

import pytest

from include.pipeline import loading
from include.pipeline.context import SyncRun
from include.pipeline.load_events import load_events
from include.pipeline.load_people import load_people
from include.pipeline.settle_run import settle_run
from tests.pipeline.staged import Staged
from tests.pipeline.test_bulk_loading import fault, kill_when_asked
from tests.pipeline.world import World

PEOPLE = 6
COMPANIES = 3
AT_EVERY_REQUEST = pytest.mark.parametrize(
    "kind",
    [
        "bulk_ingest_create",
        "bulk_ingest_upload",
        "bulk_ingest_close",
        "bulk_ingest_poll",
        "bulk_ingest_results",
    ],
)


def contacts_of_companies(world: World) -> SyncRun:
    staged = Staged(world, "Contact")
    for company in range(COMPANIES):
        staged.account(f"account:company:{company}", company + 1, Name=f"Company {company}")
    for number in range(1, PEOPLE + 1):
        staged.new(number, account_ref=f"account:company:{number % COMPANIES}")
    return staged.stage()


def kill_and_run_again(world: World, run: SyncRun, kind: str) -> None:
    world.org.forget_calls()
    fault(world, type="hang", kind=kind, seconds=1)
    kill_when_asked(world, run, "load_people", kind)
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())
    world.org.control("POST", "drain", {})


def expect_everybody_once(world: World) -> None:
    names = {row["Id"]: row["Name"] for row in world.org.records("Account")}
    assert sorted(names.values()) == [f"Company {number}" for number in range(COMPANIES)]
    contacts = world.org.records("Contact")
    assert {row["Coconut_Client_Key__c"]: names[row["AccountId"]] for row in contacts} == {
        str(number): f"Company {number % COMPANIES}" for number in range(1, PEOPLE + 1)
    }
    assert len(contacts) == PEOPLE
    by_id = {row["Id"]: row["Coconut_Client_Key__c"] for row in contacts}
    assert {row["Coconut_Booking_Key__c"]: by_id[row["WhoId"]] for row in world.events()} == {
        f"{100 + number}-{number}": str(number) for number in range(1, PEOPLE + 1)
    }
    assert world.ledger.quarantine_rows().empty


@pytest.mark.rule("Q4")
@pytest.mark.rule("M10")
@AT_EVERY_REQUEST
def test_accounts_are_created_once_though_their_job_was_cut_off(world: World, kind: str) -> None:
    world.set(load_api="bulk", entity_type="contact")
    kill_and_run_again(world, contacts_of_companies(world), kind)
    expect_everybody_once(world)


@pytest.mark.rule("Q4")
@pytest.mark.rule("M8")
@AT_EVERY_REQUEST
def test_contacts_are_created_once_under_their_accounts_though_their_job_was_cut_off(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BULK_THRESHOLD_ROWS", COMPANIES + 1)  # Accounts by REST, Contacts by Bulk
    world.set(entity_type="contact")
    kill_and_run_again(world, contacts_of_companies(world), kind)
    expect_everybody_once(world)


@pytest.mark.rule("Q4")
@pytest.mark.rule("M5")
@AT_EVERY_REQUEST
def test_updates_are_written_and_remembered_though_their_job_was_cut_off(world: World, kind: str) -> None:
    world.set(load_api="bulk")
    rows: list[dict[str, Any]] = [
        {"LastName": f"Lee {number}", "Company": "-"} for number in range(1, PEOPLE + 1)
    ]
    staged = Staged(world)
    for number, lead in enumerate(world.org.seed("Lead", *rows), start=1):
        staged.found(number, lead, City=f"City {number}", Phone=f"+1416555010{number}")
    kill_and_run_again(world, staged.stage(), kind)
    assert {row["LastName"]: row["City"] for row in world.org.records("Lead")} == {
        f"Lee {number}": f"City {number}" for number in range(1, PEOPLE + 1)
    }
    values = world.ledger.person_links([str(number) for number in range(1, PEOPLE + 1)])["values"]
    assert sorted(values) == [
        f'{{"City":"City {number}","Phone":"+1416555010{number}"}}' for number in range(1, PEOPLE + 1)
    ]
    assert len(world.events()) == PEOPLE


@pytest.mark.rule("Q4")
@pytest.mark.rule("M8")
def test_people_whom_a_cut_off_call_created_are_found_by_their_keys(world: World) -> None:
    world.set(load_api="rest", entity_type="contact")
    run = contacts_of_companies(world)
    world.org.forget_calls()
    fault(world, type="hang", kind="collections_create", nth=2, seconds=1)  # Accounts first, then Contacts
    kill_when_asked(world, run, "load_people", "collections_create", times=2)
    world.org.control("DELETE", "faults")
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())
    expect_everybody_once(world)
    assert all(job.is_finished for job in world.ledger.jobs(run.run_id))


@pytest.mark.rule("Q4")
@pytest.mark.rule("M10")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_drops_between_accounts_and_contacts_doubles_neither(
    world: World, when: str
) -> None:
    world.set(load_api="rest", entity_type="contact")
    run = contacts_of_companies(world)
    fault(world, type="drop", kind="collections_create", when=when, times=1)
    load_people(run, world.wiring())
    load_people(run, world.wiring())
    load_events(run, world.wiring(), 0)
    settle_run(run, world.wiring())
    expect_everybody_once(world)
