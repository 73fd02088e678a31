"""Read the org's Events that are ours, or say so (rule Q7)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from include.mapping.plan import BOOKING_KEY, OWNER, PERSON
from include.reconcile.comparison import ORG_EVENTS
from include.salesforce import soql

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

BOOKING_ID: Final = "Coconut_Booking_Id__c"

_CREATOR: Final = "CreatedById"
_FACTS: Final = ("Id", PERSON, OWNER, _CREATOR)


@dataclass(frozen=True, slots=True)
class OrgEventReader:
    """Reads Events as ``ORG_EVENTS`` with these payload fields, archived ones included and deleted ones left out."""

    salesforce: SalesforceGateway
    fields: Sequence[str]

    def all(self) -> Iterator[pd.DataFrame]:
        """Yield every Event that bears a key of the sync or the number of a booking.

        ``queryAll`` alone returns archived Events ("Archived Activities", Salesforce Help); where there are many, one
        Bulk API 2.0 query reads them all. Invitees' copies of an Event (``IsChild``) carry its custom values and are
        nobody's.
        """
        bears = [soql.is_not_null(BOOKING_KEY)]
        if self._has_number:
            bears.append(soql.is_not_null(BOOKING_ID))
        query = soql.select(self._select, "Event", where=[soql.any_holds(bears), *self._standing])
        for page in self.salesforce.query_frames(query, include_deleted=True):
            yield self._as_events(page)

    def named(self, event_ids: Collection[str]) -> Iterator[pd.DataFrame]:
        """Yield those of these Events that the org has, whatever they bear."""
        pages = self.salesforce.find_records(
            select=self._select,
            sobject="Event",
            values={"Id": frozenset(event_ids)},
            include_deleted=True,
            extra_where=" AND ".join(self._standing),
        )
        for page in pages:
            yield self._as_events(page)

    @property
    def _standing(self) -> tuple[str, ...]:
        return (soql.equals("IsDeleted", value=False), soql.equals("IsChild", value=False))

    @property
    def _has_number(self) -> bool:
        """Tell whether our user may see the field that bears the booking's number; no rule needs it otherwise."""
        return BOOKING_ID in self.salesforce.describe("Event")

    @property
    def _select(self) -> tuple[str, ...]:
        number = (BOOKING_ID,) if self._has_number else ()
        return tuple(dict.fromkeys([*_FACTS, BOOKING_KEY, *number, *self.fields]))

    def _as_events(self, page: pd.DataFrame) -> pd.DataFrame:
        facts = {
            "event_id": page["Id"],
            "booking_key": page[BOOKING_KEY],
            "booking_id": page.get(BOOKING_ID),
            "who_id": page[PERSON],
            "owner_id": page[OWNER],
            "is_ours": page[_CREATOR].eq(self.salesforce.user_id),
        }
        return ORG_EVENTS.conform(page[list(self.fields)].assign(**facts))
