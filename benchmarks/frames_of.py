"""Frames for benchmarks, made by columns: a million rows in a second."""

from __future__ import annotations

from typing import Any

import pandas as pd  # noqa: TID253 - nothing here is parsed by Airflow

from include.frames import FrameContract


def numbers(count: int) -> pd.Series[int]:
    """Return 1, 2 … ``count``."""
    return pd.Series(range(1, count + 1))


def conformed(contract: FrameContract, like: pd.Series[Any], **values: Any) -> pd.DataFrame:
    """Return a frame of the contract, one row per row of ``like``; claims are false unless given, the rest missing."""
    absent = {name: False if dtype == "bool" else None for name, dtype in contract.columns.items()}
    frame: pd.DataFrame = contract.conform(pd.DataFrame({**absent, **values}, index=like.index))
    return frame
