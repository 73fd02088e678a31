"""Which adopted Events still lack what the choices give them, by what the org holds now (rules G6, G8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pandas as pd

from include.frames import TEXT
from include.ledger.contracts import LABELLED_EVENTS
from include.mapping.event_fields import event_fields, payload_mappings
from include.mapping.linked_pairs import linked_pairs
from include.mapping.plan import hash_payloads
from include.migration.choices import Choices, Relabel, Stamp
from include.migration.event_facts import read_events
from include.migration.labels import (
    Labelling,
    is_labelled,
    labelled_payloads,
    missing_labels,
    wanted_labels,
)
from include.pipeline.check_org import describe_fields
from include.pipeline.staged_reading import with_switches
from include.reasons import Reason
from include.settings.field_mapping import Sobject
from include.source.changes import KINDS, ChangeQuery, ChangeReader

if TYPE_CHECKING:
    from include.mapping.org_fields import OrgFields
    from include.pipeline.context import SyncRun, Wiring
    from include.settings.field_mapping import FieldMapping
    from include.settings.model import Settings

_PAIR: Final = ["booking_key", "event_id", "appointment_id", "client_id", "kind", "source_version"]


@dataclass(frozen=True, slots=True)
class LabelTerms:
    """What labelling goes by: the choices, the rules in force, and what the org says of Event's fields."""

    choices: Choices
    mappings: tuple[FieldMapping, ...]
    settings: Settings
    org_fields: OrgFields
    now: datetime

    @classmethod
    def of(cls, run: SyncRun, wiring: Wiring, choices: Choices) -> LabelTerms:
        """Read what is in force; the org is asked for its fields."""
        return cls(
            choices=choices,
            mappings=tuple(wiring.ledger.current_mappings().mappings),
            settings=wiring.ledger.current_settings().settings,
            org_fields=describe_fields(wiring.salesforce, (Sobject.EVENT,)),
            now=run.now,
        )

    @property
    def is_idle(self) -> bool:
        """Tell whether the choices leave every Event alone."""
        return self.labelling(is_upcoming=True).is_idle and self.labelling(is_upcoming=False).is_idle

    @property
    def names(self) -> list[str]:
        """Return the fields of payloads, our key first."""
        return [mapping.target for mapping in payload_mappings(self.mappings)]

    def labelling(self, *, is_upcoming: bool) -> Labelling:
        """Return what upcoming Events get, or past ones."""
        relabel, stamp = self.choices.relabel_legacy_events, self.choices.stamp_legacy_events
        return Labelling(
            relabels=relabel is Relabel.ALL or (is_upcoming and relabel is Relabel.UPCOMING),
            stamps=stamp is Stamp.ALL or (is_upcoming and stamp is Stamp.UPCOMING),
        )

    def sent_fields(self, rows: pd.DataFrame) -> list[str]:
        """Return those of the fields that some row sends."""
        return [name for name in self.names if name in rows and rows[name].notna().any()]


@dataclass(frozen=True, slots=True)
class DueLabels:
    """Events that the choices name, with what they hold once they are labelled.

    ``events`` have ``Id``, the pair (``contracts.PAIRS_TO_CLAIM``), ``payload``, ``payload_hash`` and, of the fields,
    those that the org holds otherwise.
    """

    events: pd.DataFrame
    fields: Sequence[str]

    @property
    def rows(self) -> pd.DataFrame:
        """Return the Events that are to be written."""
        return self.events[self._is_sent]

    def without_need(self) -> pd.DataFrame:
        """Return those that hold everything already (``contracts.LABELLED_EVENTS``)."""
        return LABELLED_EVENTS.conform(self.events[~self._is_sent])

    @property
    def _is_sent(self) -> pd.Series[bool]:
        return self.events[list(self.fields)].notna().any(axis=1)


