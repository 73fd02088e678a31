"""What an administrator says of single clients, typed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from include.errors import LedgerConflictError
from include.ledger.tables import client_switches, person_choices
from include.pipeline.__main__ import Doors, main
from tests.pipeline.world import World

CONTACT = "003000000000001AAA"


def run(world: World, *arguments: str) -> int:
    return main(arguments, doors=Doors(ledger=lambda: world.ledger, source=lambda: world.source))


@pytest.mark.rule("T4")
@pytest.mark.rule("C4")
def test_clients_are_disabled_and_enabled_by_somebody(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.client(1)
    world.client(2)
    assert run(world, "disable-client", "1", "2", "--who", "ada") == 0
    assert capsys.readouterr().out == "2 clients disabled; 0 were so already.\n"
    assert run(world, "enable-client", "1", "--who", "ben") == 0
    assert world.ledger.disabled_clients(["1", "2"]) == {"2"}
    with world.ledger.engine.connect() as connection:
        who = connection.execute(select(client_switches.c.changed_by)).scalars().all()
    assert who == ["ada", "ada", "ben"]


@pytest.mark.rule("M1")
def test_a_persons_record_is_chosen_by_somebody(world: World) -> None:
    world.client(1)
    assert run(world, "choose-person", "1", CONTACT, "--who", "ada") == 0
    with world.ledger.engine.connect() as connection:
        assert connection.execute(select(person_choices.c.chosen_by)).scalar_one() == "ada"
    assert run(world, "choose-person", "1", "Ann Lee") == 2


@pytest.mark.rule("T4")
def test_ids_that_are_none_or_nobodys_change_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.client(1)
    assert run(world, "disable-client", "1", "7") == 2
    assert "no client 7" in capsys.readouterr().err
    assert run(world, "disable-client", "Ann") == 2
    assert world.ledger.disabled_clients(["1"]) == frozenset()


@pytest.mark.rule("T5")
def test_the_status_of_clients_is_printed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.client(1)
    run(world, "choose-person", "1", CONTACT)
    capsys.readouterr()
    assert run(world, "client-status", "1", "2") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("1: status=synced sobject=Contact record_id=003000000000001AAA")
    assert second == "2: status=unknown to the ledger"


@pytest.mark.rule("M9")
def test_why_a_booking_is_where_it_is_is_printed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.client(1)
    world.booking(10, 1)
    assert run(world, "explain-booking", "10") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Booking 10", "Client 1"]
    assert "  Nobody has been looked for in Salesforce yet." in lines
    assert run(world, "explain-booking", "99") == 2
    assert "no booking 99" in capsys.readouterr().err


@pytest.mark.rule("Q10")
def test_a_run_that_waits_is_approved_by_somebody(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    planned = {"events_to_delete": 60, "events_to_create": 0, "people_to_create": 0}
    world.ledger.ask_approval("run-1", planned, now=world.now)
    assert run(world, "approve-changes", "run-1", "--who", "ada") == 0
    assert "Approved by ada: 0 people and 0 Events to create, 60 Events to delete" in capsys.readouterr().out
    asked = world.ledger.approval("run-1")
    assert asked is not None
    assert (asked.is_approved, asked.answered_by) == (True, "ada")
    assert run(world, "approve-changes", "run-1") == 2
    assert "runs that do: none" in capsys.readouterr().err


@pytest.mark.rule("Q10")
def test_the_ledger_goes_on_in_another_org_only_where_the_connection_leads_there(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.org.connect() as salesforce:
        here = salesforce.organization_id
    former = "00D000000000001EAA"
    world.ledger.bind_org(former)
    doors = Doors(ledger=lambda: world.ledger, salesforce=world.org.connect)
    assert main(["rebind-org", former, "--who", "ada"], doors=doors) == 2
    assert f"leads to the org {here}, not to {former}" in capsys.readouterr().err
    assert main(["rebind-org", "Acme"], doors=doors) == 2
    assert world.ledger.bound_org() == former
    assert main(["rebind-org", here[:15], "--who", "ada"], doors=doors) == 0
    assert f"belongs to {here} now, and no longer to {former}; decided by ada" in capsys.readouterr().out
    assert world.ledger.bound_org() == here
    assert main(["rebind-org", here], doors=doors) == 0
    assert "already" in capsys.readouterr().out


@pytest.mark.rule("Q10")
def test_the_refusal_of_another_org_names_the_command_that_rebinds(world: World) -> None:
    world.ledger.bind_org("00D000000000001AAA")
    world.booking(10, world.client(1))
    with pytest.raises(LedgerConflictError, match="rebind-org 00D"):
        world.sync()
    assert world.written() == {}
