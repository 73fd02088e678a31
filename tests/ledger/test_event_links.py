from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from sqlalchemy import URL, create_engine

from include.ledger import contracts
from include.ledger.repository import Ledger
from tests.ledger.builders import at, forwards, frame, outcomes, pairs, results, run

EVENT = "00U000000000001AAA"
LEAD = "00Q000000000001AAA"
CONTACT = "003000000000001AAA"


def link(ledger: Ledger, key: str = "1-7") -> pd.Series:
    links = ledger.event_links([key.split("-", maxsplit=1)[0]]).set_index("booking_key")
    return links.loc[key]


def claim(ledger: Ledger, version: int, run_id: str = "run-1") -> bool:
    return bool(ledger.claim_versions(run_id, pairs({"source_version": version}))["is_claimed"].iloc[0])


def record(ledger: Ledger, *rows: dict[str, object], run_id: str = "run-1") -> None:
    ledger.record_event_results(run_id, results(*rows), settings_version=0, mapping_version=0, now=at(11))


def settle(ledger: Ledger, run_id: str, version: int) -> None:
    ledger.settle(
        run(run_id),
        outcomes({"source_version": version, "source_digest": f"digest-{version}"}),
        counts={"read": 1},
        watermark=None,
        cleared_dirty=["1-7"],
        settings_version=0,
        state="success",
        now=at(12),
    )


@pytest.mark.rule("Q4")
def test_a_version_is_claimed_unless_a_newer_one_was(ledger: Ledger) -> None:
    assert claim(ledger, 100)
    assert claim(ledger, 200, run_id="run-2")
    assert not claim(ledger, 100)
    assert link(ledger)["claimed_version"] == 200


@pytest.mark.rule("Q4")
def test_who_claims_the_same_version_again_has_it(ledger: Ledger) -> None:
    assert claim(ledger, 100)
    assert claim(ledger, 100)


@pytest.mark.rule("Q4")
def test_of_runs_that_claim_at_once_the_newest_version_wins(ledger: Ledger, ledger_url: URL) -> None:
    def claim_by_itself(version: int) -> None:
        engine = create_engine(ledger_url)
        both = pairs({"source_version": version}, {"booking_key": "2-8", "source_version": version})
        Ledger(engine).claim_versions(f"run-{version}", both.iloc[:: 1 if version % 2 else -1])
        engine.dispose()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(claim_by_itself, [104, 101, 105, 103, 102]))
    assert [link(ledger, key)["claimed_version"] for key in ("1-7", "2-8")] == [105, 105]


@pytest.mark.rule("S12")
def test_what_was_written_is_kept_with_its_values(ledger: Ledger) -> None:
    claim(ledger, 100)
    record(ledger, {})
    kept = link(ledger)
    assert (kept["event_id"], kept["who_id"], kept["written_version"]) == (EVENT, LEAD, 100)
    assert kept["payload"] == '{"Subject":"Cut [Appointment]"}'


@pytest.mark.rule("Q4")
def test_recording_the_same_result_twice_changes_nothing(ledger: Ledger) -> None:
    record(ledger, {})
    first = ledger.event_links(["1"])
    record(ledger, {})
    assert ledger.event_links(["1"]).equals(first)


@pytest.mark.rule("S12")
def test_an_update_that_sent_neither_person_nor_owner_keeps_those_of_the_last_write(ledger: Ledger) -> None:
    record(ledger, {})
    update = {"action": "update", "who_id": None, "owner_id": None, "event_id": None, "source_version": 200}
    record(ledger, update | {"payload": '{"Subject":"Shave [Appointment]"}'})
    kept = link(ledger)
    assert (kept["event_id"], kept["who_id"], kept["owner_id"]) == (EVENT, LEAD, "005000000000001AAA")
    assert kept["payload"] == '{"Subject":"Shave [Appointment]"}'


@pytest.mark.rule("S9")
def test_a_deletion_leaves_a_link_without_event_and_payload(ledger: Ledger) -> None:
    record(ledger, {})
    record(ledger, {"action": "delete", "source_version": 200})
    kept = link(ledger)
    assert kept[["event_id", "payload"]].isna().all()
    assert kept["written_version"] == 200


@pytest.mark.rule("Q4")
@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_a_write_overtaken_by_a_newer_claim_leaves_the_org_unknown_and_the_key_dirty(
    ledger: Ledger, order: tuple[str, str]
) -> None:
    ledger.open_run(run("old"), settings_version=0)
    ledger.open_run(run("new"), settings_version=0)
    claim(ledger, 100, run_id="old")
    claim(ledger, 200, run_id="new")
    versions = {"old": 100, "new": 200}
    for run_id in order:
        record(ledger, {"source_version": versions[run_id], "status": run_id}, run_id=run_id)
    kept = link(ledger)
    assert kept["event_id"] == EVENT
    assert pd.isna(kept["payload"])
    assert kept["written_version"] == 200
    assert next(ledger.event_link_rows())["status"].tolist() == ["new"]
    assert ledger.dirty_appointments(("appointment",)) == {1}


