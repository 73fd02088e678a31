from __future__ import annotations

import pytest

from include.frames import FIELD_REPORTS
from include.ledger.repository import Ledger
from tests.ledger.builders import at, frame

DEFAULTS = {"client_id": "7", "sobject": "Lead", "field": "Phone", "report": "user_value_kept"}


@pytest.mark.rule("M5")
def test_reports_are_kept_by_run_and_the_record_may_be_unknown(ledger: Ledger) -> None:
    reports = frame(FIELD_REPORTS, [{"record_id": "00Q000000000001AAA"}, {"field": "Email"}], DEFAULTS)
    ledger.record_field_reports("run-1", reports, now=at(1))
    ledger.record_field_reports("run-2", reports.iloc[:1], now=at(2))
    kept = ledger.field_reports("run-1")
    assert kept["field"].tolist() == ["Email", "Phone"]
    assert kept["record_id"].isna().tolist() == [True, False]
    assert len(ledger.field_reports("run-2")) == 1


@pytest.mark.rule("Q4")
def test_a_second_attempt_replaces_the_reports_of_the_first(ledger: Ledger) -> None:
    ledger.record_field_reports("run-1", frame(FIELD_REPORTS, [{}, {"field": "Email"}], DEFAULTS), now=at(1))
    ledger.record_field_reports("run-1", frame(FIELD_REPORTS, [{"field": "City"}], DEFAULTS), now=at(2))
    assert ledger.field_reports("run-1")["field"].tolist() == ["City"]
    ledger.record_field_reports("run-1", FIELD_REPORTS.empty(), now=at(3))
    assert ledger.field_reports("run-1").empty
