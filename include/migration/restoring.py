"""Give adopted Events their before-images back, part by part (rule G9)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.mapping.event_fields import payload_mappings
from include.mapping.plan import OWNER, PERSON
from include.matching.follow import Fate, follow_records
from include.migration.before_images import EXCEPTIONS, IMAGED_EVENTS, Restoring, refused, restore
from include.migration.carried_people import read_standing
from include.migration.event_facts import imaged_fields, read_events
from include.pipeline.check_org import describe_fields
from include.pipeline.leftovers import MIGRATION_STEP
from include.pipeline.loading import Load, Loader
from include.pipeline.sync_staff import read_active_users
from include.settings.field_mapping import Sobject
from include.settings.model import LoadApi

if TYPE_CHECKING:
    from include.ledger.legacy_migrations import LegacyMigration
    from include.pipeline.context import SyncRun, Wiring

ROLLBACK: Final = f"{MIGRATION_STEP}roll_back"
_EVENTS_PER_PART: Final = 10_000


def restore_events(run: SyncRun, wiring: Wiring, migration: LegacyMigration) -> tuple[int, pd.DataFrame]:
    """Restore all adopted Events; return how many fields are as before, and what is not (``EXCEPTIONS``).

    An attempt that was cut off is found out by what the org holds: restored fields are as before, and not sent again.
    """
    loader = Loader(run, wiring)
    for _ in loader.recover(ROLLBACK, 0):
        """What calls of an earlier attempt did is read from the org below."""
    facts = describe_fields(wiring.salesforce, (Sobject.EVENT,)).objects[Sobject.EVENT]
    names = _restorable(wiring, migration)
    restored, listed, after = 0, [EXCEPTIONS.empty()], ""
    while True:
        images = wiring.ledger.migration_images_after(migration.id, after=after, limit=_EVENTS_PER_PART)
        if images.empty:
            return restored, EXCEPTIONS.conform(pd.concat(listed, ignore_index=True))
        after = str(images["event_id"].iloc[-1])
        events = _imaged(wiring, images)
        org = _org(wiring, events["event_id"], names)
        terms = Restoring(
            names=names,
            facts=facts,
            active_owners=read_active_users(
                wiring.salesforce, _to_restore(events["before_owner_id"], org[OWNER])
            ),
            live_people=_live_people(wiring, events["before_who_id"], org[PERSON]),
        )
        part = restore(events, org, terms)
        sent, exceptions = _send(loader, part.wire, names)
        restored += part.is_as_before + sent
        listed += [part.exceptions, exceptions]


def _restorable(wiring: Wiring, migration: LegacyMigration) -> list[str]:
    """Return the fields that before-images hold and that the sync may have written."""
    version = int(migration.facts["cut_over"]["mapping_version"])
    mappings = wiring.ledger.mappings_at(version).mappings
    of_images = imaged_fields(wiring.salesforce, mappings)
    return [one.target for one in payload_mappings(mappings) if one.target in of_images]


def _imaged(wiring: Wiring, images: pd.DataFrame) -> pd.DataFrame:
    """Return before-images of adopted Events beside what the ledger knows of their pairs (``IMAGED_EVENTS``).

    An Event is known by whoever has it now, one that is gone by the pair that it was adopted for.
    """
    holders = wiring.ledger.links_of_events(images["event_id"])
    adopted = wiring.ledger.adopted_events_of(images["booking_key"])
    own = images[["event_id", "booking_key"]].rename(columns={"event_id": "imaged_id"})
    of_pairs = adopted.merge(own, on="booking_key")
    known = pd.concat([holders.assign(imaged_id=holders["event_id"]), of_pairs], ignore_index=True)
    named = known.drop_duplicates("imaged_id").rename(
        columns={"event_id": "known_event_id", "who_id": "known_who_id", "owner_id": "known_owner_id"}
    )
    columns = ["imaged_id", "known_event_id", "known_who_id", "known_owner_id", "payload"]
    before = images.rename(columns={"who_id": "before_who_id", "owner_id": "before_owner_id"})
    return IMAGED_EVENTS.conform(before.merge(named[columns], left_on="event_id", right_on="imaged_id"))


def _org(wiring: Wiring, event_ids: pd.Series[str], names: list[str]) -> pd.DataFrame:
    """Return what the org holds of these Events, in their order and with their index."""
    columns = list(dict.fromkeys(["Id", "IsDeleted", PERSON, OWNER, *names]))
    pages = read_events(wiring.salesforce, event_ids.tolist(), names)
    empty = pd.DataFrame(columns=columns, dtype=TEXT)
    found = pd.concat([empty, *(page[columns] for page in pages)], ignore_index=True).drop_duplicates("Id")
    held = found.set_index("Id").reindex(event_ids).set_axis(event_ids.index)
    return held.assign(is_found=held["IsDeleted"].notna(), is_deleted=held["IsDeleted"].eq("true"))


def _to_restore(before: pd.Series[str], now: pd.Series[str]) -> frozenset[str]:
    return frozenset(before[before.notna() & before.ne(now)])


def _live_people(wiring: Wiring, before: pd.Series[str], now: pd.Series[str]) -> frozenset[str]:
    """Return those of the records that Events stood on, and do so no more, that are live still."""
    standing = read_standing(wiring.salesforce, pd.Series(sorted(_to_restore(before, now)), dtype=TEXT))
    if standing.empty:
        return frozenset()
    fates = follow_records(standing)["fate"]
    return frozenset(map(str, fates.index[fates.eq(Fate.LIVE.value)]))


def _send(loader: Loader, wire: pd.DataFrame, names: Collection[str]) -> tuple[int, pd.DataFrame]:
    """Send what is restored; return how many fields were, and what Salesforce refused."""
    fields = [name for name in (*names, PERSON, OWNER) if wire[name].notna().any()]
    if wire.empty:
        return 0, EXCEPTIONS.empty()
    load = Load(
        step=ROLLBACK,
        chunk=0,
        sobject=Sobject.EVENT,
        operation="update",
        rows=wire,
        columns=("Id", *fields),
        key_column="Id",
        api=LoadApi.REST,
    )
    written = [results.loc[results["is_success"], "key"] for results in loader.load(load)]
    done = wire["Id"].isin(pd.concat(written) if written else [])
    return int(wire.loc[done, fields].notna().to_numpy().sum()), refused(wire[~done], wire.loc[~done, "Id"])
