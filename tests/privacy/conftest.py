"""The pipeline's world, for erasing people out of it."""

from __future__ import annotations

from tests.pipeline.conftest import ledger_template, world

__all__ = ["ledger_template", "world"]
