"""The questions that Coconut asks clients, by the names that field mappings know them under (rules F2, F3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from include.source.snapshot import open_snapshot
from include.source.tables import questions

if TYPE_CHECKING:
    from sqlalchemy import Engine


def read_question_names(engine: Engine) -> frozenset[str]:
    """Return the names of all questions, those about clients and those about bookings alike.

    Raises:
        SourceUnavailableError: the database does not answer.
        ConfigurationError: it refuses the login, or lacks a table or column.
    """
    with open_snapshot(engine) as connection:
        names = connection.scalars(select(questions.c.name).distinct())
        return frozenset(name for name in names if name is not None)
