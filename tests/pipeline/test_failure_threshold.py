"""A run of which Salesforce refuses an implausible share fails, after everything is recorded (rule Q2)."""

from __future__ import annotations

import pytest

from include.errors import FatalError
from include.pipeline.context import Selection, Trigger
from include.pipeline.settle_run import MIN_REFUSED
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("Q2")


def refuse(world: World, sobject: str, field: str) -> None:
    """Have Salesforce refuse every record of an object."""
    always = {"field": field, "operator": "is_not_blank"}
    world.set_up_org(
        validation_rules=[
            {"name": "Closed", "sobject": sobject, "message": "Closed.", "conditions": [always]}
        ]
    )


def states(world: World) -> list[str]:
    return world.ledger.runs()["state"].tolist()


def test_refused_rows_fail_a_run_of_any_selection_once_each_is_recorded(world: World) -> None:
    refuse(world, "Event", "Subject")
    client = world.client(1)
    for booking_id in range(MIN_REFUSED):
        world.booking(100 + booking_id, client)
    refused = f"refused {MIN_REFUSED} of {MIN_REFUSED} rows"
    with pytest.raises(FatalError, match=refused):
        world.sync()
    with pytest.raises(FatalError, match=refused):
        world.sync(Selection.REPLAY, trigger=Trigger.MANUAL, conf={"reasons": ["refused_by_salesforce"]})
    assert world.ledger.quarantine_rows()["attempts"].tolist() == [2] * MIN_REFUSED
    assert states(world) == ["failed", "failed"]


@pytest.mark.rule("S13")
def test_refused_clients_fail_a_run_that_is_about_clients_by_themselves(world: World) -> None:
    world.set(client_scope="all")
    refuse(world, "Lead", "LastName")
    for client_id in range(1, MIN_REFUSED + 1):
        world.client(client_id)
    with pytest.raises(FatalError, match=f"refused {MIN_REFUSED} of {MIN_REFUSED} clients"):
        world.sync(Selection.CLIENTS)
    assert states(world) == ["failed"]


def test_a_few_refused_rows_are_rows_and_not_a_failed_run(world: World) -> None:
    refuse(world, "Event", "Subject")
    client = world.client(1)
    for booking_id in range(MIN_REFUSED - 1):
        world.booking(100 + booking_id, client)
    assert world.sync()["quarantined"] == MIN_REFUSED - 1