@pytest.mark.rule("S12")
def test_what_is_known_of_a_pair_is_kept_though_another_pair_was_overtaken(ledger: Ledger) -> None:
    claim(ledger, 100)
    claim(ledger, 200, run_id="new")
    record(ledger, {})
    assert ledger.dirty_appointments(("appointment",)) == {1}
    other = {"booking_key": "2-8", "source_version": 100}
    ledger.claim_versions("run-1", pairs(other))
    for _ in range(2):
        record(ledger, other)
    (kept,) = ledger.event_links(["2"]).to_dict("records")
    assert kept["payload"] == '{"Subject":"Cut [Appointment]"}'


@pytest.mark.rule("Q4")
def test_neither_overtaken_run_clears_the_mark_but_the_run_that_writes_afresh_does(ledger: Ledger) -> None:
    for run_id, version in (("old", 100), ("new", 200)):
        ledger.open_run(run(run_id), settings_version=0)
        claim(ledger, version, run_id=run_id)
    for run_id, version in (("old", 100), ("new", 200)):
        record(ledger, {"source_version": version}, run_id=run_id)
        settle(ledger, run_id, version)
    assert ledger.dirty_appointments(("appointment",)) == {1}
    ledger.open_run(run("third"), settings_version=0)
    claim(ledger, 200, run_id="third")
    record(ledger, {"source_version": 200}, run_id="third")
    settle(ledger, "third", 200)
    assert ledger.dirty_appointments(("appointment",)) == frozenset()
    assert link(ledger)["payload"] == '{"Subject":"Cut [Appointment]"}'


@pytest.mark.rule("S12")
def test_an_overtaken_write_keeps_the_owner_that_both_versions_agree_on(ledger: Ledger) -> None:
    claim(ledger, 200, run_id="new")
    record(ledger, {"source_version": 200, "owner_id": "005000000000001AAA"}, run_id="new")
    record(ledger, {"source_version": 100, "who_id": CONTACT}, run_id="old")
    kept = link(ledger)
    assert kept["owner_id"] == "005000000000001AAA"
    assert pd.isna(kept["who_id"])


@pytest.mark.rule("Q5")
def test_what_settled_never_goes_back_to_an_older_version(ledger: Ledger) -> None:
    settle(ledger, "new", 200)
    settle(ledger, "old", 100)
    assert ledger.settled(["1"])["settled_version"].tolist() == [200]
    assert ledger.settled(["1"])["settled_digest"].tolist() == ["digest-200"]


@pytest.mark.rule("Q5")
def test_a_version_that_was_overtaken_by_a_claim_does_not_settle(ledger: Ledger) -> None:
    claim(ledger, 200, run_id="new")
    settle(ledger, "old", 100)
    (known,) = ledger.settled(["1"]).to_dict("records")
    assert pd.isna(known["settled_version"])
    assert known["known_version"] == 200


@pytest.mark.rule("S4")
def test_a_replaced_attendee_hands_the_event_to_the_successor(ledger: Ledger) -> None:
    record(ledger, {})
    ledger.claim_versions("run-2", pairs({"booking_key": "1-9", "source_version": 200}))
    moved = frame(
        contracts.REKEYED, [{"old_booking_key": "1-7", "new_booking_key": "1-9", "new_client_id": "9"}], {}
    )
    for _ in range(2):
        ledger.rekey_event(moved)
        assert link(ledger, "1-9")[["event_id", "who_id"]].tolist() == [EVENT, LEAD]
        assert link(ledger, "1-7")[["event_id", "payload"]].isna().all()


@pytest.mark.rule("S4")
def test_a_successor_with_an_event_of_its_own_keeps_it(ledger: Ledger) -> None:
    record(ledger, {}, {"booking_key": "1-9", "event_id": "00U000000000009AAA"})
    ledger.rekey_event(
        frame(
            contracts.REKEYED,
            [{"old_booking_key": "1-7", "new_booking_key": "1-9", "new_client_id": "9"}],
            {},
        )
    )
    assert [link(ledger, key)["event_id"] for key in ("1-7", "1-9")] == [EVENT, "00U000000000009AAA"]


@pytest.mark.rule("M7")
def test_future_writes_follow_a_converted_lead(ledger: Ledger) -> None:
    record(ledger, {}, {"booking_key": "2-8", "who_id": "00Q000000000002AAA"})
    ledger.follow_people(forwards(LEAD, CONTACT))
    assert [link(ledger, key)["who_id"] for key in ("1-7", "2-8")] == [CONTACT, "00Q000000000002AAA"]


@pytest.mark.rule("C3")
def test_all_links_can_be_walked_in_batches(ledger: Ledger) -> None:
    record(ledger, *({"booking_key": f"{number}-7"} for number in range(1, 8)))
    sizes = [len(batch) for batch in ledger.event_link_rows(batch_rows=3)]
    assert sizes == [3, 3, 1]


@pytest.mark.rule("T6")
def test_thousands_of_keys_are_asked_for_at_once(ledger: Ledger) -> None:
    record(ledger, {})
    asked = [str(number) for number in range(40_000)]
    assert ledger.event_links(asked)["booking_key"].tolist() == ["1-7"]


@pytest.mark.rule("F4")
def test_text_of_every_kind_comes_back_as_it_was(ledger: Ledger) -> None:
    payload = '{"Subject":"O\'Neil, \\"Zoë\\" 🎉\\n\\t\\\\N [Walk-In]"}'
    record(ledger, {"payload": payload, "service_name": "a\tb\\n\nc"})
    assert link(ledger)["payload"] == payload
    assert next(ledger.event_link_rows())["service_name"].tolist() == ["a\tb\\n\nc"]
