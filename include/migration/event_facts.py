"""What the org holds of legacy Events, read by their Ids (rules G5, G9)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from include.frames import CLAIM, TEXT, FrameContract
from include.mapping.fields import default_mappings
from include.mapping.plan import BOOKING_KEY, OWNER, PERSON
from include.settings.field_mapping import FieldMapping, Sobject, of_sobject

if TYPE_CHECKING:
    import pandas as pd

    from include.salesforce.gateway import SalesforceGateway

EVENT_FACTS: Final = FrameContract(
    "legacy_event_facts",
    {
        # one row per Event that the org knows, one in the recycle bin too
        "event_id": TEXT,
        "is_deleted": CLAIM,
        "who_id": TEXT,
        "owner_id": TEXT,
        "held_key": TEXT,  # our key on the Event, if it bears one
    },
)

_STANDARD: Final = ("Id", "IsDeleted", PERSON, OWNER)


def imaged_fields(
    salesforce: SalesforceGateway, mappings: Sequence[FieldMapping], legacy_targets: Collection[str] = ()
) -> list[str]:
    """Return the fields of Event that a before-image holds: all that the sync may ever write and the org has.

    Person and owner are kept beside the image.

    Args:
        salesforce: the org.
        mappings: the mappings in force.
        legacy_targets: fields of Event that the legacy integration's mappings name.
    """
    of_event = (*default_mappings(Sobject.EVENT), *of_sobject(mappings, Sobject.EVENT))
    described = salesforce.describe(Sobject.EVENT)
    spelled = {name.lower(): name for name in described}
    wanted = [mapping.target for mapping in of_event] + sorted(legacy_targets)
    known = (spelled[name.lower()] for name in wanted if name.lower() in spelled)
    return [name for name in dict.fromkeys(known) if name not in {*_STANDARD}]


def read_events(
    salesforce: SalesforceGateway, event_ids: Collection[str], fields: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield the records of these Events, deleted and archived ones too, as text columns under their API names.

    Only ``queryAll`` returns archived Events ("Archived Activities", Salesforce Help). By whichever API takes fewer
    calls: ``IN`` lists, or one Bulk query over all Events.

    Args:
        salesforce: the org.
        event_ids: Ids of 18 characters.
        fields: further fields, which the org has.
    """
    if not event_ids:
        return
    key = (BOOKING_KEY,) if BOOKING_KEY in salesforce.describe(Sobject.EVENT) else ()
    yield from salesforce.find_records(
        select=tuple(dict.fromkeys([*_STANDARD, *key, *fields])),
        sobject=Sobject.EVENT,
        values={"Id": frozenset(event_ids)},
        include_deleted=True,
    )


def facts_of(records: pd.DataFrame) -> pd.DataFrame:
    """Return ``EVENT_FACTS`` of records that ``read_events`` yielded."""
    import pandas as pd

    keys = records[BOOKING_KEY] if BOOKING_KEY in records else pd.Series(index=records.index, dtype=TEXT)
    facts = {
        "event_id": records["Id"],
        "is_deleted": records["IsDeleted"].eq("true"),
        "who_id": records[PERSON],
        "owner_id": records[OWNER],
        "held_key": keys,
    }
    return EVENT_FACTS.conform(pd.DataFrame(facts))


def read_event_facts(salesforce: SalesforceGateway, event_ids: Collection[str]) -> pd.DataFrame:
    """Return ``EVENT_FACTS`` of these Events (Ids of 18 characters)."""
    import pandas as pd

    found = [facts_of(page) for page in read_events(salesforce, event_ids)]
    return EVENT_FACTS.conform(pd.concat([EVENT_FACTS.empty(), *found], ignore_index=True))
