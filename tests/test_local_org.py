"""What tests find in the local org depends on its own clock, never on today's date (rule P3)."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.local_org import NOW, LocalOrg

pytestmark = pytest.mark.rule("P3")

YEARS_LATER = """
import runpy, time
today = time.time
time.time = lambda: today() + 5 * 365 * 86_400
runpy.run_module("include.salesforce_emulator", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def later_org() -> Iterator[LocalOrg]:
    """Yield an org on a machine whose own clock is five years ahead."""
    org = LocalOrg(command=(sys.executable, "-c", YEARS_LATER))
    yield org
    org.stop()


def test_an_org_that_was_reset_shows_the_same_events_whatever_the_machines_date(later_org: LocalOrg) -> None:
    event = {
        "Subject": "Advice",
        "StartDateTime": "2026-06-04T12:00:00Z",
        "EndDateTime": "2026-06-04T12:30:00Z",
    }
    later_org.seed("Event", event)
    assert later_org.query("SELECT Id FROM Event") == []
    later_org.reset()
    assert later_org.control("GET", "clock")["now"].startswith(f"{NOW:%Y-%m-%dT%H:}")
    later_org.seed("Event", event)
    assert len(later_org.query("SELECT Id FROM Event")) == 1
