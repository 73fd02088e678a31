"""Runs, their API calls and the watermarks they reach."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    EMPTY = "empty"
