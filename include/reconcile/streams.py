"""The three sides of a comparison, streamed once each and given back a part at a time (rule Q7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import FrameContract
from include.ledger.contracts import EVENT_LINK_ROWS
from include.mapping.event_fields import payload_mappings
from include.reconcile.comparison import ORG_EVENTS, WANTED, booking_numbers
from include.reconcile.org_events import OrgEventReader
from include.reconcile.partitions import Partitions
from include.reconcile.wanted_events import RulesInForce, wanted_events
from include.source.attendance import count_pairs

if TYPE_CHECKING:
    from include.pipeline.context import SyncRun, Wiring

COMPARE: Final = "compare_org"
"""The stage's name, under which everything is staged."""

PAIRS_PER_PART: Final = 25_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some bookings, whole: contracts ``EVENT_LINK_ROWS``, ``WANTED`` and ``ORG_EVENTS``."""

    links: pd.DataFrame
    wanted: pd.DataFrame
    events: pd.DataFrame


def read_parts(
    run: SyncRun, wiring: Wiring, in_force: RulesInForce, *, pairs_per_part: int
) -> Iterator[Part]:
    """Yield all bookings that any of the three sides knows, parted by booking.

    The ledger is read before the org, and looked at again with Coconut after it: what differs between the two looks was
    written meanwhile.
    """
    size = max(wiring.ledger.known_events(), count_pairs(wiring.source.engine))
    count = 1 + size // pairs_per_part
    namespace = in_force.settings.settings.key_namespace

    def parted(name: str, contract: FrameContract) -> Partitions:
        return Partitions(wiring.staging, run.run_id, COMPARE, name, contract, count)

    links, events, wanted = (
        parted("links", EVENT_LINK_ROWS), parted("events", ORG_EVENTS), parted("wanted", WANTED)
    )  # fmt: skip
    for batch in wiring.ledger.event_link_rows(batch_rows=pairs_per_part):
        links.add(batch, batch["appointment_id"])
    fields = [mapping.target for mapping in payload_mappings(in_force.mappings.mappings)]
    reader = OrgEventReader(wiring.salesforce, fields)
    for page in reader.all():
        events.add(page, booking_numbers(page, namespace))
    for chunk in wanted_events(wiring, in_force):
        wanted.add(chunk, chunk["appointment_id"])
    for number in range(count):
        part = Part(links.read(number), wanted.read(number), events.read(number))
        yield _completed(part, wiring, reader)


def _completed(part: Part, wiring: Wiring, reader: OrgEventReader) -> Part:
    """Return a part with the Events of its links, whatever they bear by now, and without those of other bookings."""
    known, found = part.links["event_id"].dropna(), part.events["event_id"]
    elsewhere = wiring.ledger.known_event_ids(set(found) - set(known))
    lost = set(known) - set(found)
    named = list(reader.named(lost)) if lost else []
    events = [part.events[~found.isin(elsewhere)], *named]
    return replace(part, events=ORG_EVENTS.conform(pd.concat(events, ignore_index=True)))
