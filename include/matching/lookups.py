"""What the org has to be asked before clients can be decided on; the pipeline does the asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from include.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Lookups:
    """Values to find in the org, deleted records included (queryAll).

    ``record_ids`` by sObject (18 characters); ``emails`` among Leads and Contacts; ``phones`` as normalised digits, to be
    found through an index of normalised phones; ``client_keys`` in ``Coconut_Client_Key__c`` of Lead, Contact and Account.
    """

    record_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    client_keys: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether anything is to be found."""
        return any(self.record_ids.values()) or bool(self.emails or self.phones or self.client_keys)

    def __or__(self, other: Lookups) -> Lookups:
        """Return both together."""
        raise NotImplementedError

    def __sub__(self, other: Lookups) -> Lookups:
        """Return what ``other`` does not hold."""
        raise NotImplementedError


def next_lookups(  # noqa: PLR0913 - everything a decision rests on
    clients: pd.DataFrame,
    links: pd.DataFrame,
    *,
    claims: pd.DataFrame,
    candidates: pd.DataFrame,
    settings: Settings,
    done: Lookups,
) -> Lookups:
    """Return what is still to be read before ``decide`` knows enough; false when nothing is.

    Called in turns: ``done`` holds what was asked so far (found or not), ``candidates`` what was found. First come the
    records that links, claims and Coconut name, and those they were converted or merged into; then, only for clients
    whom none of these places, the values that the algorithm compares.
    """
    raise NotImplementedError
