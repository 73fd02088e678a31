"""Cut-over: everything that was carried over comes into force together (rule G8)."""

from __future__ import annotations

import pytest

from include.legacy import ItemKind, Phase
from include.migration.cut_over import cut_over
from include.migration.inventory_again import inventory_again
from tests.migration.legacy_world import LegacyWorld
from tests.migration.stages import RUN, confirm_legacy_off, stage, until_cut_over, until_review, until_synced

pytestmark = pytest.mark.rule("G8")


def test_every_carried_event_is_taken_over_by_its_id_and_nothing_is_written_to_the_org(
    legacy: LegacyWorld,
) -> None:
    before = legacy.all_events()
    counts = until_cut_over(legacy)
    adopted = legacy.ledger.adopted_events_after(limit=1_000)
    expected = {key: legacy.event_ids[key] for key in legacy.carried_keys}
    assert dict(zip(adopted["booking_key"], adopted["event_id"], strict=True)) == expected
    assert counts["events"] == len(expected)
    assert legacy.all_events() == before


def test_the_organisation_is_on_the_modern_integration_with_what_the_review_chose(
    legacy: LegacyWorld,
) -> None:
    until_cut_over(legacy, entity_type="contact", matching_algorithm="email")
    settings = legacy.ledger.current_settings().settings
    assert (settings.integration, settings.entity_type, settings.matching_algorithm) == (
        "modern",
        "contact",
        "email",
    )
    migration = legacy.ledger.held_migration(RUN)
    assert migration.phase is Phase.CUT_OVER
    assert migration.cut_over_at is not None


@pytest.mark.rule("S7")
def test_staff_that_were_linked_stay_linked_whatever_their_email_says(legacy: LegacyWorld) -> None:
    until_cut_over(legacy)
    items = legacy.ledger.migration_items_after(1, ItemKind.STAFF_LINK, limit=100)
    carried = items[items["outcome"] == "carried"]
    legacy.sync()
    links = legacy.ledger.staff_links().set_index("staff_id")["salesforce_user_id"]
    assert len(carried)
    assert links[carried["item_key"]].tolist() == carried["legacy_value"].tolist()


def test_a_second_cut_over_changes_nothing(legacy: LegacyWorld) -> None:
    first = until_cut_over(legacy)
    versions = (legacy.ledger.current_settings().version, legacy.ledger.current_mappings().version)
    assert stage(legacy, cut_over) == first
    assert (legacy.ledger.current_settings().version, legacy.ledger.current_mappings().version) == versions


def test_links_made_since_the_first_inventory_are_carried_too(legacy: LegacyWorld) -> None:
    until_review(legacy)
    client_id = legacy.client_of(legacy.carried_keys[0])
    key = legacy.legacy_books(900_001, client_id, staff_id=min(legacy.users))
    confirm_legacy_off(legacy)
    assert stage(legacy, inventory_again)["since"] == 1
    stage(legacy, cut_over)
    adopted = legacy.ledger.adopted_events_of([key])
    assert adopted["event_id"].tolist() == [legacy.event_ids[key]]


@pytest.mark.rule("G9")
def test_the_before_image_is_what_the_legacy_writer_left_at_last(legacy: LegacyWorld) -> None:
    until_review(legacy)
    key = legacy.carried_keys[0]
    legacy.legacy_edits(key, Subject="Changed at last")
    confirm_legacy_off(legacy)
    stage(legacy, inventory_again)
    (image,) = legacy.ledger.migration_images_of(1, [legacy.event_ids[key]])["image"]
    assert "Changed at last" in image


def test_the_first_sync_reads_every_adopted_pair_and_writes_only_what_really_differs(
    legacy: LegacyWorld,
) -> None:
    keyed_otherwise = _keyed(legacy)
    counts = until_synced(legacy)
    adopted = legacy.ledger.adopted_events_after(limit=1_000)
    written = set(adopted.loc[adopted["written_version"].notna(), "booking_key"])
    assert counts["appointments"]["updated"] == len(written) < len(adopted)
    assert counts["appointments"]["created"] == 0
    assert _keyed(legacy) - keyed_otherwise == {legacy.event_ids[key] for key in written}


def _keyed(legacy: LegacyWorld) -> set[str]:
    """Return the Events that carry a booking key."""
    return {event_id for event_id, event in legacy.all_events().items() if event["Coconut_Booking_Key__c"]}