def due_labels(wiring: Wiring, terms: LabelTerms, part: pd.DataFrame) -> DueLabels:
    """Return what adopted pairs (``contracts.ADOPTED_EVENTS``) are to get.

    Left out are Events that the sync wrote, that it has not read yet or keeps back, and that are gone.
    """
    kept = part[
        part["event_id"].notna()
        & part["written_version"].isna()
        & part["payload"].notna()
        & part["last_reason"].eq(Reason.LEGACY_EVENT_KEPT.value)
    ].rename(columns={"settled_version": "source_version"})
    is_upcoming = kept["ends_at"] >= terms.now
    groups = [
        _due(wiring, terms, kept[is_upcoming == flag], terms.labelling(is_upcoming=flag))
        for flag in (True, False)
    ]
    fields = list(terms.names)
    empty = pd.DataFrame(columns=["Id", *_PAIR, "payload", "payload_hash", *fields], dtype=TEXT)
    events = pd.concat([empty, *(group for group in groups if len(group))], ignore_index=True)
    return DueLabels(events.astype({"source_version": "Int64"}), fields)


def _due(wiring: Wiring, terms: LabelTerms, kept: pd.DataFrame, labelling: Labelling) -> pd.DataFrame:
    if kept.empty or labelling.is_idle:
        return kept.head(0)
    desired = _desired(wiring, terms, kept)
    held = _held(wiring, kept["event_id"], labelling.fields(terms.names))
    rows = kept.set_index("booking_key", drop=False)
    rows = rows[rows["event_id"].isin(held.index) & rows.index.isin(desired.index)]
    found = held.loc[rows["event_id"]].set_axis(rows.index)
    wanted = wanted_labels(desired.loc[rows.index], found, rows["kind"], labelling)
    wire = missing_labels(wanted, found, terms.org_fields.objects[Sobject.EVENT])
    payloads = labelled_payloads(rows["payload"], wanted, terms.names)
    labelled = rows[_PAIR].assign(Id=rows["event_id"], payload=payloads, payload_hash=hash_payloads(payloads))
    is_open = wire.notna().any(axis=1) | ~is_labelled(rows["payload"], wanted)
    return labelled.join(wire)[is_open].reset_index(drop=True)


def _desired(wiring: Wiring, terms: LabelTerms, kept: pd.DataFrame) -> pd.DataFrame:
    """Return the mapped fields of these pairs as the sync would write them, indexed by booking key.

    A value that the org would refuse is left out, and so are pairs whose client is not to be touched (rule T4).
    """
    query = ChangeQuery(
        kinds=KINDS, by_change=False, appointment_ids=frozenset(kept["appointment_id"].astype("int64"))
    )
    frames = []
    for read in ChangeReader(wiring.source.engine, query).chunks():
        chunk = with_switches(read, wiring.ledger)
        links = wiring.ledger.event_links(chunk.bookings["appointment_id"].unique())
        pairs = linked_pairs(chunk.bookings, chunk.answers, links, settings=terms.settings, now=terms.now)
        pairs = pairs[pairs["booking_key"].isin(kept["booking_key"]) & ~pairs["client_disabled"]]
        values = event_fields(
            pairs,
            chunk.answers,
            chunk.clients,
            mappings=terms.mappings,
            org_fields=terms.org_fields,
            settings=terms.settings,
        )
        wire = values.wire.copy()
        for fault in values.faults:
            wire[fault.target] = wire[fault.target].mask(fault.rows.reindex(wire.index, fill_value=False))
        frames.append(wire.set_axis(pairs["booking_key"]))
    return pd.concat(frames) if frames else pd.DataFrame(columns=terms.names, dtype=TEXT)


def _held(wiring: Wiring, event_ids: pd.Series[str], fields: Sequence[str]) -> pd.DataFrame:
    """Return these fields of the Events that the org has and that are not deleted, indexed by Id."""
    columns = ["Id", *fields]
    pages = read_events(wiring.salesforce, event_ids.tolist(), fields)
    live = [page.loc[page["IsDeleted"].ne("true"), columns] for page in pages]
    found = pd.concat([pd.DataFrame(columns=columns, dtype=TEXT), *live], ignore_index=True)
    return found.drop_duplicates("Id").set_index("Id")
