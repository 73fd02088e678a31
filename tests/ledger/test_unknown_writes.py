"""Writes of which nobody can tell whether they reached the org, on both engines (design §2, rule Q4)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.ledger.contracts import UNKNOWN_WRITES
from include.ledger.repository import Ledger
from tests.ledger.builders import at, frame, pairs, results

pytestmark = pytest.mark.rule("Q4")


def unknown(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(UNKNOWN_WRITES, list(rows), {"source_version": 100})


def write(ledger: Ledger, *keys: str) -> None:
    """Have ``run-1`` claim and write pairs."""
    rows = [{"booking_key": key} for key in keys]
    ledger.claim_versions("run-1", pairs(*rows))
    ledger.record_event_results("run-1", results(*rows), settings_version=0, mapping_version=0, now=at(1))


def forgotten(ledger: Ledger) -> set[str]:
    """Return the pairs of which the ledger does not say any more what was written."""
    links = next(ledger.event_link_rows())
    return set(links.loc[links["payload"].isna(), "booking_key"])


def test_every_unknown_write_of_a_run_that_is_over_is_forgotten_and_read_again(ledger: Ledger) -> None:
    write(ledger, "1-7", "2-8")
    ledger.forget_writes(unknown({"booking_key": "1-7"}), overtaken_only=False, now=at(2))
    assert forgotten(ledger) == {"1-7"}
    assert ledger.dirty_appointments(("appointment",)) == {1}


def test_of_a_run_that_goes_on_only_what_a_newer_claim_overtook_is_forgotten(ledger: Ledger) -> None:
    write(ledger, "1-7", "2-8")
    ledger.claim_versions("newer", pairs({"booking_key": "1-7", "source_version": 200}))
    sent = unknown({"booking_key": "1-7"}, {"booking_key": "2-8"})
    ledger.forget_writes(sent, overtaken_only=True, now=at(2))
    assert forgotten(ledger) == {"1-7"}
    assert ledger.dirty_appointments(("appointment",)) == {1}


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        pytest.param("005000000000001AAA", True, id="the owner that is known"),
        pytest.param("005000000000009AAA", False, id="another owner"),
        pytest.param(None, True, id="no owner"),
    ],
)
def test_an_owner_stays_known_unless_another_one_may_have_been_written(
    ledger: Ledger, sent: str | None, known: bool
) -> None:
    write(ledger, "1-7")
    ledger.forget_writes(unknown({"booking_key": "1-7", "owner_id": sent}), overtaken_only=False, now=at(2))
    (link,) = ledger.event_links(["1"]).to_dict("records")
    assert pd.notna(link["owner_id"]) is known


@pytest.mark.parametrize("named", ["1-7", "00U000000000001AAA"])
def test_pairs_are_forgotten_by_their_key_or_the_id_of_their_event(ledger: Ledger, named: str) -> None:
    write(ledger, "1-7")
    ledger.forget_writes_of("run-9", [named], now=at(2))
    assert forgotten(ledger) == {"1-7"}


def test_what_a_run_claimed_and_never_wrote_is_read_again(ledger: Ledger) -> None:
    write(ledger, "1-7")
    ledger.claim_versions("run-9", pairs({"booking_key": "2-8"}, {"booking_key": "3-9"}))
    ledger.claim_versions("run-10", pairs({"booking_key": "3-9", "source_version": 200}))
    ledger.forget_writes_of("run-9", [], now=at(2))
    assert ledger.dirty_appointments(("appointment",)) == {2}
