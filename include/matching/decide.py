"""Which Salesforce record each client is: evidence, algorithm, entity type, one group one person (rules M1-M9)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from include.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided about a frame of clients.

    ``decisions`` follows ``frames.DECISIONS``, one row per client; its action is link, create, hold, or none (a deleted
    or disabled client without a link). ``forwards`` has ``old_id`` and ``new_id``: ids of records that were converted
    or merged, and of the records they became (rule M7). ``retired_claims`` are claim keys that a deleted or converted
    record holds for ever, so that no new record can take them (rule M8).
    """

    decisions: pd.DataFrame
    forwards: pd.DataFrame
    retired_claims: tuple[str, ...]


def decide(  # noqa: PLR0913 - everything a decision rests on
    clients: pd.DataFrame,
    links: pd.DataFrame,
    *,
    claims: pd.DataFrame,
    candidates: pd.DataFrame,
    settings: Settings,
    settings_version: int,
) -> Decisions:
    """Return the decision about every client, and what follows from it.

    Args:
        clients: ``frames.CLIENTS``, one row per client.
        links: ``frames.PERSON_LINKS`` of these clients.
        claims: ``frames.PERSON_CLAIMS`` of ``identities(clients)``.
        candidates: ``frames.CANDIDATES``: all that ``next_lookups`` asked for and the org had. A record that is not
            among them does not exist.
        settings: the settings in force.
        settings_version: their version, kept in every explanation.
    """
    raise NotImplementedError
