"""Move the organisation to the modern integration, in one transaction of the ledger (rule G8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.errors import ConfigurationError
from include.frames import STAFF_LINKS
from include.ledger.cut_over import CutOver
from include.ledger.staff import LEGACY
from include.legacy import ItemKind, Phase
from include.migration.adoptions import adoptions_of, carried_items
from include.migration.carried_mappings import carried_mapping_set
from include.migration.carried_people import carried_people
from include.migration.carried_staff import user_ids
from include.migration.choices import Choices
from include.migration.standing import forward_stage
from include.settings.model import Settings

if TYPE_CHECKING:
    from include.ledger.legacy_migrations import LegacyMigration
    from include.pipeline.context import SyncRun, Wiring
    from include.settings.field_mapping import FieldMapping

STAGE: Final = "cut_over"
_REVIEW: Final = "review"


def cut_over(run: SyncRun, wiring: Wiring) -> dict[str, object]:
    """Bring settings, mappings, staff links, Events and people into force together; again, it changes nothing.

    Everything is staged first, so that the one transaction only copies.

    Returns:
        How many Events, people and staff links were carried over, and the versions of settings and mappings.

    Raises:
        MigrationTakenOver: another run holds the lease.
        ConfigurationError: Coconut's flag is off, or review or second inventory are missing.
    """
    with forward_stage(run, wiring, STAGE) as is_over:
        migration = wiring.ledger.held_migration(run.run_id)
        if not is_over:
            _require_inventory(migration)
            parts, people = _stage_events(run, wiring, migration)
            new = CutOver(
                settings=modern_settings(wiring, migration),
                mappings=_mappings(wiring, migration),
                staff=_staff(wiring, migration),
                people=people,
                adoptions=_staged(run, wiring, parts),
                who=_reviewer(wiring, migration),
            )
            migration = wiring.ledger.cut_over(run.run_id, new, now=run.now)
        return dict(migration.facts[Phase.CUT_OVER.value])


def modern_settings(wiring: Wiring, migration: LegacyMigration) -> Settings:
    """Return the settings as the review chose them, on the modern integration."""
    return choices_of(migration).applied_to(wiring.ledger.current_settings().settings)


def choices_of(migration: LegacyMigration) -> Choices:
    """Return what the review chose."""
    named = {name: value for name, value in migration.choices.items() if name in Choices.model_fields}
    return Choices.model_validate(named)


def _require_inventory(migration: LegacyMigration) -> None:
    if not (migration.choices and migration.phase.is_behind(Phase.INVENTORIED_AGAIN)):
        msg = (
            "Nothing is cut over before the review was answered and the second inventory taken; clear the first task "
            "of the run that did not succeed."
        )
        raise ConfigurationError(msg)


def _stage_events(run: SyncRun, wiring: Wiring, migration: LegacyMigration) -> tuple[list[str], pd.DataFrame]:
    """Stage the Events to be taken over, part by part; return the parts' names, and who their clients are."""
    wiring.staging.clear(run.run_id, STAGE)
    names, standing = [], [pd.DataFrame({"client_id": [], "who_id": []}, dtype="str")]
    for number, items in enumerate(carried_items(wiring.ledger, migration.id, ItemKind.EVENT_LINK)):
        adoptions = adoptions_of(wiring, migration, items)
        names.append(f"events-{number:05d}")
        wiring.staging.write_frame(run.run_id, STAGE, names[-1], adoptions)
        standing.append(adoptions[["client_id", "who_id"]].dropna().drop_duplicates())
    distinct = pd.concat(standing, ignore_index=True).drop_duplicates()
    return names, carried_people(wiring.salesforce, distinct)


def _staged(run: SyncRun, wiring: Wiring, names: list[str]) -> Iterator[pd.DataFrame]:
    return (wiring.staging.read_frame(run.run_id, STAGE, name) for name in names)


def _mappings(wiring: Wiring, migration: LegacyMigration) -> tuple[FieldMapping, ...]:
    current = wiring.ledger.current_mappings().mappings
    carried = list(carried_items(wiring.ledger, migration.id, ItemKind.FIELD_MAPPING))
    return carried_mapping_set(pd.concat(carried), current) if carried else tuple(current)


def _staff(wiring: Wiring, migration: LegacyMigration) -> pd.DataFrame:
    carried = [STAFF_LINKS.empty()]
    for items in carried_items(wiring.ledger, migration.id, ItemKind.STAFF_LINK):
        links = {"staff_id": items["item_key"], "salesforce_user_id": user_ids(items["legacy_value"])}
        carried.append(
            STAFF_LINKS.conform(pd.DataFrame(links).assign(user_is_active=True, set_by=LEGACY, reason=None))
        )
    return STAFF_LINKS.conform(pd.concat(carried, ignore_index=True))


def _reviewer(wiring: Wiring, migration: LegacyMigration) -> str:
    """Return who answered the review last."""
    answered = [
        answer.answered_by
        for answer in wiring.ledger.migration_answers(migration.id)
        if answer.step == _REVIEW and answer.answered_by
    ]
    return answered[-1] if answered else migration.started_by
