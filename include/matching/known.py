"""The records that clients are already known to be: choice, source Id, kept link, claim (rule M1, evidence 1 to 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from include.matching.evidence import CLIENT_ITSELF, Evidence
from include.matching.follow import USABLE, Fate
from include.matching.group import client_order, group_clients
from include.matching.normalise import salesforce_id_18, sobject_of

OPEN_CLAIM: Final = "open"
"""Fate of a claim whose record was not created yet, as far as ledger and org know."""

_HEARD: Final = (Evidence.ADMIN_CHOICE.value, Evidence.SOURCE_ID.value, Evidence.KEPT_LINK.value)


@dataclass(frozen=True, slots=True)
class KnownRecords:
    """What is known of the clients before the algorithm is asked.

    ``clients`` has one row per client: ``client_id``, ``person_group``, ``is_deleted``, ``is_active`` (neither deleted
    nor disabled);
    ``source_id``, ``source_fate``, ``link_id``, ``link_fate``, ``is_chosen`` (an administrator made the link),
    ``claim_key``, ``claim_id``, ``claim_fate`` (of its group); and the verdict: ``evidence``, ``asked_id`` (the record
    that the evidence names, before it is followed) and ``via`` (the other client of the group whose record it is), all
    missing where nothing is known. ``retired_claims`` are claim keys that no new record can take.
    """

    clients: pd.DataFrame
    retired_claims: tuple[str, ...]


def known_records(
    clients: pd.DataFrame,
    links: pd.DataFrame,
    *,
    claims: pd.DataFrame,
    candidates: pd.DataFrame,
    records: pd.DataFrame,
    identities: pd.DataFrame,
) -> KnownRecords:
    """Return what links, Coconut and claims say of each client.

    Args:
        clients: ``frames.CLIENTS``.
        links: ``frames.PERSON_LINKS``.
        claims: ``frames.PERSON_CLAIMS``.
        candidates: ``frames.CANDIDATES``.
        records: ``follow_records(candidates)``.
        identities: ``identities(clients)``.
    """
    rows = _named_records(clients, links, records)
    rows = rows.merge(group_clients(identities), how="left", on="client_id").astype({"person_group": "str"})
    claimed = _claimed_records(claims, candidates, records)
    is_dead = claimed["claim_fate"].ne(OPEN_CLAIM) & ~claimed["claim_fate"].isin(USABLE)
    retired = tuple(sorted(set(claimed.loc[is_dead, "claim_key"].tolist())))
    of_groups = _claims_of_groups(claimed, claims, identities, rows)
    rows = rows.merge(of_groups, how="left", on="person_group")
    return KnownRecords(_with_verdict(rows, _joined_by(identities)), retired)


def _named_records(clients: pd.DataFrame, links: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Return one row per client with the records that Coconut and the ledger name for it, and their fates."""
    rows = pd.DataFrame({"client_id": clients["client_id"]})
    rows["is_deleted"] = clients["is_deleted"]
    rows["is_active"] = ~(clients["is_deleted"] | clients["sync_disabled"])
    given = clients["salesforce_id"]
    source_id = salesforce_id_18(given).where(rows["is_active"])
    rows["source_id"] = source_id
    is_given = given.notna() & given.str.strip().ne("") & rows["is_active"]
    source_fate = _fates(source_id, records).mask(sobject_of(source_id).isna(), Fate.NOT_A_PERSON.value)
    rows["source_fate"] = source_fate.where(is_given)
    kept = links[["client_id", "record_id", "evidence"]].drop_duplicates("client_id")
    kept = kept.rename(columns={"record_id": "link_id", "evidence": "link_evidence"})
    rows = rows.merge(kept, how="left", on="client_id")
    rows["link_fate"] = _fates(rows["link_id"], records).where(rows["link_id"].notna())
    rows["is_chosen"] = rows.pop("link_evidence").eq(Evidence.ADMIN_CHOICE.value)
    return rows


def _fates(record_ids: pd.Series[str], records: pd.DataFrame) -> pd.Series[str]:
    fates = records["fate"].reindex(pd.Index(record_ids)).set_axis(record_ids.index)
    return fates.fillna(Fate.NOT_FOUND.value)


