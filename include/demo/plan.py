"""How much demo data there is and when it happens; everything else follows from it and the seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

Row = dict[str, Any]
"""One row of a table of the booking database, or one record of a Salesforce object, by column or field name."""

FIRST_BOOKING: Final = 100_001
FIRST_CLIENT: Final = 20_001
FIRST_STAFF: Final = 501
FIRST_LOCATION: Final = 11
FIRST_SERVICE: Final = 31
FIRST_QUESTION: Final = 71
"""The ranges do not overlap: a booking's number used where a client's belongs finds nothing instead of somebody."""

DAYS_BEFORE: Final = 75
DAYS_AFTER: Final = 45

_BOOKINGS_PER_CLIENT: Final = 2.4
_BOOKINGS_PER_STAFF: Final = 250


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What to generate.

    Attributes:
        bookings: number of bookings, the hand-made ones included.
        seed: the same seed and instant give the same data.
        now: the instant around which the bookings lie (aware); nothing was created or changed after it.
    """

    bookings: int
    seed: int
    now: datetime

    @property
    def clients(self) -> int:
        """Number of drawn clients; the hand-made ones come on top."""
        return max(40, round(self.bookings / _BOOKINGS_PER_CLIENT))

    @property
    def staff(self) -> int:
        """Number of staff members."""
        return min(400, max(24, self.bookings // _BOOKINGS_PER_STAFF))

    @property
    def first_day(self) -> datetime:
        """Midnight UTC of the first drawn day."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=DAYS_BEFORE)
