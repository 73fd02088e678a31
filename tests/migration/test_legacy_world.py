"""The legacy organisation of the tests is one: what a legacy writer leaves behind, with every fault in it."""

from __future__ import annotations

from collections import Counter

import pytest

from include.legacy import ATTENTION, Attention, ItemKind
from include.source.legacy import has_legacy_links, is_upgrade_offered
from tests.migration.conftest import BuildLegacy
from tests.migration.legacy_state import differences, legacy_state
from tests.migration.legacy_world import LegacyWorld

pytestmark = [pytest.mark.rule("G1"), pytest.mark.rule("G5")]

NEEDS_A_MODERN_EVENT = {Attention.LINKED_OTHERWISE}
"""Comes about only where the modern integration was at work before."""


def test_a_legacy_organisation_has_every_reason_for_attention_once(legacy: LegacyWorld) -> None:
    assert Counter(legacy.plan.attention.values()) == Counter(set(ATTENTION) - NEEDS_A_MODERN_EVENT)
    for (kind, _), why in legacy.plan.attention.items():
        assert ATTENTION[why].kind is kind


def test_a_legacy_organisation_holds_what_was_asked_for(build_legacy: BuildLegacy) -> None:
    world = build_legacy(events=200, staff=20, mappings=40, unlinked=2)
    assert has_legacy_links(world.source)
    assert is_upgrade_offered(world.source)
    assert world.ledger.current_settings().version == 0
    assert (len(world.plan.links), len(world.users)) == (200, 20)
    assert len(world.carried_keys) == 200 - len(world.plan.expected(ItemKind.EVENT_LINK))
    first = world.event_of(world.carried_keys[0])
    assert first["CreatedById"] == world.legacy_user_id
    assert first["Coconut_Booking_Key__c"] is None
    assert not first["Subject"].endswith("]")


def test_the_dump_tells_what_changed_and_nothing_where_nothing_did(legacy: LegacyWorld) -> None:
    before = legacy_state(legacy)
    assert differences(before, legacy_state(legacy)) == []
    key = legacy.carried_keys[0]
    legacy.user_edits(key, Subject="Edited")
    legacy.legacy_books(500_000, legacy.client_of(key), staff_id=1)
    told = "\n".join(differences(before, legacy_state(legacy)))
    assert "'Subject': " in told
    assert "Coconut: legacy_event_links" in told
