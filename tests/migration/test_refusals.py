"""A migration that may not go on says everything that is in its way at once, and has changed nothing."""

from __future__ import annotations

from typing import Any

import pytest

from include.errors import ConfigurationError, LedgerConflictError, MigrationTakenOver, SignInRefusedError
from include.legacy import Phase
from include.pipeline.context import Wiring
from include.source.gateway import SourceGateway
from tests.migration.legacy_state import differences, legacy_state
from tests.migration.legacy_world import LegacyWorld
from tests.migration.migrating import BEFORE_CUT_OVER, Migration, stages_between

INTEGRATION_USER = "integration@local-org.example"


def limit_user(world: LegacyWorld, **rights: Any) -> None:
    """Let the integration user do only what is named (docs/local-org-setup.md)."""
    world.set_up_org(users={INTEGRATION_USER: rights})


@pytest.mark.rule("G2")
@pytest.mark.parametrize("stage", list(BEFORE_CUT_OVER))
def test_without_the_flag_no_stage_before_cut_over_begins(legacy: LegacyWorld, stage: str) -> None:
    migration = Migration(legacy)
    for earlier in stages_between("preflight", stage)[:-1]:
        migration.do(earlier)
    legacy.offer_upgrade(is_on=False)
    before = legacy_state(legacy)
    with pytest.raises(ConfigurationError, match="Opt-In Salesforce Upgrade is off"):
        migration.do(stage)
    assert differences(before, legacy_state(legacy)) == []
    legacy.offer_upgrade()
    migration.do(stage)


@pytest.mark.rule("G2")
def test_without_the_flag_there_is_no_cut_over_and_it_goes_on_once_it_is_back(legacy: LegacyWorld) -> None:
    migration = Migration(legacy)
    migration.go(until="inventory_again")
    legacy.offer_upgrade(is_on=False)
    before = legacy_state(legacy)
    with pytest.raises(ConfigurationError, match="Opt-In Salesforce Upgrade is off"):
        migration.do("cut_over")
    assert differences(before, legacy_state(legacy)) == []
    legacy.offer_upgrade()
    migration.do("cut_over")
    assert migration.phase is Phase.CUT_OVER


@pytest.mark.rule("G4")
@pytest.mark.rule("G3")
def test_whatever_is_missing_is_listed_at_once(legacy: LegacyWorld) -> None:
    limit_user(
        legacy,
        fields={"Event": {"Coconut_Booking_Key__c": "hidden", "Location": "read"}},
        objects={"Lead": ["read"], "Event": ["read", "create"]},
    )
    before = legacy_state(legacy)
    migration = Migration(legacy)
    migration.go(until="inventory")
    with pytest.raises(ConfigurationError) as refused:
        migration.do("authorise")
    told = str(refused.value)
    assert len(refused.value.problems) >= 4
    for named in ("Coconut_Booking_Key__c", "Location", "Lead", "Event"):
        assert named in told, told
    assert migration.phase is Phase.INVENTORIED
    assert differences(before, legacy_state(legacy)) == []


@pytest.mark.rule("G4")
def test_without_activation_it_waits_and_nothing_is_changed(legacy: LegacyWorld) -> None:
    hidden = dict.fromkeys(("Coconut_Booking_Key__c", "Coconut_Kind__c", "Coconut_Status__c"), "hidden")
    limit_user(legacy, fields={"Event": hidden, "Lead": {"Coconut_Client_Key__c": "hidden"}})
    before = legacy_state(legacy)
    migration = Migration(legacy)
    migration.go(until="authorise")
    with pytest.raises(ConfigurationError) as refused:
        migration.do("check_activation")
    told = str(refused.value)
    assert all(name in told for name in (*hidden, "Coconut_Client_Key__c")), told
    assert differences(before, legacy_state(legacy)) == []
    legacy.set_up_org()
    migration.do("check_activation")
    assert migration.phase is Phase.ACTIVATED


@pytest.mark.rule("G3")
def test_with_wrong_credentials_it_says_so_and_nothing_is_changed(legacy: LegacyWorld) -> None:
    before = legacy_state(legacy)
    migration = Migration(legacy)
    migration.do("preflight")
    wiring = Wiring(
        SourceGateway(legacy.source),
        legacy.ledger,
        legacy.staging,
        lambda: legacy.org.connect(consumer_secret="wrong"),
    )
    for stage in ("inventory", "authorise"):
        with pytest.raises((ConfigurationError, SignInRefusedError), match=r"sign|refus"):
            BEFORE_CUT_OVER[stage](migration.run(), wiring)
    assert differences(before, legacy_state(legacy)) == []


@pytest.mark.rule("G10")
def test_a_second_migration_is_refused_until_it_takes_the_lease_over(legacy: LegacyWorld) -> None:
    first = Migration(legacy)
    first.go(until="inventory")
    with pytest.raises(LedgerConflictError, match="is migrating this organisation"):
        Migration(legacy, "second").do("preflight")
    second = Migration(legacy, "second", {"take_over": True})
    second.do("preflight")
    with pytest.raises(MigrationTakenOver):
        first.do("authorise")
    second.go(since="inventory")
    assert second.phase is Phase.PARITY_PROVED


@pytest.mark.rule("G8")
def test_a_probe_event_leaves_nothing_behind(legacy: LegacyWorld) -> None:
    before = {row["Id"] for row in legacy.events()}
    migration = Migration(legacy, conf={"probe_event": True})
    migration.go(until="authorise")
    assert {row["Id"] for row in legacy.events()} == before
