"""The booking database as the pipeline sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect
from sqlalchemy.engine.reflection import ObjectKind

from include.errors import ConfigurationError
from include.source.snapshot import describe_place, translated_errors
from include.source.tables import READ_BY_EVERY_RUN

if TYPE_CHECKING:
    from sqlalchemy import Engine


class SourceGateway:
    """A booking database and whether it can be read; ``changes`` and ``staff`` read it by its engine."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine; nothing is asked of the database yet."""
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """Return the engine of the booking database; nothing may be written through it."""
        return self._engine

    def check(self) -> None:
        """Raise unless the database answers and has every table and column that a run reads.

        All that is missing is reported together. An empty database passes: there is nothing to do.

        Raises:
            SourceUnavailableError: the database does not answer.
            ConfigurationError: it refuses the login, or lacks tables or columns; the message carries no login.
        """
        with translated_errors(self._engine):
            found = inspect(self._engine).get_multi_columns(
                kind=ObjectKind.ANY, filter_names=[table.name for table in READ_BY_EVERY_RUN]
            )
        names = {table: {column["name"] for column in columns} for (_, table), columns in found.items()}
        problems: list[str] = []
        for table in READ_BY_EVERY_RUN:
            if table.name not in names:
                problems.append(f"table {table.name}")
                continue
            problems += [
                f"column {table.name}.{column.name}"
                for column in table.columns
                if column.name not in names[table.name]
            ]
        if problems:
            msg = (
                f"The booking database {describe_place(self._engine)} lacks what the sync reads; point coconut_db at "
                "Coconut's replica, or have these added:"
            )
            raise ConfigurationError(msg, problems)
