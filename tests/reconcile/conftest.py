"""The pipeline's world, for what is compared and mended in it."""

from __future__ import annotations

from tests.pipeline.conftest import ledger_template, world

__all__ = ["ledger_template", "world"]
