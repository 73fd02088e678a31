"""Asks Salesforce which Events are there, where the ledger cannot know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from include.frames import TEXT
from include.mapping.plan import BOOKING_KEY

if TYPE_CHECKING:
    from include.salesforce.gateway import SalesforceGateway


def events_by_key(salesforce: SalesforceGateway, booking_keys: pd.Index) -> pd.Series[str]:
    """Return the Id of the live Event of each booking key, or nothing where there is none; no keys cost no call."""
    if booking_keys.empty:
        return pd.Series(index=booking_keys, dtype=TEXT)
    events = salesforce.query_in(
        select=("Id", BOOKING_KEY), sobject="Event", field=BOOKING_KEY, values=set(booking_keys)
    )
    return booking_keys.to_series().map(events.set_index(BOOKING_KEY)["Id"]).astype(TEXT)


def is_live(salesforce: SalesforceGateway, event_ids: pd.Series[str]) -> pd.Series[bool]:
    """Tell which of these Events have not been deleted."""
    live = salesforce.query_in(select=("Id",), sobject="Event", field="Id", values=set(event_ids))
    return event_ids.isin(live["Id"])
