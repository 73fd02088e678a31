"""What identifies a pair of booking and attendee, and one version of it (rules S4, S12, Q5)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.frames import ANSWERS, BOOKINGS, TEXT, WHOLE


def booking_keys(bookings: pd.DataFrame, *, namespace: str = "") -> pd.Series[str]:
    """Return ``{namespace}{appointment_id}-{client_id}`` of every pair; without attendee it ends in the hyphen."""
    keys = namespace + bookings["appointment_id"] + "-" + bookings["client_id"].fillna("")
    return keys.astype(TEXT).rename("booking_key")


def source_versions(bookings: pd.DataFrame) -> pd.Series[int]:
    """Return ``changed_at`` as microseconds since the epoch, ``Int64``."""
    changed_at = bookings["changed_at"].astype("datetime64[us, UTC]")
    return changed_at.astype("int64").astype(WHOLE).where(changed_at.notna()).rename("source_version")


def digest_pairs(bookings: pd.DataFrame, answers: pd.DataFrame) -> pd.Series[str]:
    """Return 16 hex digits per pair that change whenever anything of it or of its booking's answers changed.

    ``changed_at`` and ``answered_at`` do not count: the digest tells whether a row read again says anything new. The
    order of the answers does not count either.

    Args:
        bookings: contract ``BOOKINGS``.
        answers: contract ``ANSWERS``; those of other bookings are ignored.
    """
    columns = [name for name in BOOKINGS.columns if name != "changed_at"]
    rows = pd.util.hash_pandas_object(bookings[columns], index=False)
    said = answers[[name for name in ANSWERS.columns if name != "answered_at"]]
    answered = pd.util.hash_pandas_object(said, index=False).groupby(answers["appointment_id"]).sum()
    # Never through a missing value: it would turn the sums into floats, which cannot hold 64 bits.
    of_answers = answered.reindex(bookings["appointment_id"], fill_value=0)
    # An odd multiplier keeps two digests apart that differ by what their answers add.
    spread = rows.to_numpy(dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = spread + of_answers.to_numpy(dtype=np.uint64)
    text = pd.Series(np.char.mod("%016x", mixed), index=bookings.index, dtype=TEXT)
    return text.rename("source_digest")
