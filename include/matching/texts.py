"""Texts of many rows brought together, by columns."""

from __future__ import annotations

from typing import cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def join_texts(groups: pd.Series[str], texts: pd.Series[str]) -> pd.Series[str]:
    """Return the texts of each group joined by a space, in their order, indexed by group.

    Rows of one group lie together; no text is missing.
    """
    starts = groups.ne(groups.shift()).to_numpy().nonzero()[0]
    offsets = pa.array([*starts.tolist(), len(groups)], type=pa.int32())
    values = pa.array(texts.tolist(), type=pa.string())
    joined = cast(pa.StringArray, pc.binary_join(pa.ListArray.from_arrays(offsets, values), " "))
    return pd.Series(joined.to_pylist(), index=pd.Index(groups.iloc[starts], name=groups.name), dtype="str")
