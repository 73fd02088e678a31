"""Every decision in plain words (rule M9)."""

from __future__ import annotations


def explain(explanation: str) -> str:
    """Return the sentences that an administrator reads for ``DECISIONS.explanation`` (JSON)."""
    raise NotImplementedError
