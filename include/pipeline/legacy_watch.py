"""Two writers undo each other's work: whoever sees the legacy integration at work after cut-over stops all syncs (G8).

What can be seen are event links that came, went or changed in Coconut, and Events in the org that the legacy
integration's own user changed. Both are compared with the instant that a migration noted.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.errors import ConfigurationError
from include.frames import TEXT
from include.legacy import GOING_BACK, Phase
from include.matching.normalise import salesforce_id_18
from include.salesforce import soql
from include.settings.field_mapping import Sobject
from include.source.legacy import LinksFingerprint, links_fingerprint, read_legacy_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

    from include.ledger.legacy_migrations import LegacyMigration
    from include.ledger.repository import Ledger
    from include.pipeline.context import SyncRun, Wiring

NOTED_IN: Final = Phase.INVENTORIED_AGAIN
"""The phase whose facts say what the legacy integration had left when it was switched off."""

LEGACY_USER: Final = "salesforce_user_id"
"""Name of the legacy setting that holds the Id of the User as whom the legacy integration writes."""

_FINGERPRINT: Final = "links_fingerprint"
_SINCE: Final = "watched_since"


def watch_facts(engine: Engine, *, now: datetime) -> dict[str, object]:
    """Return the facts that a migration notes when the legacy integration is off: under the phase ``NOTED_IN``.

    Raises:
        SourceUnavailableError: the booking database does not answer.
    """
    return {_FINGERPRINT: asdict(links_fingerprint(engine)), _SINCE: now.isoformat()}


def refuse_while_stopped(ledger: Ledger) -> None:
    """Let nothing sync while the legacy integration was seen at work.

    Raises:
        ConfigurationError: it was; the message says what was seen.
    """
    migration = ledger.newest_migration()
    if migration is not None and migration.stopped_at is not None:
        raise _stopped(migration.stopped_why or "")


def watch_legacy(run: SyncRun, wiring: Wiring) -> None:
    """Stop all syncs if the legacy integration was at work since it was confirmed off; a dry run only says so.

    Nothing is asked before cut-over, and after the migration was finalised or rolled back.

    Raises:
        ConfigurationError: it was at work.
        SourceUnavailableError, SalesforceUnavailableError: the booking database or Salesforce does not answer.
    """
    migration = wiring.ledger.newest_migration()
    if migration is None or not (migration.is_open and migration.phase.is_cut_over):
        return
    why = ", and ".join(_activity(wiring, migration))
    if not why:
        return
    if not run.dry_run:
        wiring.ledger.stop_syncs(migration.id, why=why, now=run.now)
    raise _stopped(why)


def _activity(wiring: Wiring, migration: LegacyMigration) -> Iterator[str]:
    """Yield what was seen, in words."""
    noted: Mapping[str, object] = migration.facts.get(NOTED_IN.value, {})
    before = noted.get(_FINGERPRINT)
    if isinstance(before, dict) and LinksFingerprint(**before) != links_fingerprint(wiring.source.engine):
        yield "its event links in Coconut changed"
    since = noted.get(_SINCE)
    if isinstance(since, str) and (changed := _changed_events(wiring, datetime.fromisoformat(since))):
        yield f"its User changed {changed} Events in Salesforce"


def _changed_events(wiring: Wiring, since: datetime) -> int:
    """Return how many Events the legacy integration's User changed; none is counted where that is our own, too."""
    named = read_legacy_settings(wiring.source.engine).get(LEGACY_USER, "")
    (user_id,) = salesforce_id_18(pd.Series([named], dtype=TEXT)).fillna("")
    if user_id in {"", wiring.salesforce.user_id}:
        return 0
    by_them = [soql.equals("LastModifiedById", user_id), soql.at_least("LastModifiedDate", since)]
    return wiring.salesforce.count(soql.count(Sobject.EVENT, where=by_them))


def _stopped(why: str) -> ConfigurationError:
    if why == GOING_BACK:
        msg = (
            "Nothing syncs while a rollback takes the organisation back to the legacy integration: wait for it, or "
            "clear its failed task."
        )
        return ConfigurationError(msg)
    msg = (
        f"Nothing syncs, because the legacy integration is at work although it was confirmed off: {why}. Have it "
        'switched off, then start migrate_legacy_integration with {"resume": true}.'
    )
    return ConfigurationError(msg)
