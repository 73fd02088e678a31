"""Settings in the ledger: versions, and an audit of every change (C4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from include.settings.model import Settings


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """The settings at one version; ``changed_at`` names each setting's last change (installation, if there was none)."""

    version: int
    settings: Settings
    saved_at: datetime
    installed_at: datetime
    changed_at: Mapping[str, datetime]

    @property
    def sync_from(self) -> date:
        """Return the first local day whose bookings sync (S14): the day of installation unless set."""
        return self.settings.sync_from or self.installed_at.date()
