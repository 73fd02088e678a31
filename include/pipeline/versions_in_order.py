"""Versions that only go forward, whatever the clocks of the booking system do (rule Q5).

A version is the time of a booking's newest change. Where a clock stepped back, or a change bears an earlier time than
the one before, a booking would come with an older version than was settled, and be taken for overtaken (design §2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from include.frames import BOOKINGS, CLIENTS, INSTANT
from include.ledger.contracts import SETTLED
from include.mapping.client_outcomes import client_versions, digest_clients
from include.mapping.pairs import booking_keys, digest_pairs, source_versions
from include.source.pairs import SourceChunk

if TYPE_CHECKING:
    from collections.abc import Callable


def known_of(chunk: SourceChunk, settled: pd.DataFrame, *, namespace: str) -> pd.DataFrame:
    """Return what the ledger knows of every pair of a chunk, aligned with its bookings, and ``is_same``.

    Args:
        chunk: bookings, and their answers.
        settled: contract ``ledger.contracts.SETTLED`` of these bookings.
        namespace: the setting ``key_namespace``.

    Returns:
        ``known_version``, and whether the pair has a recorded outcome with this very content (``is_same``).
    """
    bookings = chunk.bookings
    known = (
        SETTLED.conform(settled).set_index("booking_key").reindex(booking_keys(bookings, namespace=namespace))
    )
    known = known.set_axis(bookings.index)
    is_newest = (known["settled_version"] == known["known_version"]).fillna(False).astype(bool)
    is_same = is_newest & (known["settled_digest"] == digest_pairs(bookings, chunk.answers))
    return known[["known_version"]].assign(is_same=is_same)


def in_order(
    chunk: SourceChunk,
    settled: pd.DataFrame,
    *,
    namespace: str,
    read_again: Callable[[set[int]], SourceChunk],
) -> SourceChunk:
    """Return a chunk whose bookings are not older than what the ledger knows of them.

    A booking that seems older may have been overtaken: another run read, wrote and settled a newer version since this
    one read it. So it is read again, after the ledger was asked. What is older even then is newer in truth: it takes
    the version that is known, or the next one if its content differs.

    Args:
        chunk: bookings, whole, with their clients and answers.
        settled: contract ``ledger.contracts.SETTLED`` of these bookings, asked for after they were read.
        namespace: the setting ``key_namespace``.
        read_again: reads bookings as they are now; one that is gone may be missing.
    """
    behind = _behind(chunk.bookings, _newest_known(chunk, settled, namespace=namespace))
    if not behind.any():
        return chunk
    late = read_again({int(one) for one in chunk.bookings.loc[behind, "appointment_id"].unique()})
    joined = _joined(chunk.where(~behind), late)
    newest = _newest_known(joined, settled, namespace=namespace)
    behind = _behind(joined.bookings, newest)
    known = known_of(joined, settled, namespace=namespace)
    is_same = known["is_same"].groupby(joined.bookings["appointment_id"]).transform("all")
    lifted = _instants(newest + (~is_same).astype("int64"))
    changed_at = joined.bookings["changed_at"].mask(behind, lifted)
    return SourceChunk(joined.bookings.assign(changed_at=changed_at), joined.clients, joined.answers)


def clients_in_order(
    clients: pd.DataFrame, settled: pd.DataFrame, *, read_again: Callable[[set[int]], pd.DataFrame]
) -> pd.DataFrame:
    """Return clients (contract ``CLIENTS``) that are not older than what settled of them by themselves (rule S13).

    Args:
        clients: in order of their id.
        settled: ``client_id``, ``settled_version`` and ``settled_digest``, asked for after the clients were read.
        read_again: reads clients as they are now; one that is gone may be missing.
    """
    behind = _is_ahead(settled, clients)
    if not behind.any():
        return clients
    late = read_again({int(one) for one in clients.loc[behind, "client_id"]})
    joined = CLIENTS.conform(pd.concat([clients[~behind], late], ignore_index=True))
    joined = joined.iloc[joined["client_id"].astype("int64").argsort(kind="stable")].reset_index(drop=True)
    known = _aligned(settled, joined)
    is_another = known["settled_digest"] != digest_clients(joined)
    lifted = _instants(known["settled_version"] + is_another.astype("int64"))
    return joined.assign(updated_at=joined["updated_at"].mask(_is_ahead(settled, joined), lifted))


def _is_ahead(settled: pd.DataFrame, clients: pd.DataFrame) -> pd.Series[bool]:
    is_ahead = _aligned(settled, clients)["settled_version"] > client_versions(clients)
    return is_ahead.fillna(False).astype(bool)


def _aligned(settled: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    return settled.set_index("client_id").reindex(clients["client_id"]).set_axis(clients.index)


def _instants(versions: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(versions, unit="us", utc=True).astype(INSTANT)


def _newest_known(chunk: SourceChunk, settled: pd.DataFrame, *, namespace: str) -> pd.Series[Any]:
    """Return the newest version known of any pair of the booking, aligned with the bookings."""
    known = known_of(chunk, settled, namespace=namespace)["known_version"]
    return known.groupby(chunk.bookings["appointment_id"]).transform("max")


def _behind(bookings: pd.DataFrame, newest: pd.Series[Any]) -> pd.Series[bool]:
    return (source_versions(bookings) < newest).fillna(False).astype(bool)


def _joined(rest: SourceChunk, late: SourceChunk) -> SourceChunk:
    bookings = pd.concat([rest.bookings, late.bookings], ignore_index=True)
    number = bookings["appointment_id"].astype("int64")
    clients = pd.concat([late.clients, rest.clients], ignore_index=True).drop_duplicates("client_id")
    return SourceChunk(
        bookings=BOOKINGS.conform(bookings.iloc[number.argsort(kind="stable")]),
        clients=CLIENTS.conform(clients),
        answers=pd.concat([rest.answers, late.answers], ignore_index=True),
    )
