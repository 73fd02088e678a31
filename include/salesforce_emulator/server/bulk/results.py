"""The three result files of a finished ingest job, streamed from disk."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from pathlib import Path

from starlette.responses import FileResponse, Response, StreamingResponse

from include.salesforce_emulator.server.bulk.csv_codec import ResultFile, UploadError, rows_of, table_of
from include.salesforce_emulator.server.bulk.jobs import IngestJob, JobFiles, JobStore

SUCCESS_COLUMNS = ("sf__Id", "sf__Created")
FAILURE_COLUMNS = ("sf__Id", "sf__Error")
CSV_MEDIA_TYPE = "text/csv; charset=UTF-8"
_CHUNK_BYTES = 1 << 16
_COPY_ROWS = 10_000


def successes(jobs: JobStore, job: IngestJob) -> Response:
    """Answer the rows that were written."""
    return _settled(jobs, job, jobs.files(job.id).successes, job.successes_bytes, SUCCESS_COLUMNS)


def failures(jobs: JobStore, job: IngestJob) -> Response:
    """Answer the rows that were refused, each with its error."""
    return _settled(jobs, job, jobs.files(job.id).failures, job.failures_bytes, FAILURE_COLUMNS)


def unprocessed(jobs: JobStore, job: IngestJob) -> Response:
    """Answer the rows the job never came to; the file is made when it is first asked for."""
    files = jobs.files(job.id)
    if not files.upload.exists():
        return Response(b"", media_type=CSV_MEDIA_TYPE)
    if not files.unprocessed.exists():
        # Made aside and then renamed, so that two requests at once cannot see half a file.
        draft = files.folder / f"{uuid.uuid4().hex}.draft"
        _write_rest(files, job, draft)
        draft.replace(files.unprocessed)
    return FileResponse(files.unprocessed, media_type=CSV_MEDIA_TYPE)


def _settled(jobs: JobStore, job: IngestJob, path: Path, size: int, prefix: Sequence[str]) -> Response:
    """Answer that part of a result file which was committed with its rows; a header if no row was come to."""
    if path.exists() and size > 0:
        length = {"Content-Length": str(size)}
        return StreamingResponse(file_parts(path, (0, size)), media_type=CSV_MEDIA_TYPE, headers=length)
    content = table_of([(*prefix, *_uploaded_columns(jobs.files(job.id), job))], job.csv_format)
    return Response(content, media_type=CSV_MEDIA_TYPE)


async def file_parts(path: Path, *spans: tuple[int, int]) -> AsyncIterator[bytes]:
    """Yield the bytes of a file from each span's start up to its end.

    It reads in the event loop: a piece that was just written comes faster than a thread would take over.
    """
    with path.open("rb") as file:
        for start, end in spans:
            file.seek(start)
            left = end - start
            while left > 0 and (chunk := file.read(min(_CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk


def _uploaded_columns(files: JobFiles, job: IngestJob) -> list[str]:
    if not files.upload.exists():
        return []
    try:
        return next(rows_of(files.upload, job.csv_format, skip=-1), [])
    except UploadError:
        return []


def _write_rest(files: JobFiles, job: IngestJob, draft: Path) -> None:
    rest = ResultFile(draft, job.csv_format)
    try:
        rows = rows_of(files.upload, job.csv_format, skip=-1)
        rest.begin(next(rows, []))
        rows = islice(rows, job.processed, None)
        while batch := list(islice(rows, _COPY_ROWS)):
            rest.append(batch)
    except UploadError:
        # What cannot be parsed goes back as it came.
        shutil.copyfile(files.upload, draft)
