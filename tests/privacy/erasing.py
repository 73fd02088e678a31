"""A client full of values that nothing else holds, their erasure, and where the values still stand."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import sqlalchemy as sa

from include.pipeline.context import Selection, SyncRun
from include.privacy.erase_client import begin_erasure, erase_ledger, erase_staging, list_personal_data
from tests.pipeline.world import World

MARK = "Qzx"
"""Stands in every value of the client and in nothing else; it survives every way in which values are written."""

ANN, BEN = 1, 2


def marked_client(world: World, client_id: int = ANN, **values: Any) -> int:
    world.client(
        client_id,
        **{
            "first_name": f"{MARK}Ann{client_id}",
            "last_name": f"{MARK}Lee{client_id}",
            "email": f"{MARK}ann{client_id}@example.com",
            "phone": "+1 416 555 7391",
            "company": f"{MARK} Works",
            "city": f"{MARK}ville",
            **values,
        },
    )
    return client_id


def marked_booking(world: World, booking_id: int, *client_ids: int, **values: Any) -> int:
    """A booking of the first client, whose notes and answer only they gave."""
    world.booking(booking_id, *client_ids, notes=f"{MARK} is late", **values)
    world.insert(
        "answers", appointment_id=booking_id, client_id=client_ids[0], question_id=1, value=f"{MARK} tea"
    )
    return booking_id


def erasure(world: World, *client_ids: int, **changes: Any) -> SyncRun:
    return world.run(
        Selection.ERASURE, dag_id="erase_client", conf={"client_ids": list(client_ids)}, **changes
    )


def erase(world: World, *client_ids: int) -> dict[str, Any]:
    """Run every stage of the erasure, each with adapters of its own."""
    run = erasure(world, *client_ids)
    list_personal_data(run, world.wiring())
    begin_erasure(run, world.wiring(), who="Pat")
    staged = erase_staging(run, world.wiring())
    return erase_ledger(run, world.wiring(), staged_rows=staged["staged_rows"])


def places_in_ledger(world: World, mark: str = MARK) -> set[str]:
    """Return ``table.column`` wherever the ledger holds a text with the mark in it."""
    found = set()
    with world.ledger.engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            for row in connection.execute(sa.text(f'SELECT * FROM "{table}"')).mappings():
                found |= {
                    f"{table}.{name}" for name, value in row.items() if mark.lower() in str(value).lower()
                }
    return found


def places_in_staging(world: World, mark: str = MARK) -> set[tuple[str, str]]:
    """Return ``(stage/file, column)`` wherever staging holds a text with the mark in it."""
    found = set()
    for run_id in world.staging.run_ids():
        for file in world.staging.files(run_id):
            with world.staging.open_input(run_id, file.stage, file.name) as source:
                place = f"{file.stage}/{file.name}"
                if file.name.endswith(".parquet"):
                    columns = pq.read_table(source).to_pydict()
                    found |= {
                        (place, name)
                        for name, values in columns.items()
                        if any(mark.lower() in str(value).lower() for value in values)
                    }
                elif mark.lower().encode() in source.read().lower():
                    found.add((place, ""))
    return found
