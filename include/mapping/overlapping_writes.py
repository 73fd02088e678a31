"""What another run wrote to an Event after this run planned its own write (design §2, rules S12, Q4).

An update carries what changed since our last write, as the ledger stood when it was planned. A run that overlaps may
have written an older version since: the fields in which that one differs have to travel too. Once this run has claimed
its version, nobody older can write any more without the pair being marked dirty, so that this is the instant to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.mapping.plan import OWNER, PERSON, parse_payloads, with_clears

if TYPE_CHECKING:
    import pandas as pd


def with_missed_fields(rows: pd.DataFrame, links: pd.DataFrame, *, names: Sequence[str]) -> pd.DataFrame:
    """Return the wire fields of ``rows``, with those besides in which another run has written something else.

    Args:
        rows: contract ``EVENTS`` with its wire fields; pairs that are to be created or updated.
        links: contract ``EVENT_LINKS`` as it stands now, same index.
        names: the fields of the payloads.
    """
    desired = parse_payloads(rows["payload"], names).set_axis(rows.index)
    current = parse_payloads(links["payload"], names).set_axis(rows.index)
    is_known = links["payload"].notna() & rows["payload"].notna()
    differs = (desired != current) & (desired.notna() | current.notna())
    is_missed = rows[list(names)].isna() & differs.mul(is_known, axis="index")
    wire = rows[list(names)].mask(is_missed, with_clears(desired))
    return wire.assign(
        **{
            PERSON: rows[PERSON].fillna(
                rows["desired_who_id"].where(_is_another(links["who_id"], rows["desired_who_id"]))
            ),
            OWNER: rows[OWNER].fillna(
                rows["desired_owner_id"].where(_is_another(links["owner_id"], rows["desired_owner_id"]))
            ),
        }
    )


def is_no_longer_so(rows: pd.DataFrame, links: pd.DataFrame, *, names: Sequence[str]) -> pd.Series[bool]:
    """Tell which pairs that were to stay as last written are not so any more.

    Args:
        rows: contract ``EVENTS`` with its wire fields; pairs that need nothing, and so send nothing.
        links: contract ``EVENT_LINKS`` as it stands now, same index.
        names: the fields of the payloads.
    """
    missed = with_missed_fields(rows, links, names=names)
    return missed.notna().any(axis="columns") & links["event_id"].notna()


def _is_another(known: pd.Series[str], desired: pd.Series[str]) -> pd.Series[bool]:
    return known.notna() & desired.notna() & (known != desired)
