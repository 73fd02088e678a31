"""Whom a run creates, and whose records it may overwrite (rules M4, M5, M8, T4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.matching.decide import CREATE, LINK, NEW_PERSON
from include.matching.group import client_order
from include.settings.model import Settings, Switch

if TYPE_CHECKING:
    import pandas as pd

_LEAD: Final = "Lead"
_LEAD_PREFIX: Final = "00Q"


def people_to_create(decisions: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Return the people who are to be created, each once, in the order of their clients' ids.

    The client's columns are those of the client whom the reference names: the group's smallest id that is neither
    deleted nor disabled.

    Args:
        decisions: ``frames.DECISIONS``.
        clients: ``frames.CLIENTS``.

    Returns:
        ``person_ref``, ``identity``, ``sobject`` and the columns of ``clients``.
    """
    created = decisions.loc[decisions["action"].eq(CREATE), ["person_ref", "identity", "sobject"]]
    created = created.drop_duplicates("person_ref")
    created = created.assign(client_id=created["person_ref"].str.removeprefix(NEW_PERSON))
    return _in_order(created.merge(clients, on="client_id"))


def people_to_update(decisions: pd.DataFrame, clients: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the people who were found and may be overwritten; nobody while ``overwrite_existing`` is off.

    Of several client rows that are one record the smallest id speaks. Deleted and disabled clients change nothing
    (rules S9, T4), and neither does anybody who was reached through a Lead that is converted.

    Args:
        decisions: ``frames.DECISIONS``.
        clients: ``frames.CLIENTS``.
        settings: the settings in force.

    Returns:
        ``person_ref``, ``record_id``, ``who_id``, ``sobject`` and the columns of ``clients``, one row per record.
    """
    is_wanted = decisions["action"].eq(LINK) & (settings.overwrite_existing is Switch.ON)
    is_converted = decisions["followed_from"].str.startswith(_LEAD_PREFIX).eq(True)
    is_wanted &= ~(is_converted & decisions["sobject"].ne(_LEAD))
    found = decisions.loc[is_wanted, ["client_id", "person_ref", "record_id", "who_id", "sobject"]]
    active = clients[~(clients["is_deleted"] | clients["sync_disabled"])]
    return _in_order(found.merge(active, on="client_id")).drop_duplicates("record_id", ignore_index=True)


def _in_order(people: pd.DataFrame) -> pd.DataFrame:
    order = client_order(people["client_id"])
    return people.loc[order.sort_values(kind="stable").index].reset_index(drop=True)
