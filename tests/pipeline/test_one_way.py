"""In one_way mode nothing that happens in Salesforce reaches Coconut."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from include.source import tables
from tests.pipeline.world import World

pytestmark = pytest.mark.rule("W1")


def everything_in_coconut(world: World) -> dict[str, list[tuple[Any, ...]]]:
    with world.source.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table))]
            for name, table in tables.metadata.tables.items()
        }


def test_edits_made_in_salesforce_do_not_reach_coconut(world: World) -> None:
    world.client(1)
    world.booking(1, 1)
    world.sync()
    before = everything_in_coconut(world)
    event = world.event("1-1")
    world.org.change("Event", Id=event["Id"], Subject="Moved by hand", OwnerId=world.user("b@example.com"))
    world.org.change("Lead", Id=event["WhoId"], Phone="+1 416 555 0100")
    assert world.sync()["read"] == 0
    assert everything_in_coconut(world) == before


def test_an_event_deleted_in_salesforce_cancels_nothing_in_coconut(world: World) -> None:
    world.client(1)
    world.booking(1, 1)
    world.sync()
    before = everything_in_coconut(world)
    world.org.delete("Event", world.event("1-1")["Id"])
    world.sync()
    assert everything_in_coconut(world) == before
