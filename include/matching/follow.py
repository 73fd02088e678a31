"""Where records went: converted, merged, deleted (rules M6, M7)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd


class Fate(StrEnum):
    """What became of a Salesforce record that something named."""

    LIVE = "live"
    FOLLOWED = "followed"
    DELETED = "deleted"
    NOT_FOUND = "not_found"
    NOT_A_PERSON = "not_a_person"


USABLE: Final = (Fate.LIVE.value, Fate.FOLLOWED.value)

_LONGEST_CHAIN: Final = 64
"""Hops after which a chain is taken for a circle; Salesforce makes neither."""


def follow_records(candidates: pd.DataFrame) -> pd.DataFrame:
    """Return what each candidate has become, indexed by ``record_id``.

    Columns: ``fate``; for live and followed ones the person they are now, ``sobject``, ``target_id`` and ``who_id`` (a
    Contact that belongs to a Person Account is that Account, rule M4), ``created_at`` and ``modified_at`` of the
    candidate at the end of the chain; missing for the others. ``end_id`` is that candidate, of a business Account too.
    A converted Lead leads to its Contact (to its Account where it names no Contact), a merged record to the surviving
    one, over any number of hops. A record that a chain leads to and that is not among the candidates does not exist.
    """
    records = candidates.drop_duplicates("record_id").set_index("record_id")
    ends = records.reindex(pd.Index(_chain_ends(records)))
    is_gone = ends["is_deleted"].isna().to_numpy()
    is_person = ends["sobject"].ne("Account") | ends["is_person_account"].eq(True)
    people = _as_people(ends).set_axis(records.index)
    is_usable = is_person.to_numpy() & ~is_gone
    fate = np.where(ends.index == records.index, Fate.LIVE.value, Fate.FOLLOWED.value)
    fate = np.where(is_gone, Fate.DELETED.value, np.where(is_usable, fate, Fate.NOT_A_PERSON.value))
    end_ids = people["end_id"].mask(is_gone)
    return (
        people[is_usable]
        .reindex(records.index)
        .assign(end_id=end_ids, fate=pd.Series(fate, index=records.index, dtype="str"))
    )


def ids_to_follow(candidates: pd.DataFrame) -> frozenset[str]:
    """Return the Ids that converted and merged candidates lead to and that are not among the candidates."""
    next_ids = _next_ids(candidates).dropna()
    return frozenset(next_ids.tolist()).difference(candidates["record_id"].tolist())


def _next_ids(candidates: pd.DataFrame) -> pd.Series[str]:
    """Return the Id one hop on; missing where a record stays what it is, or is gone.

    The Contact of a Person Account goes with its Account: where it does not name its survivor, the Account does.
    """
    is_person_contact = candidates["sobject"].eq("Contact") & candidates["is_person_account"]
    survivor = candidates["master_record_id"].fillna(candidates["account_id"].where(is_person_contact))
    survivor = survivor.where(candidates["is_deleted"])
    converted = candidates["converted_contact_id"].fillna(candidates["converted_account_id"])
    return survivor.fillna(converted.where(candidates["is_converted"]))


def _chain_ends(records: pd.DataFrame) -> pd.Series[str]:
    """Return the last Id of every record's chain; missing where the chain ends in nothing, or in a circle."""
    next_ids = _next_ids(records.reset_index())
    is_end = (~records["is_deleted"] & ~records["is_converted"]).to_numpy()
    places = pd.Series(np.arange(len(records)), index=records.index)
    nowhere = len(records)
    hop = places.reindex(next_ids).fillna(nowhere).to_numpy(dtype=np.int64)
    hop = np.append(np.where(is_end, np.arange(nowhere), hop), nowhere)
    for _ in range(_LONGEST_CHAIN.bit_length()):
        hop = hop[hop]
    is_final = np.append(is_end, False)[hop[:-1]]
    names = pd.Series(records.index, dtype="str")
    return names.reindex(np.where(is_final, hop[:-1], -1)).reset_index(drop=True)


def _as_people(ends: pd.DataFrame) -> pd.DataFrame:
    """Return the end of each chain as the person it is, a Person Account and its Contact as one."""
    is_account = ends["sobject"].eq("Account")
    is_person_contact = (
        ends["sobject"].eq("Contact") & ends["is_person_account"].eq(True) & ends["account_id"].notna()
    )
    own_ids = pd.Series(ends.index, index=ends.index, dtype="str")
    return pd.DataFrame(
        {
            "sobject": ends["sobject"].mask(is_person_contact, "Account"),
            "target_id": own_ids.mask(is_person_contact, ends["account_id"]),
            "who_id": own_ids.mask(is_account, ends["person_contact_id"]),
            "end_id": own_ids,
            "created_at": ends["created_at"],
            "modified_at": ends["modified_at"],
        }
    )
