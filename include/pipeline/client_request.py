"""What a person asks ``sync_clients`` for, read once from the run's configuration and validated whole (rule T3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.errors import ConfigurationError

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue

_ID: Final = re.compile(r"[0-9]{1,18}")
"""An id of Coconut: decimal, and within what its database counts to."""

_BETWEEN: Final = re.compile(r"[\s,;]+")
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """The people and bookings of one run of ``sync_clients``.

    Attributes:
        client_ids: clients who are synced with all their bookings, ascending.
        booking_ids: bookings that are synced whatever changed, ascending.
        is_rematch: decide afresh who the clients are; without ``client_ids``, all whom the ledger has a link for.
        moves_past_events: Events that are over follow a client to another person too.
    """

    client_ids: tuple[int, ...] = ()
    booking_ids: tuple[int, ...] = ()
    is_rematch: bool = False
    moves_past_events: bool = False

    @classmethod
    def from_conf(cls, conf: Mapping[str, JsonValue]) -> ClientRequest:
        """Read the parameters ``client_ids``, ``booking_ids``, ``rematch`` and ``move_past_events``.

        Ids are a list, or text with commas, semicolons or white space between them.

        Raises:
            ConfigurationError: something given as an id is none; all of them are named.
        """
        problems: list[str] = []
        request = cls(
            client_ids=_ids("client_ids", conf.get("client_ids"), problems),
            booking_ids=_ids("booking_ids", conf.get("booking_ids"), problems),
            is_rematch=bool(conf.get("rematch", False)),
            moves_past_events=bool(conf.get("move_past_events", False)),
        )
        if problems:
            msg = 'The run\'s configuration is refused; write ids as in {"client_ids": [12, 34]}:'
            raise ConfigurationError(msg, problems)
        return request

    @property
    def names_somebody(self) -> bool:
        """Tell whether the run is about named clients or bookings, rather than about what changed."""
        return bool(self.client_ids or self.booking_ids or self.is_rematch)

    def to_text(self, *, mapping_version: int) -> str:
        """Return the request as JSON that is equal for equal requests; it holds ids and switches only."""
        return json.dumps(
            {
                "client_ids": self.client_ids,
                "booking_ids": self.booking_ids,
                "rematch": self.is_rematch,
                "move_past_events": self.moves_past_events,
                "mapping_version": mapping_version,
            }
        )


def shown_ids(ids: Sequence[int | str]) -> str:
    """Return ids for a message, the first of them where there are many."""
    listed = ", ".join(str(one) for one in ids[:_SHOWN])
    return listed if len(ids) <= _SHOWN else f"{listed} and {len(ids) - _SHOWN} more"


def _ids(name: str, given: JsonValue, problems: list[str]) -> tuple[int, ...]:
    texts = _texts(given)
    wrong = [text for text in texts if _ID.fullmatch(text) is None]
    if wrong:
        problems.append(f"{name}: {len(wrong)} of {len(texts)} are no ids of Coconut")
    return tuple(sorted({int(text) for text in texts if text not in wrong}))


def _texts(given: JsonValue) -> list[str]:
    if given is None:
        return []
    values: Sequence[object] = [given] if isinstance(given, (str, int, float)) else given
    return [text for value in values for text in _BETWEEN.split(str(value)) if text]
