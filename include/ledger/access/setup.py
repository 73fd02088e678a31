"""Set-up of the ledger: its org, settings and field mappings, in versions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from include.ledger import (
    binding,
    clock,
    mapping_store,
    settings_store,
)
from include.ledger.access.base import LedgerAccess
from include.ledger.engine import reading, writing
from include.ledger.mapping_store import MappingsVersion
from include.ledger.settings_store import SettingsVersion

if TYPE_CHECKING:
    from include.settings.field_mapping import FieldMapping
    from include.settings.model import Settings


class SetupAccess(LedgerAccess):
    """What an administrator decides."""

    # --- the org (Q10)

    def bind_org(self, org_id: str) -> None:
        """Record the org on the first call; on later ones check that it is still the same.

        Raises:
            LedgerConflictError: the ledger belongs to another org.
        """
        with writing(self.engine) as connection:
            binding.bind_org(connection, org_id, now=self._clock())

    def bound_org(self) -> str | None:
        """Return the Id (18 characters) of the org the ledger belongs to, if any."""
        with reading(self.engine) as connection:
            return binding.bound_org(connection)

    def rebind_org(self, org_id: str, *, who: str, now: datetime) -> str | None:
        """Give the ledger to another org, as an administrator decided; return the org it belonged to."""
        with writing(self.engine) as connection:
            return binding.rebind_org(connection, org_id, who=who, now=now)

    def bound_namespace(self) -> str | None:
        """Return the ``key_namespace`` that this ledger's keys carry, or nothing before the first write."""
        with reading(self.engine) as connection:
            return binding.bound_namespace(connection)

    def bind_namespace(self, namespace: str, *, now: datetime) -> None:
        """Record the ``key_namespace`` before the first write; later calls change nothing."""
        with writing(self.engine) as connection:
            binding.bind_namespace(connection, namespace, now=now)

    # --- settings

    def current_settings(self) -> SettingsVersion:
        """Return the settings in force; version 0 holds the defaults while nothing was saved."""
        with reading(self.engine) as connection:
            return settings_store.current(connection)

    def settings_at(self, version: int) -> SettingsVersion:
        """Return the settings as they were at a version.

        Raises:
            LedgerConflictError: there is no such version.
        """
        with reading(self.engine) as connection:
            return settings_store.at_version(connection, version)

    def save_settings(self, settings: Settings, *, who: str, now: datetime) -> SettingsVersion:
        """Save settings as a new version and record every change; settings equal to the current ones are no version."""
        with writing(self.engine) as connection:
            return settings_store.save(connection, settings, who=who, now=clock.advance(connection, now))

    # --- field mappings

    def current_mappings(self) -> MappingsVersion:
        """Return the field mappings in force; version 0 holds the defaults while nothing was saved."""
        with reading(self.engine) as connection:
            return mapping_store.current(connection)

    def mappings_at(self, version: int) -> MappingsVersion:
        """Return the field mappings as they were at a version.

        Raises:
            LedgerConflictError: there is no such version.
        """
        with reading(self.engine) as connection:
            return mapping_store.at_version(connection, version)

    def save_mappings(self, mappings: Iterable[FieldMapping], *, who: str, now: datetime) -> MappingsVersion:
        """Save mappings as a new version and record every change; mappings equal to the current ones are no version."""
        with writing(self.engine) as connection:
            return mapping_store.save(connection, mappings, who=who, now=clock.advance(connection, now))
