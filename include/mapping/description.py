"""The Description of an Event: notes, why it was cancelled, and what the client answered (rules S8, S14, F4)."""

from __future__ import annotations

from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.frames import TEXT
from include.mapping.hurdles import CANCELLED
from include.mapping.wire_text import cut, single_line, text_block
from include.settings.model import Settings, Switch

MAX_LENGTH: Final = 32_000
"""Length of Event.Description (Object Reference, Event)."""


def event_descriptions(pairs: pd.DataFrame, answers: pd.DataFrame, settings: Settings) -> pd.Series[str]:
    """Return the Description of every pair: up to three paragraphs, cut to the field's length.

    An answer about the booking stands on the Event of every attendee, one about a client on their own only.

    Args:
        pairs: ``appointment_id``, ``client_id``, ``status``, ``notes``, ``cancellation_reason``.
        answers: contract ``ANSWERS``.
        settings: ``include_notes``.
    """
    is_cancelled = pairs["status"] == CANCELLED
    paragraphs = [
        "Cancelled: " + text_block(pairs["cancellation_reason"]).where(is_cancelled),
        _answer_lines(pairs, answers),
    ]
    if settings.include_notes is Switch.ON:
        paragraphs.insert(0, text_block(pairs["notes"]))
    whole = pd.Series("", index=pairs.index, dtype=TEXT)
    for paragraph in paragraphs:
        whole = whole + ("\n\n" + paragraph.astype(TEXT)).fillna("")
    return cut(text_block(whole), MAX_LENGTH)


def _answer_lines(pairs: pd.DataFrame, answers: pd.DataFrame) -> pd.Series[str]:
    """Return ``label: value`` lines in the order of the questions."""
    lines = answers.assign(
        value=single_line(answers["value"]),
        label=single_line(answers["label"]).fillna(answers["name"]),
        number=pd.to_numeric(answers["question_id"], errors="coerce"),
    ).dropna(subset=["value"])
    lines["line"] = lines["label"].fillna("") + ": " + lines["value"]
    about_booking = (lines["scope"] == "appointment") | lines["client_id"].isna()
    of_booking = pairs[["appointment_id", "client_id"]].assign(row=range(len(pairs)))
    shared = of_booking.merge(lines[about_booking].drop(columns="client_id"), on="appointment_id")
    own = of_booking.merge(lines[~about_booking], on=["appointment_id", "client_id"])
    found = pd.concat([shared, own], ignore_index=True).drop_duplicates(["row", "question_id", "line"])
    found = found.sort_values(["row", "number", "question_id"], kind="stable")
    return _joined(found["row"], found["line"], pairs.index)


def _joined(rows: pd.Series[int], lines: pd.Series[str], index: pd.Index[int]) -> pd.Series[str]:
    """Join the lines of each row (a position in ``index``) by newlines, in their order."""
    texts_of_rows = pa.array(lines.array, pa.string(), from_pandas=True)
    table = pa.table({"row": pa.array(rows.to_numpy()), "line": texts_of_rows})
    listed = table.group_by("row", use_threads=False).aggregate([("line", "list")])
    texts = pc.binary_join(listed["line_list"].combine_chunks(), "\n")
    joined = pd.Series(texts, index=pd.Index(listed["row"].to_numpy()), dtype=TEXT)
    return joined.reindex(range(len(index))).set_axis(index).astype(TEXT)