def _claimed_records(claims: pd.DataFrame, candidates: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """Return ``claim_key``, ``claim_id`` and ``claim_fate`` of every unretired claim: the best record that has its key.

    The ledger's record counts, if it can be used; else one that has the key on it, as in an org whose records were
    brought over from another. Lead conversion can copy the key to the Contact: a live record is then preferred to one
    that has to be followed.
    """
    unretired = claims[~claims["is_retired"]]
    keys = unretired[["claim_key"]].drop_duplicates()
    holders = candidates[["client_key", "record_id"]].rename(columns={"client_key": "claim_key"}).dropna()
    holders = holders.merge(keys, on="claim_key")
    settled = unretired[["claim_key", "record_id"]].dropna()
    found = pd.concat([settled.assign(by_key=0), holders.assign(by_key=1)], ignore_index=True)
    found["claim_fate"] = _fates(found["record_id"], records)
    fate = found["claim_fate"].map({Fate.LIVE.value: 0, Fate.FOLLOWED.value: 1}).astype("float64")
    preference = (fate + len(USABLE) * found.pop("by_key")).fillna(2 * len(USABLE))
    best = found.assign(preference=preference).sort_values(["claim_key", "preference", "record_id"])
    best = (
        best.drop_duplicates("claim_key").drop(columns="preference").rename(columns={"record_id": "claim_id"})
    )
    return keys.merge(best, how="left", on="claim_key").fillna({"claim_fate": OPEN_CLAIM})


def _claims_of_groups(
    claimed: pd.DataFrame, claims: pd.DataFrame, identities: pd.DataFrame, rows: pd.DataFrame
) -> pd.DataFrame:
    """Return the claim of each ``person_group``: the smallest key with a usable record, else the smallest open one.

    Where there is neither, it is one that no new record can take, so that it can be explained.
    """
    groups = identities[["client_id", "identity"]].merge(rows[["client_id", "person_group"]], on="client_id")
    keys = claims.loc[~claims["is_retired"], ["identity", "claim_key"]]
    reached = groups[["person_group", "identity"]].drop_duplicates().merge(keys, on="identity")
    reached = reached.merge(claimed, on="claim_key").drop(columns="identity")
    preference = np.select(
        [reached["claim_fate"].isin(USABLE), reached["claim_fate"].eq(OPEN_CLAIM)], [0, 1], 2
    )
    best = reached.assign(preference=preference).sort_values(["person_group", "preference", "claim_key"])
    best = best.drop_duplicates("person_group").drop(columns="preference")
    return best.astype({"person_group": "str", "claim_key": "str", "claim_id": "str", "claim_fate": "str"})


def _joined_by(identities: pd.DataFrame) -> pd.DataFrame:
    """Return ``client_id`` and ``joined_by``: the first step whose evidence a client shares with another client."""
    evidence = identities[identities["step"].ne(CLIENT_ITSELF)]
    number = evidence.groupby("identity")["client_id"].transform("size")
    shared = evidence[number > 1].drop_duplicates("client_id")
    return shared[["client_id", "step"]].rename(columns={"step": "joined_by"})


def _with_verdict(rows: pd.DataFrame, joined_by: pd.DataFrame) -> pd.DataFrame:
    """Add ``evidence``, ``asked_id`` and ``via``, by the order of rule M1.

    A client's own evidence comes first; whoever has none is the person that the group's best evidence names, or that
    the group's claim created. Deleted and disabled clients keep the link they have, and get no other.
    """
    has_link = rows["link_fate"].isin(USABLE)
    is_named = [has_link & rows["is_chosen"], rows["source_fate"].isin(USABLE), has_link]
    own = pd.DataFrame({"client_id": rows["client_id"], "person_group": rows["person_group"]})
    own["rank"] = np.select(is_named, [0, 1, 2], len(_HEARD))
    own["asked_id"] = (
        rows["link_id"].mask(own["rank"].eq(1), rows["source_id"]).where(own["rank"] < len(_HEARD))
    )
    own["evidence"] = (
        pd.Series([*_HEARD, None], dtype="str").take(own["rank"].to_numpy()).set_axis(rows.index)
    )
    heads = own[own["asked_id"].notna()].assign(order=client_order(own["client_id"]))
    heads = heads.sort_values(["rank", "order"]).drop_duplicates("person_group")
    heads = heads.rename(columns={"client_id": "via", "asked_id": "group_id"})[
        ["person_group", "via", "group_id"]
    ]
    rows = rows.merge(heads, how="left", on="person_group").merge(joined_by, how="left", on="client_id")
    is_free = rows["is_active"] & own["asked_id"].isna()
    is_joined = is_free & rows["group_id"].notna()
    is_claimed = is_free & ~is_joined & rows["claim_fate"].isin(USABLE)
    rows["evidence"] = (
        own["evidence"]
        .mask(is_joined, rows["joined_by"])
        .mask(is_claimed, Evidence.CLAIM_KEY.value)
        .astype("str")
    )
    rows["asked_id"] = own["asked_id"].mask(is_joined, rows["group_id"]).mask(is_claimed, rows["claim_id"])
    rows["via"] = rows["via"].where(is_joined)
    return rows.drop(columns=["group_id", "joined_by"])
