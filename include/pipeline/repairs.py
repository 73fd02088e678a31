"""What a reconciliation hands to the repair that follows it in the same run (rule Q7).

A repair is an ordinary run over the bookings that something was found about. What the ledger believes wrongly is put
right in two places that say the same: the plan is made as if it were right already, and the ledger learns it before the
first write. So a dry run plans exactly what the real one does, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.frames import EVENT_LINKS, INSTANT, TEXT, WHOLE, FrameContract
from include.ledger.contracts import EVENT_CORRECTIONS
from include.pipeline.context import Selection

if TYPE_CHECKING:
    import pandas as pd

    from include.pipeline.context import SyncRun, Wiring

REPAIR: Final = "repair"

_ORDER: Final = "order"
_CORRECTIONS: Final = "corrections"
_GONE_PAIRS: Final = "gone_pairs"
_BELIEVED: Final = ("event_id", "who_id", "owner_id", "payload")

GONE_PAIRS = FrameContract(
    "gone_pairs",
    {
        # pairs whose Event is to go, and that Coconut does not have any more
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "kind": TEXT,
        "status": TEXT,
        "starts_at": INSTANT,
        "ends_at": INSTANT,
        "version": WHOLE,  # the newest that the ledger knows, in microseconds since the epoch
    },
)


@dataclass(frozen=True, slots=True)
class RepairOrder:
    """What is to be mended.

    Attributes:
        appointment_ids: bookings to read again, whether anything changed or not.
        client_ids: clients to match again, with all their bookings.
        copies: Ids of Events to delete that belong to no pair.
        corrections: what the ledger has to learn (``contracts.EVENT_CORRECTIONS``).
        gone_pairs: contract ``GONE_PAIRS``.
    """

    appointment_ids: tuple[int, ...]
    client_ids: tuple[int, ...]
    copies: tuple[str, ...]
    corrections: pd.DataFrame
    gone_pairs: pd.DataFrame

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to mend."""
        return not (self.appointment_ids or self.client_ids or self.copies or len(self.gone_pairs))

    def write(self, run: SyncRun, wiring: Wiring) -> None:
        """Stage the order."""
        ids = {"appointments": self.appointment_ids, "clients": self.client_ids, "copies": self.copies}
        wiring.staging.write_json(run.run_id, REPAIR, _ORDER, ids)
        wiring.staging.write_frame(run.run_id, REPAIR, _CORRECTIONS, self.corrections)
        wiring.staging.write_frame(run.run_id, REPAIR, _GONE_PAIRS, self.gone_pairs)

    @classmethod
    def read_from(cls, run: SyncRun, wiring: Wiring) -> RepairOrder:
        """Return the order that the run's reconciliation staged."""
        ids = wiring.staging.read_json(run.run_id, REPAIR, _ORDER)
        return cls(
            appointment_ids=tuple(ids["appointments"]),
            client_ids=tuple(ids["clients"]),
            copies=tuple(ids["copies"]),
            corrections=read_corrections(run, wiring),
            gone_pairs=wiring.staging.read_frame(run.run_id, REPAIR, _GONE_PAIRS, GONE_PAIRS),
        )


def read_corrections(run: SyncRun, wiring: Wiring) -> pd.DataFrame:
    """Return what the ledger has to learn (``contracts.EVENT_CORRECTIONS``)."""
    return wiring.staging.read_frame(run.run_id, REPAIR, _CORRECTIONS, EVENT_CORRECTIONS)


def corrected(links: pd.DataFrame, corrections: pd.DataFrame) -> pd.DataFrame:
    """Return links as they will stand once the ledger has learnt.

    Args:
        links: contract ``EVENT_LINKS`` of some bookings.
        corrections: contract ``EVENT_CORRECTIONS``; those of other bookings are passed over.
    """
    import pandas as pd

    right = corrections.drop_duplicates("booking_key").set_index("booking_key")
    is_known = links["booking_key"].isin(right.index)
    known = right.reindex(links["booking_key"]).set_axis(links.index)
    learnt = links.assign(**{name: links[name].mask(is_known, known[name]) for name in _BELIEVED})
    new = corrections[~corrections["booking_key"].isin(links["booking_key"])]
    new = new.assign(is_backfilled=False, is_adopted=False)
    return EVENT_LINKS.conform(
        pd.concat([learnt, new.reindex(columns=list(EVENT_LINKS.columns))], ignore_index=True)
    )


def event_links_of(run: SyncRun, wiring: Wiring, appointment_ids: pd.Series[str]) -> pd.DataFrame:
    """Return every link of these bookings (``EVENT_LINKS``), in a repair as the ledger is about to learn them."""
    asked = appointment_ids.unique()
    links = wiring.ledger.event_links(asked)
    if run.selection is not Selection.REPAIR:
        return links
    corrections = read_corrections(run, wiring)
    return corrected(links, corrections[corrections["appointment_id"].isin(asked)])


def correct_ledger(run: SyncRun, wiring: Wiring) -> None:
    """Have the ledger learn what the org really holds; nothing to do but in a repair. Doing it again does no harm."""
    if run.selection is Selection.REPAIR:
        wiring.ledger.correct_events(read_corrections(run, wiring), now=run.now)
