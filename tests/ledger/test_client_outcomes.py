"""Clients by themselves: how they settled, what releases them, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from include.frames import FrameContract
from include.ledger import contracts
from include.ledger.repository import Ledger
from include.pipeline.context import Selection
from include.settings.model import Settings
from tests.ledger.builders import at, frame, held, outcomes, people, results, run

USER = "005000000000002AAA"


def settle(
    ledger: Ledger, *rows: dict[str, Any], run_id: str = "run-1", minute: float = 10, **changes: Any
) -> None:
    contract: FrameContract = contracts.CLIENT_OUTCOMES
    defaults = {
        "client_id": "7",
        "source_version": 100,
        "source_digest": "digest",
        "outcome": "held",
        "reason": "ambiguous_match",
        "waits_for": "person",
    }
    ledger.settle(
        run(run_id, now=at(minute), selection=Selection.CLIENTS),
        (),
        counts={},
        settings_version=0,
        state="success",
        now=at(minute),
        cleared_dirty=(),
        clients=frame(contract, list(rows), defaults),
        **{"watermark": None, **changes},
    )


def moved(ledger: Ledger, *, users: frozenset[str] = frozenset()) -> frozenset[int]:
    return ledger.moved_clients(settings=ledger.current_settings(), active_users=lambda ids: ids & users)


def status(ledger: Ledger, client_id: str = "7") -> Any:
    found = ledger.client_status(client_id)
    return None if found is None else (found["status"], found["reason"])


def settle_pair(ledger: Ledger, **row: Any) -> None:
    ledger.settle(
        run("run-0", now=at(5)),
        outcomes(row),
        counts={},
        watermark=None,
        cleared_dirty=(),
        settings_version=0,
        state="success",
        now=at(5),
    )


@pytest.mark.rule("S13")
def test_a_client_settles_at_a_version_and_a_digest(ledger: Ledger) -> None:
    settle(ledger, {"outcome": "written", "reason": None, "waits_for": None})
    (settled,) = ledger.settled_clients(["7", "8"]).to_dict("records")
    assert settled == {
        "client_id": "7",
        "outcome": "written",
        "settled_version": 100,
        "settled_digest": "digest",
    }


@pytest.mark.rule("S13")
def test_an_older_version_does_not_settle_what_a_newer_one_settled(ledger: Ledger) -> None:
    settle(ledger, {"source_version": 200, "outcome": "written"})
    settle(ledger, {"source_version": 100, "outcome": "held"}, run_id="run-2", minute=20)
    assert ledger.settled_clients(["7"])["outcome"].tolist() == ["written"]


@pytest.mark.rule("S13")
def test_a_scope_has_a_watermark_of_its_own(ledger: Ledger) -> None:
    settle(ledger, {}, watermark=(at(3), 7), watermark_name="clients:all")
    assert ledger.watermark("clients:all") == (at(3), 7)
    assert ledger.watermark("clients") is None


@pytest.mark.rule("Q2")
def test_a_client_waiting_for_a_person_moves_with_the_administrators_choice(ledger: Ledger) -> None:
    settle(ledger, {}, {"client_id": "8"})
    assert moved(ledger) == frozenset()
    ledger.choose_person("7", "003000000000001AAA", who="ada", now=at(11))
    assert moved(ledger) == {7}


@pytest.mark.rule("T4")
def test_a_disabled_client_moves_with_the_switch_and_nobody_else_does(ledger: Ledger) -> None:
    ledger.disable_clients(["7", "8"], who="ada", now=at(9))
    disabled = {"outcome": "disabled", "reason": "client_disabled", "waits_for": "client"}
    settle(ledger, disabled, {"client_id": "8"})
    assert moved(ledger) == frozenset()
    ledger.enable_clients(["7", "8"], who="ada", now=at(11))
    assert moved(ledger) == {7}


@pytest.mark.rule("Q2")
def test_a_client_moves_with_the_setting_that_its_reason_rests_on(ledger: Ledger) -> None:
    settle(
        ledger,
        {"reason": "registration_off", "waits_for": "setting", "waits_for_key": "register_people"},
        {"client_id": "8", "reason": "invalid_email", "waits_for": "client", "outcome": "quarantined"},
        {"client_id": "9", "reason": "account_not_written", "waits_for": "client", "outcome": "quarantined"},
    )
    assert moved(ledger) == frozenset()
    ledger.save_settings(Settings(register_people="off"), who="ada", now=at(11))
    assert moved(ledger) == {7}
    ledger.save_settings(
        Settings(register_people="off", on_invalid_field="drop_and_report"), who="ada", now=at(12)
    )
    assert moved(ledger) == {7, 8}


@pytest.mark.rule("Q2")
def test_a_client_moves_with_the_user_it_waits_for_and_after_passing_trouble(ledger: Ledger) -> None:
    owner = {"reason": "default_owner_inactive", "waits_for": "salesforce_user", "waits_for_key": USER}
    settle(
        ledger,
        owner | {"outcome": "quarantined"},
        {"client_id": "8", "reason": "transient_exhausted", "waits_for": "row", "outcome": "quarantined"},
    )
    assert moved(ledger) == {8}
    assert moved(ledger, users=frozenset({USER})) == {7, 8}


@pytest.mark.rule("T5")
def test_a_client_nobody_met_has_no_status_and_one_only_read_is_pending(ledger: Ledger) -> None:
    assert status(ledger) is None
    ledger.record_event_results(
        "run-0", results({"event_id": None}), settings_version=0, mapping_version=0, now=at(1)
    )
    assert status(ledger) == ("pending", None)


@pytest.mark.rule("T5")
def test_a_linked_client_is_synced_with_the_id_of_its_record(ledger: Ledger) -> None:
    ledger.record_people("run-1", people({}), settings_version=0, now=at(1))
    found = ledger.client_status("7")
    assert found is not None
    assert (found["status"], found["sobject"], found["record_id"]) == ("synced", "Lead", "00Q000000000001AAA")
    assert found["evidence"] == "name_and_email"


@pytest.mark.rule("T5")
def test_a_held_or_quarantined_client_says_why_until_it_is_linked(ledger: Ledger) -> None:
    settle(ledger, {})
    assert status(ledger) == ("held", "ambiguous_match")
    ledger.record_people("run-2", people({}), settings_version=0, now=at(12))
    assert status(ledger) == ("synced", None)


@pytest.mark.rule("T5")
def test_what_keeps_the_bookings_of_an_unlinked_client_back_is_its_status(ledger: Ledger) -> None:
    settle_pair(ledger, **held(booking_key="1-7"))
    assert status(ledger) == ("held", "walk_in_not_final")
    ledger.record_people("run-2", people({}), settings_version=0, now=at(12))
    assert status(ledger) == ("synced", None)


@pytest.mark.rule("T5")
def test_a_client_is_disabled_by_either_switch_and_pending_once_it_is_enabled_again(ledger: Ledger) -> None:
    ledger.record_people("run-1", people({}, {"client_id": "8"}), settings_version=0, now=at(1))
    ledger.disable_clients(["7"], who="ada", now=at(2))
    assert status(ledger) == ("disabled", "client_disabled")
    ledger.enable_clients(["7"], who="ada", now=at(3))
    assert status(ledger) == ("synced", None)
    flagged = {"outcome": "disabled", "reason": "client_disabled", "waits_for": "client", "action": "none"}
    settle_pair(ledger, booking_key="2-8", **flagged)
    assert status(ledger, "8") == ("disabled", "client_disabled")
    ledger.disable_clients(["8"], who="ada", now=at(6))
    ledger.enable_clients(["8"], who="ada", now=at(7))
    assert status(ledger, "8") == ("pending", None)
