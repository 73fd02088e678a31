"""The org's own time: it runs like the machine's, and can be set or moved by tests and by the control endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that runs with the machine's, shifted by an offset, or stands still once frozen."""

    def __init__(self, *, offset_seconds: float = 0.0) -> None:
        self._offset_seconds = offset_seconds
        self._frozen_at: datetime | None = None
        self._changed: Callable[[], None] = lambda: None

    def watch(self, changed: Callable[[], None]) -> None:
        """Have the function called whenever the clock was moved, set or frozen."""
        self._changed = changed

    def state(self) -> dict[str, object]:
        """Return what `restore` needs to make another clock show the same time."""
        frozen_at = None if self._frozen_at is None else self._frozen_at.isoformat()
        return {"offset_seconds": self._offset_seconds, "frozen_at": frozen_at}

    def restore(self, *, offset_seconds: float, frozen_at: str | None) -> None:
        """Show the time of the clock whose `state` this was."""
        self._offset_seconds = offset_seconds
        self._frozen_at = None if frozen_at is None else datetime.fromisoformat(frozen_at)

    @property
    def offset_seconds(self) -> float:
        """How far this clock is ahead of the machine's."""
        return self._offset_seconds

    def now(self) -> datetime:
        """Return the org's present instant, aware, in UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        return datetime.fromtimestamp(time.time() + self._offset_seconds, tz=UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock on (or back, if negative) by so many seconds."""
        if self._frozen_at is not None:
            self._frozen_at += timedelta(seconds=seconds)
        else:
            self._offset_seconds += seconds
        self._changed()

    def set(self, instant: datetime) -> None:
        """Set the clock to an aware instant; it goes on running from there unless frozen."""
        if instant.tzinfo is None:
            message = "The clock was given an instant without a time zone; give an aware one."
            raise ValueError(message)
        instant = instant.astimezone(UTC)
        if self._frozen_at is not None:
            self._frozen_at = instant
        else:
            self._offset_seconds = instant.timestamp() - time.time()
        self._changed()

    def freeze(self, instant: datetime | None = None) -> None:
        """Stop the clock, at the given aware instant or at the present one; `advance` and `set` still move it."""
        self._frozen_at = (instant or self.now()).astimezone(UTC)
        self._changed()

    def reset(self) -> None:
        """Run with the machine's clock again."""
        self._frozen_at = None
        self._offset_seconds = 0.0
        self._changed()
