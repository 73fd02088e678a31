"""What an Event's payload says of values that were left out because Salesforce refused them (rules F4, S12).

A payload holds what was last written. A value that was left out was not: its field holds nothing there, and beside it,
under ``refused:`` and the field's name, stands what was refused. In the org such a field is as it was before, which is
empty in a new Event and unknown otherwise. While Coconut asks for no other value the field is not sent, so that a run
with nothing else to say writes nothing; any other value is sent, whatever the field held once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from include.frames import CLEAR, FIELD_REPORTS, TEXT
from include.mapping.plan import format_payloads, parse_payloads
from include.reasons import FieldReport, Outcome, Reason
from include.settings.field_mapping import Sobject

REFUSED: Final = "refused:"

TOLD: Final = ["left_out", "detail"]
"""The columns of ``frames.EVENTS`` that say what was left out."""

_MARK: Final = f'"{REFUSED}'
_NO_MARK: Final = rf',"{REFUSED}\w+":null'
"""A quote inside a value follows a backslash, so that no value looks like a mark."""


def refused_values(payloads: pd.Series[str], names: Sequence[str]) -> pd.DataFrame:
    """Return what Salesforce refused, missing elsewhere: one text column for each of these fields that is concerned."""
    marked = payloads[_is_marked(payloads)]
    if marked.empty:
        return pd.DataFrame(index=payloads.index)
    refused = parse_payloads(marked, [f"{REFUSED}{name}" for name in names])
    refused = refused.set_axis(list(names), axis="columns").dropna(axis="columns", how="all")
    return refused.reindex(payloads.index)


def asked_values(written: pd.DataFrame, refused: pd.DataFrame) -> pd.DataFrame:
    """Return what Coconut last asked of each field: what was written, or refused."""
    asked = written.copy()
    for name, values in refused.items():
        asked[name] = values.mask(values == CLEAR).fillna(written[name]).astype(TEXT)
    return asked


def asked_again(written: pd.DataFrame, refused: pd.DataFrame) -> pd.DataFrame:
    """Return ``written`` with ``CLEAR`` where a value was refused: no payload holds it, so that any value differs."""
    asked = written.copy()
    for name, values in refused.items():
        asked[name] = written[name].mask(values.notna(), CLEAR)
    return asked


def format_with_refused(fields: pd.DataFrame, refused: pd.DataFrame) -> pd.Series[str]:
    """Return payloads as ``format_payloads`` does, without the values that were refused, and with their marks.

    Args:
        fields: text; the first column is the booking key.
        refused: what was refused, missing elsewhere; some of the columns of ``fields``, same index.
    """
    is_refused = refused.notna()
    held = fields.copy()
    for name, is_empty in is_refused.items():
        held[name] = fields[name].mask(is_empty)
    payloads = format_payloads(held)
    is_marked = is_refused.any(axis="columns")
    if not is_marked.any():
        return payloads
    marked = held[is_marked].join(refused[is_marked].add_prefix(REFUSED))
    texts = format_payloads(marked).str.replace(_NO_MARK, "", regex=True)
    return payloads.mask(is_marked, texts.reindex(payloads.index))


def with_refused(payloads: pd.Series[str], refused: pd.DataFrame, *, names: Sequence[str]) -> pd.Series[str]:
    """Return payloads in which values are marked as refused, beside those that were before.

    Args:
        payloads: as ``format_with_refused`` makes them.
        refused: what was refused, missing elsewhere; some of the columns of ``names``, same index.
        names: all fields of the payloads, in their order.
    """
    marks = refused.combine_first(refused_values(payloads, names))
    in_order = [name for name in names if name in marks]
    return format_with_refused(parse_payloads(payloads, names), marks[in_order])


def ask_the_same(left: pd.Series[str], right: pd.Series[str], *, names: Sequence[str]) -> pd.Series[bool]:
    """Tell which payloads ask the same of these fields, be it written or refused; a missing one is like no other.

    Args:
        left: payloads.
        right: payloads, same index.
        names: the fields.
    """
    same = left == right
    unlike = ~same & (_is_marked(left) | _is_marked(right)) & left.notna() & right.notna()
    if not unlike.any():
        return same
    mine, theirs = (
        asked_values(parse_payloads(payloads, names), refused_values(payloads, names))
        for payloads in (left[unlike], right[unlike])
    )
    are_equal = ((mine == theirs) | (mine.isna() & theirs.isna())).all(axis="columns")
    return same | are_equal.reindex(same.index, fill_value=False)


def without_values(rows: pd.DataFrame, cleaned: pd.DataFrame, *, names: Sequence[str]) -> pd.DataFrame:
    """Return ``cleaned`` with payloads, field lists and words that say which values it lacks.

    Args:
        rows: contract ``EVENTS`` with its wire fields, as they were sent.
        cleaned: some of these rows, without the values that Salesforce refused.
        names: the fields of the payloads, in their order.
    """
    sent = rows.loc[cleaned.index, list(names)]
    refused = sent.where(cleaned[list(names)].isna()).dropna(axis="columns", how="all")
    told = tell_left_out(cleaned, refused.notna())
    return cleaned.assign(
        payload=with_refused(cleaned["payload"], refused, names=names),
        left_out=told["left_out"],
        detail=told["detail"],
    )


def words_of(field: str) -> str:
    """Return what is said of a pair whose Event lacks the value of a field."""
    return f"left out because Salesforce refuses the value of {field}"


def field_lists(is_left_out: pd.DataFrame) -> pd.Series[str]:
    """Return the names of the columns that are true in each row, joined by a space; missing where none is."""
    names = pd.Series("", index=is_left_out.index, dtype=TEXT)
    for name, is_named in is_left_out.items():
        names = names.mask(is_named, names + f" {name}")
    return names.mask(names == "").str.removeprefix(" ")


def tell_left_out(told: pd.DataFrame, is_left_out: pd.DataFrame) -> pd.DataFrame:
    """Return ``left_out`` and ``detail`` with the fields that are left out named once.

    Args:
        told: these columns of ``frames.EVENTS``.
        is_left_out: one column of booleans per field, same index.
    """
    left_out, detail = told["left_out"], told["detail"]
    for name, is_named in is_left_out.items():
        is_known = (" " + left_out + " ").str.contains(f" {name} ", regex=False, na=False)
        is_new = is_named & ~is_known
        left_out = left_out.mask(is_new, (left_out + " ").fillna("") + str(name))
        detail = detail.mask(is_new, (detail + "; ").fillna("") + words_of(str(name)))
    return pd.DataFrame({"left_out": left_out, "detail": detail}, dtype=TEXT)


def left_out_of_events(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return ``frames.FIELD_REPORTS`` of the values that Events lack, though they are as they should be otherwise.

    Args:
        outcomes: contract ``EVENTS``, settled.
    """
    is_up_to_date = outcomes["outcome"].eq(Outcome.WRITTEN) | outcomes["reason"].eq(
        Reason.SAME_AS_LAST_WRITTEN
    )
    lacking = outcomes[is_up_to_date & outcomes["left_out"].notna()]
    reports = lacking.assign(
        sobject=str(Sobject.EVENT),
        record_id=lacking["event_id"],
        field=lacking["left_out"].str.split(" "),
        report=str(FieldReport.VALUE_DROPPED),
    )
    return FIELD_REPORTS.conform(reports.explode("field", ignore_index=True))


def _is_marked(payloads: pd.Series[str]) -> pd.Series[bool]:
    return payloads.str.contains(_MARK, regex=False, na=False)
