"""The booking database as the pipeline sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect
from sqlalchemy.engine.reflection import ObjectKind

from include.errors import ConfigurationError
from include.source.changes import ChangeQuery, ChangeReader, Watermark, has_changes
from include.source.lookups import clients_changed_since, read_staff
from include.source.snapshot import describe_place, translated_errors
from include.source.tables import READ_BY_EVERY_RUN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import Engine


class SourceGateway:
    """Reads Coconut's booking database; never writes to it.

    Every method may raise ``SourceUnavailableError`` (the database does not answer) or ``ConfigurationError`` (it
    refuses the login, or lacks a table or column). The messages carry no login.
    """

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine; nothing is asked of the database yet."""
        self._engine = engine

    def check(self) -> None:
        """Raise unless the database answers and has every table and column that a run reads.

        All that is missing is reported together. An empty database passes: there is nothing to do.
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

    def changes(self, query: ChangeQuery, *, pairs_per_chunk: int = 25_000) -> ChangeReader:
        """Return a reader of what ``query`` asks for; see :class:`include.source.changes.ChangeReader`."""
        return ChangeReader(self._engine, query, pairs_per_chunk=pairs_per_chunk)

    def has_changes(
        self, kinds: Sequence[str], since: Watermark | None, *, not_after: datetime | None = None
    ) -> bool:
        """Say cheaply whether anything changed after the watermark; see ``include.source.changes.has_changes``."""
        return has_changes(self._engine, kinds, since, not_after=not_after)

    def staff(self) -> pd.DataFrame:
        """Read all staff members; returns ``frames.STAFF``."""
        return read_staff(self._engine)

    def clients_changed_since(self, attempts: pd.DataFrame) -> frozenset[int]:
        """Say which of the clients in ``attempts`` (``client_id``, ``attempted_at``) moved after that instant."""
        return clients_changed_since(self._engine, attempts)
