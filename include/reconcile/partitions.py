"""Frames too large for memory, parted by booking: what belongs together comes back together (rule Q7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from include.frames import FrameContract
    from include.staging import Staging


@dataclass(slots=True)
class Partitions:
    """Rows of one kind, staged in ``count`` parts by the hash of a key; rows of one key are in one part."""

    staging: Staging
    run_id: str
    stage: str
    name: str
    contract: FrameContract
    count: int
    _batches: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with nothing in any part."""
        self._batches = [0] * self.count

    def add(self, rows: pd.DataFrame, keys: pd.Series[str]) -> None:
        """Stage a batch; ``keys`` has the index of ``rows``, and a missing key is a key like any other."""
        if rows.empty:
            return
        hashes = pd.util.hash_pandas_object(keys.fillna(""), index=False).to_numpy(dtype=np.uint64)
        parts = (hashes % np.uint64(self.count)).astype(np.int64)
        for part, of_part in rows.groupby(parts):
            number = int(str(part))
            self.staging.write_frame(
                self.run_id, self.stage, self._file(number, self._batches[number]), of_part
            )
            self._batches[number] += 1

    def read(self, part: int) -> pd.DataFrame:
        """Return one part, in the order in which its rows were added."""
        frames = [
            self.staging.read_frame(self.run_id, self.stage, self._file(part, batch), self.contract)
            for batch in range(self._batches[part])
        ]
        return pd.concat(frames, ignore_index=True) if frames else self.contract.empty()

    def _file(self, part: int, batch: int) -> str:
        return f"{self.name}-{part:05d}-{batch:05d}"
