"""An org without HTTP for the tests of the engine: frozen clock, short verbs, valid rows by default."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.salesforce_emulator.engine.org import OperationName, Org, RowResult, WriteOptions

PACKAGE = Path(__file__).parent / "fixtures" / "engine_package"
NOW = datetime(2026, 3, 18, 12, 0, 0, tzinfo=UTC)

Row = dict[str, Any]


class Bench:
    def __init__(self, data: Path | None = None, package: Path | None = PACKAGE) -> None:
        self.org = Org.open(data, package)
        self.org.clock.freeze(NOW)
        self.options = WriteOptions(user_id=self.org.integration_user_id)
        self.bulk_options = replace(self.options, source="bulk", from_csv=True, auto_assign=False)

    def close(self) -> None:
        self.org.close()

    def write(
        self,
        operation: OperationName,
        sobject: str,
        rows: list[Row],
        *,
        external_id: str | None = None,
        **options: Any,
    ) -> list[RowResult]:
        chosen = replace(self.options, **options)
        return self.org.write(operation, sobject, rows, external_id=external_id, options=chosen)

    def insert(self, sobject: str, **values: Any) -> str:
        result = self.write("insert", sobject, [values])[0]
        assert result.id is not None, result.errors
        return result.id

    def update(self, sobject: str, record_id: str, **values: Any) -> RowResult:
        return self.write("update", sobject, [{"Id": record_id, **values}])[0]

    def delete(self, sobject: str, *ids: str) -> list[RowResult]:
        return self.write("delete", sobject, [{"Id": record_id} for record_id in ids])

    def lead(self, **values: Any) -> str:
        return self.insert("Lead", **{"LastName": "Doe", "Company": "Acme", **values})

    def contact(self, **values: Any) -> str:
        return self.insert("Contact", **{"LastName": "Doe", **values})

    def event(self, **values: Any) -> str:
        return self.insert("Event", **event(**values))

    def user(self, username: str, **values: Any) -> str:
        return self.insert(
            "User", **{"Username": username, "LastName": "Banker", "Email": username, **values}
        )

    def rows(self, soql: str, *, include_deleted: bool = False) -> list[tuple[Any, ...]]:
        """Every record found, as the values of its selected columns."""
        result = self.org.query(soql, include_deleted=include_deleted)
        return [_leaves(record) for record in result.records(0, result.total_size)]

    def column(self, soql: str, *, include_deleted: bool = False) -> list[Any]:
        return [row[0] for row in self.rows(soql, include_deleted=include_deleted)]

    def get(self, sobject: str, record_id: str, *fields: str) -> Row:
        record = self.org.retrieve(sobject, record_id, list(fields) or None)
        del record["attributes"]
        return record


def event(**values: Any) -> Row:
    """A valid Event's row; a value given as None is left out."""
    usual = {
        "Subject": "Visit",
        "StartDateTime": "2026-03-20T10:00:00Z",
        "EndDateTime": "2026-03-20T10:30:00Z",
    }
    return {name: value for name, value in (usual | values).items() if value is not None}


def only_error(result: RowResult) -> tuple[str, tuple[str, ...]]:
    """Code and fields of a refused row's only error."""
    assert len(result.errors) == 1, result
    return result.errors[0].code, result.errors[0].fields


def _leaves(record: Row) -> tuple[Any, ...]:
    found: list[Any] = []
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict):
            found.extend(_leaves(value))
        else:
            found.append(value)
    return tuple(found)
