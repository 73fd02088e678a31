"""Whom ``erase_client`` is asked to erase, validated whole (rule Q11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.errors import ConfigurationError
from include.pipeline.request_values import RequestValues, shown_ids

if TYPE_CHECKING:
    from include.pipeline.context import JsonValue


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """The clients to erase, ascending."""

    client_ids: tuple[int, ...]

    @classmethod
    def from_conf(cls, conf: Mapping[str, JsonValue]) -> ErasureRequest:
        """Read ``client_ids``: a list, or text with commas, semicolons or white space between them.

        Raises:
            ConfigurationError: something given as an id is none, or nobody is named.
        """
        values = RequestValues(conf)
        request = cls(values.ids("client_ids"))
        if not (values.problems or request.client_ids):
            values.problems.append("client_ids: name at least one client")
        if values.problems:
            msg = 'The erasure is refused; write ids as in {"client_ids": [12, 34]}:'
            raise ConfigurationError(msg, values.problems)
        return request

    @property
    def names(self) -> list[str]:
        """Return the ids as the ledger writes them."""
        return [str(one) for one in self.client_ids]


def refuse_unknown(unknown: Collection[int]) -> None:
    """Stop before anything is removed if somebody is named whom neither Coconut nor the ledger knows.

    Raises:
        ConfigurationError: there are such ids; all of them are named.
    """
    if unknown:
        msg = "Neither Coconut nor the ledger knows some of the clients to erase; correct the run's configuration:"
        raise ConfigurationError(msg, [f"{len(unknown)} clients ({shown_ids(sorted(unknown))})"])
