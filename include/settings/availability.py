"""Which settings are accepted but not acted on yet: a setting without effect is an error, not a wish.

A feature that ships removes its lines here; ``docs/settings.md`` says the same in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from include.settings.model import (
    ConflictWinner,
    Settings,
    Switch,
    SyncMode,
)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A setting of which only some values describe what the product does today.

    ``happens`` says what happens whatever the setting says; ``way_back`` is the value that says so, and may be empty.
    """

    is_true: Callable[[Any], bool]
    happens: str
    way_back: str


def _only(value: StrEnum, happens: str) -> _Pending:
    return _Pending(lambda chosen: chosen is value, happens, value.value)


PENDING: Final[Mapping[str, _Pending]] = {
    "sync_mode": _only(SyncMode.ONE_WAY, "changes made in Salesforce are not brought back"),
    "auto_merge": _only(Switch.OFF, "nothing is merged"),
    "conflict_winner": _only(ConflictWinner.COCONUT, "changes made in Salesforce are not compared"),
}
"""The settings of ``include.settings.model`` that have no effect yet, or not with every value."""


def unavailable(settings: Settings) -> list[str]:
    """Return one sentence for each setting whose chosen value has no effect yet, in the order of the settings.

    Sentences have no full stop, so that they can stand in a list of problems.
    """
    return [
        f"{name}: {_shown(value)} is not available yet ({pending.happens}); {_advice(pending)}"
        for name in Settings.model_fields
        if (pending := PENDING.get(name)) is not None
        and not pending.is_true(value := getattr(settings, name))
    ]


def _shown(value: object) -> str:
    return value.value if isinstance(value, StrEnum) else str(value)


def _advice(pending: _Pending) -> str:
    return f"set it to {pending.way_back}" if pending.way_back else "leave it empty"
