"""Client rows that are one person (rule M8)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def client_order(client_ids: pd.Series[str]) -> pd.Series[int]:
    """Return each id's place in numeric order, from 0; equal ids share a place.

    Ids are decimal texts without leading zeros, so the shorter is the smaller; other texts are ordered the same way.
    """
    distinct = client_ids.drop_duplicates()
    ordered = pd.DataFrame({"id": distinct, "length": distinct.str.len()}).sort_values(["length", "id"])["id"]
    places = pd.Series(np.arange(len(ordered)), index=pd.Index(ordered))
    return pd.Series(places.reindex(client_ids).to_numpy(), index=client_ids.index, dtype="int64")


def group_clients(identities: pd.DataFrame) -> pd.DataFrame:
    """Return ``client_id`` and ``person_group`` of every client, in numeric order.

    Clients that share an identity, directly or through others, are one person, named after the smallest client id.

    Args:
        identities: ``client_id`` and ``identity``, any number of rows per client.
    """
    order = client_order(identities["client_id"]).to_numpy(dtype=np.int64)
    names = identities["client_id"].iloc[np.unique(order, return_index=True)[1]].reset_index(drop=True)
    labels = _smallest_connected(order, pd.factorize(identities["identity"])[0], count=len(names))
    return pd.DataFrame({"client_id": names, "person_group": names.take(labels).reset_index(drop=True)})


def _smallest_connected(
    clients: npt.NDArray[np.integer],
    identities: npt.NDArray[np.integer],
    *,
    count: int,
) -> npt.NDArray[np.int64]:
    """Return for each of ``count`` clients the smallest client it is connected to.

    Labels spread over shared identities; lowering the label of a whole tree at its root and cutting every path short
    makes the number of rounds grow with the logarithm of the longest chain.
    """
    labels = np.arange(count)
    while True:
        smallest = np.full(identities.max(initial=-1) + 1, count)
        np.minimum.at(smallest, identities, labels[clients])
        lowered = labels.copy()
        np.minimum.at(lowered, clients, smallest[identities])
        np.minimum.at(lowered, labels[clients], smallest[identities])
        lowered = lowered[lowered]
        if np.array_equal(lowered, labels):
            return labels
        labels = lowered
