"""What is written into the record of a person who was found, and whose value that replaces (rules M5, F4, S12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
import pyarrow.json as pj

from include.frames import CLEAR, TEXT
from include.settings.field_mapping import WritePolicy

if TYPE_CHECKING:
    from include.settings.field_mapping import FieldMapping

NUMBERS: Final = frozenset({"currency", "double", "int", "long", "percent"})
"""Field types whose texts are compared as numbers ("Field Types", Object Reference)."""

_BETWEEN: Final = "\x1f"
_LONGEST_LINE: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What Coconut does to records that exist; frames of one row per record and one column per mapped field.

    ``wire`` is a wire frame of the fields that differ and may be written. Of the other frames, all of booleans,
    ``is_open`` says where the write policy lets a value in at all, ``replaces_user`` where ``wire`` replaces what a
    Salesforce user wrote, ``keeps_user`` where it does not although Coconut says something else.
    """

    wire: pd.DataFrame
    is_open: pd.DataFrame
    replaces_user: pd.DataFrame
    keeps_user: pd.DataFrame


def overwrite(
    desired: pd.DataFrame,
    stored: pd.DataFrame,
    written: pd.DataFrame,
    *,
    mappings: Sequence[FieldMapping],
    types: Mapping[str, str],
    stand_ins: Mapping[str, str],
) -> Overwrite:
    """Return what the write policies let Coconut change in records of one sObject.

    A value that differs from all that we last wrote into its field is a Salesforce user's, and so is a value in a field
    that we never wrote. *Always* replaces it; *only if blank* leaves it, also where the user emptied the field.

    Args:
        desired: a wire frame indexed by record Id: what Coconut says, missing where it says nothing (rule F4).
        stored: what the org holds, same index; a field that is not among its columns is left alone.
        written: ``record_id`` and ``values``: JSON of what we last wrote, one row per client of the record.
        mappings: of this sObject; their write policies decide.
        types: field types by name, as describe calls them.
        stand_ins: texts that stand for "blank" in a field, by name, such as the placeholder of a Lead's Company.
    """
    ours = _written_values(written, [mapping.target for mapping in mappings])
    columns: dict[str, _Verdict] = {}
    for mapping in mappings:
        name = mapping.target
        if name not in stored or name not in desired:
            continue
        terms = _Terms(mapping.write_policy, types.get(name, ""), stand_ins.get(name, ""))
        columns[name] = _field(desired[name], stored[name], ours[["record_id", name]], terms=terms)

    def frame(part: str) -> pd.DataFrame:
        return pd.DataFrame(
            {name: getattr(verdict, part) for name, verdict in columns.items()}, index=desired.index
        )

    wire = frame("writes").apply(lambda writes: desired[writes.name].where(writes)).astype(TEXT)
    return Overwrite(wire, frame("is_open"), frame("replaces_user"), frame("keeps_user"))


def comparable(values: pd.Series[str], field_type: str, *, stand_in: str = "") -> pd.Series[str]:
    """Return values as they compare with what Salesforce stores; a blank one is the empty text.

    Salesforce trims texts, keeps e-mail addresses in small letters, and answers numbers and instants in spellings of
    its own; line ends come back as they were sent or as line feeds.
    """
    texts = values.str.strip().str.replace("\r\n?", "\n", regex=True)
    texts = texts.mask(texts.eq(CLEAR))
    if stand_in:
        texts = texts.mask(texts.eq(stand_in.strip()))
    match field_type:
        case "email":
            texts = texts.str.lower()
        case "boolean":
            texts = texts.str.lower()
        case "datetime":
            texts = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce").astype(TEXT)
        case number if number in NUMBERS:
            texts = pd.to_numeric(texts, errors="coerce").astype("float64").astype(TEXT)
    return texts.astype(TEXT).fillna("")


@dataclass(frozen=True, slots=True)
class _Terms:
    policy: WritePolicy
    field_type: str
    stand_in: str

    def comparable(self, values: pd.Series[str]) -> pd.Series[str]:
        return comparable(values, self.field_type, stand_in=self.stand_in)


@dataclass(frozen=True, slots=True)
class _Verdict:
    writes: pd.Series[bool]
    is_open: pd.Series[bool]
    replaces_user: pd.Series[bool]
    keeps_user: pd.Series[bool]


def _field(desired: pd.Series[str], stored: pd.Series[str], ours: pd.DataFrame, *, terms: _Terms) -> _Verdict:
    """Return the verdict on one field; ``ours`` is ``record_id`` and what we last wrote into it."""
    now, said = terms.comparable(stored), terms.comparable(desired)
    is_blank = now.eq("")
    mine = ours.dropna()
    record_ids = pd.Series(desired.index, index=desired.index, dtype=TEXT)
    we_wrote = record_ids.isin(mine["record_id"])
    is_ours = (record_ids + _BETWEEN + now).isin(
        mine["record_id"] + _BETWEEN + terms.comparable(mine.iloc[:, 1])
    )
    is_users = (we_wrote & ~is_ours) | (~we_wrote & ~is_blank)
    differs = desired.notna() & said.ne(now)
    nowhere = pd.Series(False, index=desired.index)
    match terms.policy:
        case WritePolicy.ALWAYS:
            return _Verdict(differs, ~nowhere, differs & is_users, nowhere)
        case WritePolicy.ONLY_IF_BLANK:
            is_open = is_blank & ~is_users
            return _Verdict(differs & is_open, is_open, nowhere, differs & we_wrote & is_users)
        case WritePolicy.NEVER:
            return _Verdict(nowhere, nowhere, nowhere, nowhere)


def _written_values(written: pd.DataFrame, fields: Sequence[str]) -> pd.DataFrame:
    """Return ``record_id`` and one text column per field: what we last wrote, missing where we never wrote it."""
    rows = written.dropna(subset=["values"]).reset_index(drop=True)
    if rows.empty:
        return pd.DataFrame(columns=["record_id", *fields], dtype=TEXT)
    schema = pa.schema([(name, pa.large_string()) for name in fields])
    table = pj.read_json(
        BytesIO("\n".join(rows["values"].tolist()).encode()),
        read_options=pj.ReadOptions(block_size=_LONGEST_LINE),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
    values = {name: pd.Series(table[name], dtype=TEXT).to_numpy() for name in fields}
    return pd.DataFrame({"record_id": rows["record_id"], **values}).astype(TEXT)
