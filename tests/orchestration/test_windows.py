"""A window that is not in turn parks itself, and begins anew when it is worth looking again (rule T7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger

from include.orchestration.windows import put_off, sync_window
from include.pipeline.backfill import Wait

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.rule("T7")
@pytest.mark.rule("Q8")
def test_a_window_is_parked_until_it_is_worth_looking_again_and_then_begins_anew() -> None:
    parked = put_off(Wait("the budget is used up", timedelta(minutes=5)), now=NOW)

    assert isinstance(parked.trigger, DateTimeTrigger)
    assert parked.trigger.moment == NOW + timedelta(minutes=5)
    assert callable(getattr(sync_window.operator_class, parked.method_name))
