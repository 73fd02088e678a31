"""What became of each client that a run was about by itself, booking or not (rules S13, T5, Q3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from include.frames import CLIENTS, TEXT, WHOLE
from include.mapping.verdicts import waits_for_keys
from include.matching.decide import HOLD
from include.reasons import REASONS, Outcome, Reason

if TYPE_CHECKING:
    from include.mapping.owner import OwnerCheck

_COLUMNS: Final = (
    "client_id",
    "source_version",
    "source_digest",
    "outcome",
    "reason",
    "detail",
    "waits_for",
    "waits_for_key",
)


def client_versions(clients: pd.DataFrame) -> pd.Series[int]:
    """Return ``updated_at`` as microseconds since the epoch, ``Int64``; missing where it is."""
    changed_at = clients["updated_at"].astype("datetime64[us, UTC]")
    return changed_at.astype("int64").astype(WHOLE).where(changed_at.notna())


def digest_clients(clients: pd.DataFrame) -> pd.Series[str]:
    """Return 16 hex digits per client (contract ``CLIENTS``) that change whenever anything but ``updated_at`` did."""
    columns = [name for name in CLIENTS.columns if name != "updated_at"]
    rows = pd.util.hash_pandas_object(clients[columns], index=False).to_numpy(dtype=np.uint64)
    return pd.Series(np.char.mod("%016x", rows), index=clients.index, dtype=TEXT)


def client_outcomes(
    clients: pd.DataFrame,
    decisions: pd.DataFrame,
    people: pd.DataFrame,
    refusals: pd.DataFrame,
    *,
    owners: OwnerCheck,
) -> pd.DataFrame:
    """Return one outcome per client, as the ledger keeps it (``ledger.contracts.CLIENT_OUTCOMES``).

    Written is the first client of each person whose record was created or changed; that person's other client rows,
    and everybody whose record needed nothing, are unchanged. Deleted and disabled clients are not touched.

    Args:
        clients: contract ``CLIENTS``: the clients that the run was about, in order of their id.
        decisions: contract ``DECISIONS``, of these clients at least.
        people: contract ``PEOPLE``, as the checks left them.
        refusals: contract ``PERSON_REFUSALS``.
        owners: the checked owners; a client may wait for the User they name.
    """
    decided = decisions.drop_duplicates("client_id").set_index("client_id")
    decided = decided[["person_ref", "action", "reason"]].reindex(clients["client_id"]).reset_index()
    rows = pd.concat([clients.reset_index(drop=True), decided.drop(columns="client_id")], axis="columns")
    kept_back = _kept_back(people, refusals).reindex(pd.Index(rows["person_ref"])).set_axis(rows.index)
    reason = rows["reason"].where(rows["action"].eq(HOLD)).fillna(kept_back["reason"])
    reason = reason.mask(rows["is_deleted"], Reason.CLIENT_DELETED.value)
    reason = reason.mask(rows["sync_disabled"], Reason.CLIENT_DISABLED.value).astype(TEXT)
    is_loaded = rows["person_ref"].isin(people.loc[people["outcome"].isna(), "person_ref"]) & reason.isna()
    is_written = is_loaded & ~rows["person_ref"].where(is_loaded).duplicated()
    outcomes = {str(one): str(text.outcome) for one, text in REASONS.items()}
    settled = pd.Series(Outcome.UNCHANGED.value, index=rows.index, dtype=TEXT).mask(
        is_written, Outcome.WRITTEN.value
    )
    waits_for = reason.map({str(one): str(text.waits_for) for one, text in REASONS.items()}).astype(TEXT)
    keys = waits_for_keys(
        pd.DataFrame({"reason": reason, "waits_for": waits_for}, index=rows.index),
        rows["client_id"],
        scope_settings=pd.Series(index=rows.index, dtype=TEXT),
        owners=owners,
    )
    return rows.assign(
        source_version=client_versions(rows),
        source_digest=digest_clients(rows),
        outcome=reason.map(outcomes).fillna(settled),
        reason=reason,
        detail=kept_back["detail"].where(reason.eq(kept_back["reason"])),
        waits_for=waits_for,
        waits_for_key=keys,
    )[list(_COLUMNS)]


def _kept_back(people: pd.DataFrame, refusals: pd.DataFrame) -> pd.DataFrame:
    """Return ``reason`` and ``detail`` of the people who were not written, indexed by ``person_ref``."""
    columns = ["person_ref", "reason", "detail"]
    unfit = people.loc[people["outcome"].notna(), columns]
    both = pd.concat([refusals[columns], unfit], ignore_index=True)
    return both.drop_duplicates("person_ref").set_index("person_ref")
