"""Database engines whose connections are closed with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

OpenEngine = Callable[["str | URL"], "Engine"]


@pytest.fixture
def open_engine() -> Iterator[OpenEngine]:
    opened: list[Engine] = []

    def open_one(url: str | URL) -> Engine:
        opened.append(create_engine(url))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.dispose()
