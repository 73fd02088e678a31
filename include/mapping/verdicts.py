"""What each pair comes to, rule by rule: the first rule that applies has the word (rules Q2, Q3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from include.frames import TEXT
from include.reasons import REASONS, Action, Reason, WaitsFor

if TYPE_CHECKING:
    from include.mapping.owner import OwnerCheck


class Verdicts:
    """One verdict per pair: an action, and a reason where nothing is to be written. A settled pair stays settled."""

    def __init__(self, index: pd.Index[Any]) -> None:
        """Open every pair of ``index``."""
        self._action = pd.Series(index=index, dtype=TEXT)
        self._reason = pd.Series(index=index, dtype=TEXT)
        self._detail = pd.Series(index=index, dtype=TEXT)

    @property
    def is_open(self) -> pd.Series[bool]:
        """Tell which pairs no rule has settled yet."""
        return self._action.isna()

    def has(self, reason: Reason) -> pd.Series[bool]:
        """Tell which pairs were settled for ``reason``."""
        return self._reason == str(reason)

    def does(self, action: Action) -> pd.Series[bool]:
        """Tell which pairs were settled with ``action``."""
        return self._action == str(action)

    def settle(
        self, applies: pd.Series[bool], *, reason: Reason | None = None, action: Action = Action.NONE
    ) -> None:
        """Settle the open pairs to which a rule applies; ``reason`` may be left out only where something is written."""
        rows = applies & self.is_open
        self._action = self._action.mask(rows, str(action))
        if reason is not None:
            self._reason = self._reason.mask(rows, str(reason))

    def settle_by(self, reasons: pd.Series[str]) -> None:
        """Settle the open pairs that have a reason of their own."""
        rows = reasons.notna() & self.is_open
        self._action = self._action.mask(rows, str(Action.NONE))
        self._reason = self._reason.mask(rows, reasons)

    def revoke(self, rows: pd.Series[bool], *, reason: Reason, details: pd.Series[str]) -> None:
        """Settle pairs anew, without an action: what was planned for them is done in another way."""
        self._action = self._action.mask(rows, str(Action.NONE))
        self._reason = self._reason.mask(rows, str(reason))
        self._detail = self._detail.mask(rows, details)

    def note(self, reason: Reason, details: pd.Series[str]) -> None:
        """Add plain words to the pairs that were settled for ``reason``."""
        self._detail = self._detail.mask(self.has(reason), details)

    def remark(self, rows: pd.Series[bool], words: str) -> None:
        """Add words to what is said of these pairs already, written ones too."""
        said = (self._detail + "; ").fillna("")
        self._detail = self._detail.mask(rows.reindex(self._detail.index, fill_value=False), said + words)

    def to_frame(self) -> pd.DataFrame:
        """Return ``action``, ``outcome`` (missing where something is written), ``reason``, ``waits_for``, ``detail``.

        All text, one row per pair.
        """
        is_idle = self.does(Action.NONE)
        outcomes = {str(reason): str(text.outcome) for reason, text in REASONS.items()}
        waits = {str(reason): str(text.waits_for) for reason, text in REASONS.items()}
        return pd.DataFrame(
            {
                "action": self._action,
                "outcome": self._reason.map(outcomes).where(is_idle),
                "reason": self._reason,
                "waits_for": self._reason.map(waits).where(is_idle),
                "detail": self._detail,
            }
        ).astype(TEXT)


def waits_for_keys(
    verdicts: pd.DataFrame, client_ids: pd.Series[str], *, scope_settings: pd.Series[str], owners: OwnerCheck
) -> pd.Series[str]:
    """Return the name of what each pair waits for: a client's id, a setting (several joined by commas) or a User's Id.

    Args:
        verdicts: ``reason`` and ``waits_for``.
        client_ids: the pairs' clients.
        scope_settings: the settings that put a pair out of scope, joined by commas.
        owners: the checked owners; a pair may wait for the User they name.
    """
    settings = {str(reason): text.setting for reason, text in REASONS.items() if text.setting}
    users = {
        str(Reason.EVENTS_OWNER_INACTIVE): owners.unassigned_events_owner.named_id,
        str(Reason.DEFAULT_OWNER_INACTIVE): owners.default_owner.named_id,
    }
    reason, waits = verdicts["reason"], verdicts["waits_for"]
    of_setting = reason.map(settings).mask(reason == str(Reason.OUT_OF_SCOPE), scope_settings)
    keys = client_ids.where(waits.isin([str(WaitsFor.CLIENT), str(WaitsFor.PERSON)]))
    keys = keys.mask(waits == str(WaitsFor.SETTING), of_setting)
    return keys.mask(waits == str(WaitsFor.SALESFORCE_USER), reason.map(users)).astype(TEXT)
