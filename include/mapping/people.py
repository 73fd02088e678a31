"""Clients as Salesforce people: the values of the records to be created (rules F1, F4, M11, Q1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from include.settings.model import Settings

if TYPE_CHECKING:
    from include.mapping.owner import OwnerCheck


def map_people(
    decisions: pd.DataFrame, clients: pd.DataFrame, *, settings: Settings, owners: OwnerCheck
) -> pd.DataFrame:
    """Return ``frames.PEOPLE``: one row per person whom ``decisions`` wants created."""
    raise NotImplementedError
