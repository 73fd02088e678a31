"""A working day's edits of a filled booking database."""

from __future__ import annotations

from include.demo.edits.editing import EditKind, EditSummary, apply_edits

__all__ = ["EditKind", "EditSummary", "apply_edits"]
