"""What the legacy integration holds, kept item by item until it is finalised or rolled back."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from include.errors import MigrationTakenOver
from include.ledger.contracts import MIGRATION_IMAGES, MIGRATION_ITEMS
from include.ledger.repository import Ledger
from include.legacy import Attention, ItemKind, ItemOutcome
from tests.ledger.builders import at, frame

CARRIED, ATTENTION = ItemOutcome.CARRIED.value, ItemOutcome.NEEDS_ATTENTION.value
LINKS = ItemKind.EVENT_LINK
RUN = "migration-1"


def items(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(MIGRATION_ITEMS, list(rows), {"kind": LINKS.value, "legacy_value": "00U1", "inventory": 1})


def images(*rows: dict[str, Any]) -> pd.DataFrame:
    return frame(MIGRATION_IMAGES, list(rows), {"booking_key": "1-7", "client_id": "7", "image": "{}"})


@pytest.fixture
def migration_id(ledger: Ledger) -> int:
    return ledger.begin_migration(RUN, who="Pat", now=at(0)).id


def all_items(ledger: Ledger, migration_id: int, kind: ItemKind = LINKS) -> pd.DataFrame:
    return ledger.migration_items_after(migration_id, kind, limit=100).set_index("item_key")


@pytest.mark.rule("G5")
def test_items_come_in_pages_by_key_and_each_kind_apart(ledger: Ledger, migration_id: int) -> None:
    keys = ["1-7", "10-7", "2-7"]
    ledger.save_migration_items(migration_id, items(*({"item_key": key} for key in reversed(keys))))
    ledger.save_migration_items(
        migration_id, items({"kind": ItemKind.STAFF_LINK.value, "item_key": "1-7", "legacy_value": "005"})
    )

    first = ledger.migration_items_after(migration_id, LINKS, limit=2)
    rest = ledger.migration_items_after(migration_id, LINKS, after=first["item_key"].iloc[-1], limit=2)

    assert sorted([*first["item_key"], *rest["item_key"]]) == keys
    assert [len(first), len(rest)] == [2, 1]
    assert ledger.migration_items_of(migration_id, LINKS, ["2-7", "9-9"])["item_key"].tolist() == ["2-7"]


@pytest.mark.rule("G8")
def test_a_second_inventory_leaves_the_verdict_on_what_is_as_it_was(
    ledger: Ledger, migration_id: int
) -> None:
    judged = {"outcome": CARRIED, "detail": "fits"}
    ledger.save_migration_items(
        migration_id, items({"item_key": "1-7", **judged}, {"item_key": "2-7", **judged})
    )

    found_again = items(
        {"item_key": "1-7", "inventory": 2},
        {"item_key": "2-7", "inventory": 2, "legacy_value": "00U2"},
        {"item_key": "3-7", "inventory": 2},
    )
    ledger.save_migration_items(migration_id, found_again)

    kept = all_items(ledger, migration_id)
    assert kept["inventory"].to_dict() == {"1-7": 1, "2-7": 1, "3-7": 2}
    assert kept["legacy_value"].to_dict() == {"1-7": "00U1", "2-7": "00U2", "3-7": "00U1"}
    assert kept["outcome"].dropna().to_dict() == {"1-7": CARRIED}


@pytest.mark.rule("G5")
def test_a_later_verdict_replaces_an_earlier_one(ledger: Ledger, migration_id: int) -> None:
    reason = Attention.EVENT_DELETED.value
    ledger.save_migration_items(migration_id, items({"item_key": "1-7", "outcome": CARRIED}))
    ledger.save_migration_items(
        migration_id, items({"item_key": "1-7", "outcome": ATTENTION, "reason": reason})
    )

    assert all_items(ledger, migration_id).loc["1-7", ["outcome", "reason"]].tolist() == [ATTENTION, reason]


@pytest.mark.rule("G5")
def test_items_are_counted_by_kind_outcome_and_reason(ledger: Ledger, migration_id: int) -> None:
    gone = {"outcome": ATTENTION, "reason": Attention.EVENT_GONE.value}
    ledger.save_migration_items(
        migration_id,
        items(
            {"item_key": "1-7", "outcome": CARRIED},
            {"item_key": "2-7", **gone},
            {"item_key": "3-7", **gone},
            {"item_key": "4-7"},
        ),
    )

    counted = ledger.count_migration_items(migration_id)

    assert {tuple(row) for row in counted.fillna("").itertuples(index=False)} == {
        ("event_link", "", "", 1),
        ("event_link", CARRIED, "", 1),
        ("event_link", ATTENTION, "event_gone", 2),
    }


@pytest.mark.rule("G9")
def test_a_before_image_is_replaced_until_the_inventory_is_forgotten(
    ledger: Ledger, migration_id: int
) -> None:
    ledger.save_migration_items(migration_id, items({"item_key": "1-7"}))
    ledger.save_migration_images(migration_id, images({"event_id": "00U1"}), taken_at=at(1))
    ledger.save_migration_images(
        migration_id,
        images({"event_id": "00U1", "image": '{"Subject":"B"}'}, {"event_id": "00U2"}),
        taken_at=at(2),
    )

    kept = ledger.migration_images_after(migration_id, limit=10)
    assert dict(zip(kept["event_id"], kept["image"], strict=True)) == {
        "00U1": '{"Subject":"B"}',
        "00U2": "{}",
    }
    assert ledger.migration_images_of(migration_id, ["00U2"])["event_id"].tolist() == ["00U2"]

    ledger.forget_inventory(RUN)
    assert ledger.count_migration_images(migration_id) == 0
    assert all_items(ledger, migration_id).empty


@pytest.mark.rule("G10")
def test_only_the_run_that_holds_the_lease_forgets_the_inventory(ledger: Ledger, migration_id: int) -> None:
    ledger.save_migration_items(migration_id, items({"item_key": "1-7"}))
    ledger.begin_migration("migration-2", who="Pat", now=at(1), takes_over=True)

    with pytest.raises(MigrationTakenOver):
        ledger.forget_inventory(RUN)

    assert len(all_items(ledger, migration_id)) == 1


@pytest.mark.rule("G8")
def test_what_the_legacy_integration_holds_no_more_is_removed(ledger: Ledger, migration_id: int) -> None:
    ledger.save_migration_items(migration_id, items({"item_key": "1-7"}, {"item_key": "2-7"}))

    assert ledger.remove_migration_items(migration_id, LINKS, ["1-7", "8-8"]) == 1
    assert all_items(ledger, migration_id).index.tolist() == ["2-7"]


@pytest.mark.rule("Q11")
def test_an_erasure_empties_the_images_of_all_events_of_the_clients_bookings(
    ledger: Ledger, migration_id: int
) -> None:
    ledger.save_migration_items(
        migration_id,
        items(
            {"item_key": "1-7", "legacy_value": "00U000000000001AAA"},
            {"item_key": "1-17", "legacy_value": "00U000000000002AAA"},
            {"item_key": "2-8", "legacy_value": "00U000000000003AAA"},
            {"item_key": "2-7", "legacy_value": "00U000000000003"},
            {"item_key": "3-17", "legacy_value": "00U000000000004AAA"},
        ),
    )
    ledger.save_migration_images(
        migration_id,
        images(
            {"event_id": "00U000000000001AAA", "booking_key": "1-7"},
            {"event_id": "00U000000000002AAA", "booking_key": "1-17", "client_id": "17"},
            {"event_id": "00U000000000003AAA", "booking_key": "2-8", "client_id": "8"},
            {"event_id": "00U000000000004AAA", "booking_key": "3-17", "client_id": "17"},
        ),
        taken_at=at(1),
    )

    removed = ledger.erase_client("7", staged_rows={}, now=at(2))

    assert removed["migration_images"] == 3
    kept = ledger.migration_images_after(migration_id, limit=10).dropna(subset="image")
    assert kept["event_id"].tolist() == ["00U000000000004AAA"]


@pytest.mark.rule("Q11")
def test_before_images_of_an_erased_client_name_records_that_stay(ledger: Ledger, migration_id: int) -> None:
    ledger.save_migration_images(migration_id, images({"event_id": "00U000000000001AAA"}), taken_at=at(1))

    assert ledger.client_traces("7").event_ids == {"00U000000000001AAA"}


@pytest.mark.rule("G9")
def test_nothing_of_a_rolled_back_migration_is_touched_by_the_next(ledger: Ledger, migration_id: int) -> None:
    ledger.save_migration_items(migration_id, items({"item_key": "1-7"}))
    with ledger.engine.begin() as connection:
        connection.execute(sa.text("UPDATE legacy_migrations SET phase = 'rolled_back'"))

    second = ledger.begin_migration("migration-2", who="Pat", now=at(5)).id

    assert second != migration_id
    assert all_items(ledger, second).empty
    assert len(all_items(ledger, migration_id)) == 1
