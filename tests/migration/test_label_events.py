"""Labels and stamps of legacy Events, as the review chose (rules G6, G8)."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError, OrgExhaustedError
from include.migration.label_events import Throttle, label_events
from tests.migration.legacy_world import LegacyWorld
from tests.migration.stages import migration_run, stage, until_synced

pytestmark = [pytest.mark.rule("G6"), pytest.mark.rule("G8")]

QUICK = Throttle(trial_rows=5, batch_rows=10, sleep=lambda _seconds: None)


def label(world: LegacyWorld) -> dict[str, object]:
    return label_events(migration_run(world), world.wiring(), throttle=QUICK)


def left_alone(world: LegacyWorld) -> list[str]:
    """Return the adopted pairs that the first sync did not write."""
    adopted = world.ledger.adopted_events_after(limit=1_000)
    return adopted.loc[adopted["last_reason"].eq("legacy_event_kept"), "booking_key"].tolist()


def is_labelled(event: dict[str, Any]) -> bool:
    return str(event["Subject"]).endswith(" [Appointment]") and event["Coconut_Kind__c"] == "appointment"


def test_upcoming_events_get_suffix_kind_and_key_and_keep_the_rest_as_it_was(legacy: LegacyWorld) -> None:
    until_synced(legacy, relabel_legacy_events="upcoming")
    before = legacy.all_events()
    alone = left_alone(legacy)
    upcoming = legacy.upcoming(alone)
    counts = label(legacy)
    after = legacy.all_events()
    assert counts["labelled"] == len(upcoming) > 0
    for key in alone:
        old, new = before[legacy.event_ids[key]], after[legacy.event_ids[key]]
        changed = {name for name in old if old[name] != new[name]} - {
            "LastModifiedDate",
            "SystemModstamp",
            "LastModifiedById",
        }
        if key in upcoming:
            assert changed == {"Subject", "Coconut_Kind__c", "Coconut_Booking_Key__c"}
            assert is_labelled(new)
            assert new["Subject"] == f"{old['Subject']} [Appointment]"
            assert new["Coconut_Booking_Key__c"] == key
        else:
            assert not changed
    assert counts["unlabelled"] == len(alone) - len(upcoming)


@pytest.mark.rule("Q8")
def test_labelling_waits_for_calls_and_again_sends_nothing_and_the_next_sync_leaves_labelled_events_alone(
    legacy: LegacyWorld,
) -> None:
    until_synced(legacy, relabel_legacy_events="all", stamp_legacy_events="all")
    legacy.set(daily_api_budget=1)
    with pytest.raises(OrgExhaustedError, match="daily_api_budget"):
        label(legacy)
    legacy.set(daily_api_budget=0)
    counts = label(legacy)
    assert counts["labelled"] == len(left_alone(legacy))
    assert counts["unlabelled"] == 0
    before = legacy.all_events()
    assert label(legacy)["labelled"] == 0
    legacy.ledger.mark_dirty(
        legacy.ledger.adopted_events_after(limit=1_000), reason="test", now=legacy.tick()
    )
    assert legacy.sync()["updated"] == 0
    assert legacy.all_events() == before


def test_stamping_gives_our_fields_and_leaves_the_subject(legacy: LegacyWorld) -> None:
    until_synced(legacy, relabel_legacy_events="none", stamp_legacy_events="upcoming")
    before = legacy.all_events()
    upcoming = legacy.upcoming(left_alone(legacy))
    label(legacy)
    for key in upcoming:
        event = legacy.event_of(key)
        assert event["Subject"] == before[event["Id"]]["Subject"]
        assert event["Coconut_Booking_Key__c"] == key
        assert event["Coconut_Status__c"]


def test_a_trial_batch_that_is_refused_stops_the_rest_with_the_reasons(legacy: LegacyWorld) -> None:
    until_synced(legacy, relabel_legacy_events="all")
    before = legacy.all_events()
    rule = {
        "sobject": "Event",
        "name": "No_Labels",
        "message": "Hands off",
        "conditions": [{"field": "Coconut_Booking_Key__c", "operator": "is_not_blank"}],
    }
    legacy.set_up_org(validation_rules=[rule])
    with pytest.raises(ConfigurationError, match="5 FIELD_CUSTOM_VALIDATION_EXCEPTION"):
        label(legacy)
    assert legacy.all_events() == before


def test_a_label_that_arrived_before_a_kill_is_noted_by_the_next_attempt(legacy: LegacyWorld) -> None:
    until_synced(legacy, relabel_legacy_events="all")
    alone = left_alone(legacy)
    (key, *_) = alone
    event = legacy.event_of(key)
    labels = {"Subject": f"{event['Subject']} [Appointment]", "Coconut_Kind__c": "appointment"}
    legacy.org.change("Event", Id=event["Id"], Coconut_Booking_Key__c=key, **labels)
    assert label(legacy)["labelled"] == len(alone) - 1
    adopted = legacy.ledger.adopted_events_of(alone)
    assert adopted["payload"].str.contains("[Appointment]", regex=False).all()


def test_nothing_is_labelled_where_the_review_chose_so(legacy: LegacyWorld) -> None:
    until_synced(legacy)
    before = legacy.all_events()
    counts = stage(legacy, label_events)
    assert counts["labelled"] == 0
    assert counts["unlabelled"] == len(left_alone(legacy))
    assert legacy.all_events() == before
