"""What the ledger has to learn before a repair, so that the ordinary plan mends what was found (rules Q7, S12).

An Event that is gone is forgotten, and so created again; one under our key is taken up; one that drifted is known by
what it holds now, and so the plan sends the very fields that differ.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from include.frames import TEXT
from include.ledger.contracts import EVENT_CORRECTIONS
from include.mapping.plan import format_payloads, hash_payloads, parse_payloads
from include.mapping.refused_fields import format_with_refused, refused_values
from include.reconcile.comparison import Terms, drift, wire_names
from include.reconcile.findings import Finding

_OF_PAIR: Final = ["booking_key", "appointment_id", "client_id", "kind", "known_event_id", "known_version"]


def corrections(found: pd.DataFrame, links: pd.DataFrame, events: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return what the ledger has to learn (``EVENT_CORRECTIONS``).

    Args:
        found: contract ``FOUND``, of ``comparison.compare``.
        links: contract ``EVENT_LINK_ROWS``, as it was compared.
        events: contract ``ORG_EVENTS``, as it was compared.
        terms: what the comparison went by.
    """
    live = events.drop_duplicates("event_id").set_index("event_id")
    known = links.drop_duplicates("booking_key").set_index("booking_key")
    parts = [
        _forgotten(_of(found, Finding.MISSING)),
        _taken_up(_of(found, Finding.UNLINKED, Finding.EXTRA), live),
        _learned(_of(found, Finding.DRIFTED), known, live, terms),
    ]
    both = pd.concat([EVENT_CORRECTIONS.empty(), *parts], ignore_index=True)
    return EVENT_CORRECTIONS.conform(both.assign(payload_hash=hash_payloads(both["payload"].astype(TEXT))))


def _of(found: pd.DataFrame, *kinds: Finding) -> pd.DataFrame:
    return found[found["finding"].isin([kind.value for kind in kinds])].reset_index(drop=True)


def _forgotten(found: pd.DataFrame) -> pd.DataFrame:
    return EVENT_CORRECTIONS.conform(found[_OF_PAIR].reindex(columns=list(EVENT_CORRECTIONS.columns)))


def _taken_up(found: pd.DataFrame, live: pd.DataFrame) -> pd.DataFrame:
    rows = live.loc[found["event_id"]].reset_index(drop=True)
    return EVENT_CORRECTIONS.conform(
        found[[*_OF_PAIR, "event_id"]].assign(
            who_id=rows["who_id"],
            owner_id=rows["owner_id"],
            payload=format_payloads(rows[wire_names(live)]),
            payload_hash=None,
        )
    )


def _learned(found: pd.DataFrame, known: pd.DataFrame, live: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Keep what was written, but in the fields that drifted what stands there now."""
    link = known.loc[found["booking_key"]].reset_index(drop=True)
    rows = live.loc[found["event_id"]].reset_index(drop=True)
    differs = drift(link["payload"], rows, terms)
    names = list(differs.columns)
    held = parse_payloads(link["payload"], names).mask(differs, rows[names])
    payload = format_with_refused(held, refused_values(link["payload"], names))
    return EVENT_CORRECTIONS.conform(
        found[[*_OF_PAIR, "event_id"]].assign(
            who_id=link["who_id"], owner_id=link["owner_id"], payload=payload, payload_hash=None
        )
    )
