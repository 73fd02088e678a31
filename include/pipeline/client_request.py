"""What a person asks ``sync_clients`` for, read once from the run's configuration and validated whole (rule T3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.pipeline.request_values import RequestValues

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue


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
        values = RequestValues(conf)
        request = cls(
            client_ids=values.ids("client_ids"),
            booking_ids=values.ids("booking_ids"),
            is_rematch=values.is_on("rematch"),
            moves_past_events=values.is_on("move_past_events"),
        )
        if values.problems:
            msg = 'The run\'s configuration is refused; write ids as in {"client_ids": [12, 34]}:'
            raise ConfigurationError(msg, values.problems)
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
