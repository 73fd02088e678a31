"""Where a migration stands, and what every stage before cut-over has to look at first (rules G2, G10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError
from include.legacy import UPGRADE_FLAG
from include.pipeline.accounting import counted_calls
from include.settings.model import EntityType, Integration
from include.source.legacy import is_upgrade_offered, read_legacy_settings

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring
    from include.settings.model import Settings

LEGACY_ENTITY_TYPE: Final = "entity_type"
LEGACY_PERSON_ACCOUNTS: Final = "use_person_accounts"
"""Names of settings of the legacy integration (table ``legacy_settings``)."""


@contextmanager
def forward_stage(run: SyncRun, wiring: Wiring, task: str) -> Iterator[bool]:
    """Check that a stage before cut-over may go on, count its API calls, and tell whether it has nothing left to do.

    That is so once the organisation is cut over. A dry run holds no lease.

    Args:
        run: the run.
        wiring: its adapters.
        task: the stage's name, under which calls are counted.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: Coconut's flag is off.
    """
    with counted_calls(run, wiring, task):
        if not run.dry_run and wiring.ledger.held_migration(run.run_id).phase.is_cut_over:
            yield True
            return
        require_flag(wiring)
        yield False


def require_flag(wiring: Wiring) -> None:
    """Check that Coconut offers the upgrade (rule G2).

    Raises:
        ConfigurationError: it does not.
    """
    if not is_upgrade_offered(wiring.source.engine):
        msg = (
            f"Coconut's feature flag {UPGRADE_FLAG} is off, so the migration pauses with nothing changed: have it "
            'switched on and clear the task, or trigger a run with {"rollback": true} to give the migration up.'
        )
        raise ConfigurationError(msg)


def modern_settings(wiring: Wiring) -> Settings:
    """Return the settings as they will be on the modern integration, as far as they are known before the review.

    Person Accounts are not self-serve (rule G7): where they were intended, or the legacy integration names another kind
    of people than the settings do while nobody ever saved any, Leads or Contacts stand for them.
    """
    version = wiring.ledger.current_settings()
    settings = version.settings.model_copy(update={"integration": Integration.MODERN})
    if version.version > 0:
        return settings
    return settings.model_copy(update={"entity_type": default_entity_type(wiring)})


def default_entity_type(wiring: Wiring) -> EntityType:
    """Return what the legacy integration made of new people, Leads where it does not say or meant Person Accounts."""
    named = read_legacy_settings(wiring.source.engine).get(LEGACY_ENTITY_TYPE, "").strip().lower()
    return EntityType.CONTACT if named == EntityType.CONTACT else EntityType.LEAD


def intends_person_accounts(wiring: Wiring) -> bool:
    """Tell whether the legacy integration was meant to make Person Accounts (rule G7)."""
    told = read_legacy_settings(wiring.source.engine)
    by_switch = told.get(LEGACY_PERSON_ACCOUNTS, "").strip().lower() in {"true", "on", "yes", "1"}
    return by_switch or told.get(LEGACY_ENTITY_TYPE, "").strip().lower() == EntityType.PERSON_ACCOUNT
