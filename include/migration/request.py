"""What a person asks ``migrate_legacy_integration`` for (rules G3, G7, G9, G10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from include.errors import ConfigurationError
from include.pipeline.request_values import RequestValues

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue


class Mode(StrEnum):
    """What a run of the DAG does; the default is the migration itself."""

    FORWARD = "forward"
    ROLLBACK = "rollback"
    PERSON_ACCOUNTS = "person_accounts"
    RESUME = "resume"


class EventsSince(StrEnum):
    """What a rollback does with the Events that the modern integration created (rule G9)."""

    LEFT = "left"
    DELETED = "deleted"
    EXPORTED = "exported"


_OTHER_MODES: Final = (Mode.ROLLBACK, Mode.PERSON_ACCOUNTS, Mode.RESUME)


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """One run of the migration DAG.

    Attributes:
        mode: the migration itself, the way back, the extra step of Person Accounts, or letting stopped syncs go on.
        take_over: the run goes on with the open migration in place of the run that holds its lease.
        probe_event: authorising may make an Event that another user owns, and remove it in the same request.
        events_since: what a rollback does with Events that were created since cut-over.
        record_type: the record type that the extra step of Person Accounts tries; empty for the user's default.
    """

    mode: Mode = Mode.FORWARD
    take_over: bool = False
    probe_event: bool = False
    events_since: EventsSince = EventsSince.LEFT
    record_type: str = ""

    @classmethod
    def from_conf(cls, conf: Mapping[str, JsonValue]) -> Self:
        """Read ``rollback``, ``person_accounts``, ``resume``, ``take_over``, ``probe_event`` and the others.

        Raises:
            ConfigurationError: values are none of those allowed, or contradict each other; all problems are named
                together.
        """
        values = RequestValues(conf)
        asked = [mode for mode in _OTHER_MODES if values.is_on(mode)]
        since = values.choices("events_since", [one.value for one in EventsSince])
        request = cls(
            mode=asked[0] if asked else Mode.FORWARD,
            take_over=values.is_on("take_over"),
            probe_event=values.is_on("probe_event"),
            events_since=EventsSince(since[0]) if since else EventsSince.LEFT,
            record_type=str(conf.get("record_type") or "").strip(),
        )
        if len(asked) > 1:
            values.problems.append(f"{', '.join(asked)}: ask for one of them")
        if len(since) > 1:
            values.problems.append("events_since: choose one")
        if values.problems:
            msg = "The migration run is refused; correct its configuration:"
            raise ConfigurationError(msg, values.problems)
        return request
