"""The CSV files that Bulk API 2.0 answers with: streamed to disk, read in frames, joined by our key."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pandas as pd
from simple_salesforce.api import Salesforce

from include.errors import FatalError
from include.frames import RESULTS
from include.salesforce.error_codes import parse_bulk_errors
from include.salesforce.refusals import raise_refusal
from include.salesforce.session import SalesforceSession

_ROWS_PER_FRAME: Final = 50_000
_BYTES_PER_READ: Final = 1 << 20


def read_results(
    session: SalesforceSession, job_id: str, *, key_columns: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Yield RESULTS frames of a job that has ended, one row for each row that was sent, in no order.

    Results are known by the texts in ``key_columns``, which were columns of the upload: Salesforce returns rows in any
    order, re-renders numbers, and returns only columns that are fields ("Get Job Successful Record Results"). The key
    of several columns is those of their texts that are not empty, with a colon between them.
    """
    for name, as_results in (
        ("successfulResults", _succeeded),
        ("failedResults", _failed),
        ("unprocessedrecords", _unprocessed),
    ):
        with _downloaded(
            session, f"jobs/ingest/{job_id}/{name}/", f"return the results of Bulk job {job_id}"
        ) as path:
            for frame in read_csv_frames(path, needs=key_columns):
                yield RESULTS.conform(
                    as_results(frame.assign(key=_keys(frame, key_columns))).assign(job_id=job_id)
                )


def _keys(frame: pd.DataFrame, key_columns: Sequence[str]) -> pd.Series[str]:
    keys = frame[key_columns[0]].fillna("")
    for name in key_columns[1:]:
        keys = keys + (":" + frame[name]).fillna("")
    return keys


def read_csv_frames(path: Path, *, needs: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """Yield a CSV file of Salesforce's as frames of text columns, where only an empty cell is missing.

    Args:
        path: an empty file has no rows.
        needs: read these columns and Salesforce's own (``sf__…``) only; without any, read all.

    Raises:
        FatalError: one of the columns ``needs`` is not there.
    """
    if path.stat().st_size == 0:
        return
    try:
        chunks = pd.read_csv(
            path,
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            usecols=(lambda name: name in needs or name.startswith("sf__")) if needs else None,
            chunksize=_ROWS_PER_FRAME,
            encoding="utf-8",
        )
    except pd.errors.EmptyDataError:
        return
    with chunks:
        for frame in chunks:
            if missing := [name for name in needs if name not in frame]:
                names = ", ".join(missing)
                msg = f"Salesforce's results lack the column {names}; upload it under the field's exact API name."
                raise FatalError(msg)
            yield frame


@contextmanager
def download(
    session: SalesforceSession, path: str, what: str, params: Mapping[str, str] | None = None
) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Stream an answer to a temporary file and hand out its path and the answer's headers."""
    with tempfile.TemporaryDirectory(prefix="salesforce-") as folder:
        target = Path(folder) / "answer"

        def save(client: Salesforce) -> Mapping[str, str]:
            headers = {**client.headers, "Accept": "text/csv"}
            url = client.base_url + path
            with client.session.request("GET", url, params=params, headers=headers, stream=True) as answer:
                raise_refusal(answer)
                with target.open("wb") as file:
                    for piece in answer.iter_content(_BYTES_PER_READ):
                        file.write(piece)
                told: Mapping[str, str] = answer.headers
                return told

        yield target, session.run(save, what=what)


@contextmanager
def _downloaded(session: SalesforceSession, path: str, what: str) -> Iterator[Path]:
    with download(session, path, what) as (file, _):
        yield file


def _succeeded(rows: pd.DataFrame) -> pd.DataFrame:
    return _results(rows).assign(
        record_id=rows["sf__Id"], is_success=True, is_created=rows["sf__Created"].str.lower().eq("true")
    )


def _failed(rows: pd.DataFrame) -> pd.DataFrame:
    errors = parse_bulk_errors(rows["sf__Error"])
    return _results(rows).assign(
        record_id=rows.get("sf__Id"),
        error_code=errors["code"],
        error_message=errors["message"],
        error_fields=errors["fields"],
    )


def _unprocessed(rows: pd.DataFrame) -> pd.DataFrame:
    return _results(rows).assign(is_unprocessed=True)


def _results(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": rows["key"],
            "record_id": None,
            "is_success": False,
            "is_created": False,
            "is_unprocessed": False,
            "error_code": None,
            "error_message": None,
            "error_fields": None,
            "duplicate_rule": None,
            "duplicate_ids": None,
            "is_blocked": False,
        }
    )
