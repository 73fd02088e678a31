"""The engine's facade: one Salesforce org, without HTTP.

Everything the HTTP half needs is here; it imports nothing else of the engine but `errors`, `clock` and `store.Store`
(whose `transaction()` also guards tables of its own, such as Bulk jobs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from include.salesforce_emulator.clock import Clock
from include.salesforce_emulator.errors import RowError, SalesforceFault
from include.salesforce_emulator.writes import Operation, RowResult, WriteOptions

__all__ = ["Operation", "Org", "QueryResult", "RowError", "RowResult", "SalesforceFault", "WriteOptions"]

API_VERSION = "66.0"
OperationName = Literal["insert", "update", "upsert", "delete", "hardDelete", "undelete"]


class QueryResult(Protocol):
    """The answer to one SOQL query; pages and rows are read from it lazily."""

    columns: tuple[str, ...]
    total_size: int

    def records(self, offset: int, limit: int, *, version: str = API_VERSION) -> list[dict[str, Any]]:
        """Return one page as REST JSON records."""

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield every record as the texts of a Bulk CSV row."""


class Org:
    """One Salesforce org: its schema, records, behaviours and clock."""

    clock: Clock
    store: Any
    organization_id: str
    integration_user_id: str

    @classmethod
    def open(cls, data: Path | None, package: Path | None) -> Org:
        """Open the org kept in `data` (in memory if None) with the custom fields of the `package` folder."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the store."""
        raise NotImplementedError

    def sobjects(self) -> list[Any]:
        """Return every object of the org."""
        raise NotImplementedError

    def sobject(self, name: str) -> Any:
        """Return one object by its name in any letter case."""
        raise NotImplementedError

    def describe(self, name: str) -> dict[str, Any]:
        """Return the full describe of one object, as REST answers it."""
        raise NotImplementedError

    def describe_global(self) -> dict[str, Any]:
        """Return the short describe of every object, as REST answers it."""
        raise NotImplementedError

    def write(
        self,
        operation: OperationName,
        sobject: str,
        rows: Sequence[Mapping[str, object]],
        *,
        external_id: str | None,
        options: WriteOptions,
    ) -> list[RowResult]:
        """Write rows in one transaction; one result a row, in order."""
        raise NotImplementedError

    def check_columns(
        self, sobject: str, operation: OperationName, columns: Sequence[str], external_id: str | None
    ) -> str | None:
        """Return what a Bulk job says of its first bad column, or None."""
        raise NotImplementedError

    def retrieve(
        self, sobject: str, record_id: str, fields: Sequence[str] | None = None, *, version: str = API_VERSION
    ) -> dict[str, Any]:
        """Return one record as REST JSON."""
        raise NotImplementedError

    def find_by_external_id(self, sobject: str, field: str, value: str) -> list[str]:
        """Return the Ids of the records that hold the value (several: REST answers 300)."""
        raise NotImplementedError

    def query(self, soql: str, *, include_deleted: bool = False) -> QueryResult:
        """Run SOQL; with `include_deleted`, deleted, merged and archived records show too."""
        raise NotImplementedError

    def convert_lead(
        self,
        lead_id: str,
        *,
        account_id: str | None = None,
        contact_id: str | None = None,
        user_id: str | None = None,
    ) -> dict[str, Any]:
        """Convert a Lead into an Account and a Contact, or into the ones given."""
        raise NotImplementedError

    def merge(self, sobject: str, master_id: str, loser_ids: Sequence[str]) -> None:
        """Merge records into the master."""
        raise NotImplementedError

    def reset(self) -> None:
        """Remove every record and start afresh, with the same organisation and integration user."""
        raise NotImplementedError
