"""What a person asks ``reconcile`` for, validated whole (rule Q7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from include.errors import ConfigurationError
from include.pipeline.request_values import RequestValues
from include.source.changes import KINDS

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """Whether what is found is mended, and what is told of: bookings of these kinds."""

    repairs: bool = False
    kinds: tuple[str, ...] = KINDS

    @classmethod
    def from_conf(cls, conf: Mapping[str, JsonValue]) -> ReconcileRequest:
        """Read ``repair`` and ``kinds`` (empty: all).

        Raises:
            ConfigurationError: a kind that Coconut does not have.
        """
        values = RequestValues(conf)
        request = cls(repairs=values.is_on("repair"), kinds=values.choices("kinds", KINDS) or KINDS)
        if values.problems:
            msg = "The reconciliation is refused; correct the run's configuration:"
            raise ConfigurationError(msg, values.problems)
        return request

    def told(self, found: pd.DataFrame) -> pd.DataFrame:
        """Return the findings (``FOUND``) that are asked for; one of no known kind belongs to every request."""
        is_told = found["kind"].isna() | found["kind"].isin(self.kinds) | ~found["kind"].isin(KINDS)
        return found[is_told].reset_index(drop=True)
