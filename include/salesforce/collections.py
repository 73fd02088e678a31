"""Small writes: sObject Collections, 200 records a call ("sObject Collections", REST API guide)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pandas as pd

from include.errors import FrameContractError, OrgExhaustedError, SalesforceUnavailableError
from include.frames import CLEAR, RESULTS, TEXT
from include.salesforce.describe import ObjectDescription
from include.salesforce.duplicate_findings import read_duplicates
from include.salesforce.error_codes import RetryClass, classify
from include.salesforce.refusals import missing_field
from include.salesforce.session import SalesforceSession
from include.salesforce.soql import identifier

Operation = Literal["insert", "update", "upsert", "delete"]
JsonRecord = dict[str, Any]

RECORDS_PER_CALL: Final = 200
_NUMBER_TYPES: Final = frozenset({"double", "currency", "percent"})


@dataclass(frozen=True, slots=True)
class CollectionsWrite:
    """What is done to which object.

    ``external_id_field`` names the unique field of an upsert or insert; ``is_key_sent`` says that the column of our key
    travels too, if it is a field of the object.
    """

    operation: Operation
    description: ObjectDescription
    external_id_field: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_key_sent: bool = True

    @property
    def is_repeatable(self) -> bool:
        """Tell whether sending a record twice lands once."""
        return self.operation != "insert" or self.external_id_field is not None


def write_rows(
    session: SalesforceSession, write: CollectionsWrite, rows: pd.DataFrame, *, key_column: str
) -> Iterator[pd.DataFrame]:
    """Write a wire frame and yield RESULTS frames as answers arrive, so that the caller can commit each.

    A record that meets a row lock is sent again, alone with its like, after a wait; what still fails after the last
    attempt is yielded as a failure with its transient code.

    Raises:
        FrameContractError: the rows lack the column that the operation goes by.
        ConfigurationError: a column is no field that our user sees.
        SalesforceUnavailableError: no answer; results yielded so far stand.
        OrgExhaustedError: a limit of the org is used up; results yielded so far stand.
    """
    keys = rows[key_column].astype(TEXT).tolist()
    records = json_records(write, rows, key_column=key_column)
    for part in parts(len(records)):
        yield from _write_chunk(session, write, keys[part], records[part])


def parts(records: int) -> list[slice]:
    """Return which of so many records each call takes; what meets a row lock takes further calls."""
    return [slice(start, start + RECORDS_PER_CALL) for start in range(0, records, RECORDS_PER_CALL)]


def json_records(write: CollectionsWrite, rows: pd.DataFrame, *, key_column: str) -> list[JsonRecord]:
    """Return the records that travel: ``NaN`` is left out, ``#N/A`` is null, numbers and booleans are typed."""
    columns = _columns(write, rows, key_column)
    records: list[JsonRecord] = [{"attributes": {"type": write.description.name}} for _ in range(len(rows))]
    for name in columns:
        kind = write.description[name].type
        values = rows[name].astype(TEXT)
        for position, value in zip(values.notna().to_numpy().nonzero()[0], values.dropna(), strict=True):
            records[position][name] = _json_value(value, kind)
    return records


def _columns(write: CollectionsWrite, rows: pd.DataFrame, key_column: str) -> list[str]:
    goes_by = {"update": "Id", "delete": "Id", "upsert": write.external_id_field}.get(write.operation)
    if goes_by is not None and (goes_by not in rows or rows[goes_by].isna().any()):
        msg = f"Rows to {write.operation} need a value in the column {goes_by}."
        raise FrameContractError(msg)
    if write.operation == "delete":
        return ["Id"]
    is_key_sent = key_column == goes_by or (write.is_key_sent and key_column in write.description)
    columns = [name for name in rows.columns if name != key_column or is_key_sent]
    unknown = [name for name in columns if name not in write.description]
    if unknown:
        raise missing_field(write.description.name, unknown)
    return columns


def _json_value(value: str, kind: str) -> Any:
    if value == CLEAR:
        return None
    if kind == "boolean":
        return value.strip().lower() == "true"
    try:
        if kind == "int":
            return int(value)
        if kind in _NUMBER_TYPES:
            return float(value)
    except ValueError:
        return value  # Salesforce names the field in its refusal, which quarantines the row
    return value


def _write_chunk(
    session: SalesforceSession, write: CollectionsWrite, keys: Sequence[str], records: Sequence[JsonRecord]
) -> Iterator[pd.DataFrame]:
    policy = session.retry
    for attempt in range(1, policy.attempts + 1):
        results = result_frame(write, keys, _call(session, write, records))
        groups = results["error_code"].map(classify, na_action="ignore")
        is_exhausted = groups == RetryClass.EXHAUSTED
        is_pending = (groups == RetryClass.TRANSIENT) & (attempt < policy.attempts)
        settled = results[~is_exhausted & ~is_pending]
        if len(settled):
            yield settled.reset_index(drop=True)
        if is_exhausted.any():
            code = results.loc[is_exhausted, "error_code"].iloc[0]
            msg = f"A limit of the Salesforce org is used up ({code}); the rows stay pending."
            raise OrgExhaustedError(msg)
        again = is_pending.to_numpy().nonzero()[0].tolist()
        if not again:
            return
        keys, records = [keys[place] for place in again], [records[place] for place in again]
        policy.sleep(policy.wait_seconds(attempt))


def _call(session: SalesforceSession, write: CollectionsWrite, records: Sequence[JsonRecord]) -> list[Any]:
    """Make one call and return Salesforce's answers, which stand in the order of the records."""
    name = write.description.name
    body = {"allOrNone": False, "records": list(records)}
    path, method, options = "composite/sobjects", "POST", {"json": body}
    if write.operation == "update":
        method = "PATCH"
    elif write.operation == "upsert":
        path, method = f"composite/sobjects/{name}/{identifier(write.external_id_field or '')}", "PATCH"
    elif write.operation == "delete":
        ids = ",".join(record["Id"] for record in records)
        method, options = "DELETE", {"params": {"ids": ids, "allOrNone": "false"}}
    answers = session.run(
        lambda client: client.restful(path, method=method, headers=dict(write.headers), **options),
        what=f"{write.operation} {len(records)} records of {name}",
        is_repeatable=write.is_repeatable,
    )
    if not isinstance(answers, list) or len(answers) != len(records):
        msg = (
            f"Salesforce did not answer for each of the {len(records)} {name} records it was sent; try again."
        )
        raise SalesforceUnavailableError(msg)
    return answers


def result_frame(
    write: CollectionsWrite, keys: Sequence[str], answers: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """Return Salesforce's answers for single records, in the order of ``keys``, as a RESULTS frame."""
    has_created = write.operation == "insert"
    errors = [(answer.get("errors") or [{}])[0] for answer in answers]
    found = [read_duplicates(error) for error in errors]
    frame = pd.DataFrame(
        {
            "key": list(keys),
            "record_id": [answer.get("id") for answer in answers],
            "is_success": [bool(answer.get("success")) for answer in answers],
            # Only an upsert's answer says whether it created.
            "is_created": [
                bool(answer.get("created", has_created and answer.get("success"))) for answer in answers
            ],
            "is_unprocessed": False,
            "error_code": [error.get("statusCode") for error in errors],
            "error_message": [error.get("message") for error in errors],
            "error_fields": [",".join(error.get("fields") or ()) or None for error in errors],
            "job_id": None,
            "duplicate_rule": [None if one is None else one.rule for one in found],
            "duplicate_ids": [None if one is None else " ".join(one.record_ids) for one in found],
            "is_blocked": [one is not None and one.is_blocked for one in found],
        }
    )
    return RESULTS.conform(frame)
