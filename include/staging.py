"""Where frames wait between tasks: Parquet, JSON and CSV files on a folder or an object store.

Layout: ``<root>/<run>/<stage>/<name>.<kind>``. A stage rewrites its own output, so a reader never sees half a file:
on a file system a file is written beside its place and moved there, on S3 an object appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from include.errors import ConfigurationError, StagedFileGoneError

if TYPE_CHECKING:
    import pandas as pd

    from include.frames import FrameContract

SETTING: Final = "APPOINTMENT_SYNC_STAGING"

_LONGEST_SEGMENT: Final = 200
_FRAME: Final = ".parquet"
_JSON: Final = ".json"
_PART: Final = ".part"
_BYTES_PER_COPY: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that a stage of a run has written; ``name`` has its extension, ``written_at`` is the store's clock."""

    stage: str
    name: str
    written_at: datetime


class Staging:
    """Frames and files of runs, below one URL (``file:///…`` or ``s3://bucket/…``).

    Errors of the store are raised as ``ConfigurationError`` when writing, because a person has to give us a writable
    place, and as ``StagedFileGoneError`` when something that an earlier stage wrote is gone.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            self._store, root = fs.FileSystem.from_uri(url)
        except (pa.ArrowException, OSError, ValueError) as error:
            msg = f"The staging location {url} is no URL of a folder: set {SETTING} to file:///… or s3://…."
            raise ConfigurationError(msg) from error
        self._root = root.rstrip("/")
        self._is_local = isinstance(self._store, fs.LocalFileSystem)

    @property
    def url(self) -> str:
        """Return the URL below which everything lies."""
        return self._url

    def check(self) -> None:
        """Write and remove a small file.

        Raises:
            ConfigurationError: the location cannot be written.
        """
        probe = f"{self._root}/.probe-{uuid4().hex}"
        with self._writing(probe) as file:
            file.write(b"writable\n")
        self._store.delete_file(probe)

    # --- frames

    def write_frame(self, run_id: str, stage: str, name: str, frame: pd.DataFrame) -> None:
        """Write a frame; its index is not kept."""
        table = pa.Table.from_pandas(frame, preserve_index=False)
        with self._writing(self._path(run_id, stage, name + _FRAME)) as file:
            pq.write_table(table, file, compression="zstd")

    def read_frame(
        self, run_id: str, stage: str, name: str, contract: FrameContract | None = None
    ) -> pd.DataFrame:
        """Return a frame as it was written; with a contract its columns have exactly the contract's dtypes.

        Raises:
            StagedFileGoneError: there is no such frame.
            FrameContractError: it does not hold what the contract says.
        """
        with self._reading(self._path(run_id, stage, name + _FRAME)) as file:
            frame = pq.read_table(file).to_pandas()
        return frame if contract is None else contract.conform(frame)

    def names(self, run_id: str, stage: str) -> list[str]:
        """Return the names of the frames that a stage has written, sorted."""
        selector = fs.FileSelector(self._path(run_id, stage), allow_not_found=True)
        names = [info.base_name for info in self._store.get_file_info(selector) if info.is_file]
        return sorted(unquote(name.removesuffix(_FRAME)) for name in names if name.endswith(_FRAME))

    # --- small facts and other files

    def write_json(self, run_id: str, stage: str, name: str, value: Any) -> None:
        """Write what ``json`` can hold."""
        with self._writing(self._path(run_id, stage, name + _JSON)) as file:
            file.write(json.dumps(value, ensure_ascii=False, sort_keys=True).encode())

    def has_json(self, run_id: str, stage: str, name: str) -> bool:
        """Tell whether there is such a file of ``write_json``."""
        info = self._store.get_file_info(self._path(run_id, stage, name + _JSON))
        return bool(info.type is fs.FileType.File)

    def read_json(self, run_id: str, stage: str, name: str) -> Any:
        """Return what ``write_json`` wrote.

        Raises:
            StagedFileGoneError: there is no such file.
        """
        with self._reading(self._path(run_id, stage, name + _JSON)) as file:
            return json.loads(file.read())

    @contextmanager
    def open_output(self, run_id: str, stage: str, name: str) -> Iterator[IO[bytes]]:
        """Hand out a binary file to write; it appears under ``name`` (with its extension) once the block ends well."""
        with self._writing(self._path(run_id, stage, name)) as file:
            yield file

    @contextmanager
    def open_input(self, run_id: str, stage: str, name: str) -> Iterator[IO[bytes]]:
        """Hand out a seekable binary file that ``open_output`` wrote.

        Raises:
            StagedFileGoneError: there is no such file.
        """
        with self._reading(self._path(run_id, stage, name)) as file:
            yield file

    # --- clearing

    def clear(self, run_id: str, stage: str) -> None:
        """Remove what a stage of a run has written."""
        self._remove(self._path(run_id, stage))

    def delete_run(self, run_id: str) -> None:
        """Remove everything that a run has written."""
        self._remove(self._path(run_id))

    # --- looking around

    def run_ids(self) -> list[str]:
        """Return the runs that have written something, sorted."""
        found = self._store.get_file_info(fs.FileSelector(self._root, allow_not_found=True))
        return sorted(unquote(info.base_name) for info in found if info.type is fs.FileType.Directory)

    def files(self, run_id: str) -> list[StagedFile]:
        """Return what a run has written, sorted by stage and name."""
        top = self._path(run_id)
        selector = fs.FileSelector(top, allow_not_found=True, recursive=True)
        found = []
        for info in self._store.get_file_info(selector):
            stage, _, name = info.path[len(top) + 1 :].partition("/")
            if info.is_file and name and not name.endswith(_PART):
                # Every store of pyarrow's that we admit tells when a file was written.
                found.append(StagedFile(unquote(stage), unquote(name), cast("datetime", info.mtime)))
        return sorted(found, key=lambda file: (file.stage, file.name))

    def location(self, run_id: str, stage: str, name: str) -> str:
        """Return the path of a file inside the store, for people and for the ledger."""
        return self._path(run_id, stage, name)

    def _path(self, *parts: str) -> str:
        return "/".join([self._root, *(safe_segment(part) for part in parts)])

    def _remove(self, path: str) -> None:
        if self._store.get_file_info(path).type is not fs.FileType.NotFound:
            self._store.delete_dir(path)

    @contextmanager
    def _writing(self, path: str) -> Iterator[IO[bytes]]:
        """Open ``path`` for writing; an error inside the block leaves what was there before."""
        if not self._is_local:
            # An object that is closed is an object that exists, so nothing is sent before all of it is known.
            with tempfile.TemporaryFile(prefix="staging-") as spool:
                yield spool
                spool.seek(0)
                with self._creating(path) as stream:
                    shutil.copyfileobj(spool, stream, _BYTES_PER_COPY)
            return
        # The name is nobody else's: two runs check the location at once, and a task may be executed twice.
        part = f"{path}.{uuid4().hex}{_PART}"
        with self._creating(part) as stream:
            try:
                yield stream
            except BaseException:
                self._store.delete_file(part)
                raise
        self._store.move(part, path)

    @contextmanager
    def _creating(self, path: str) -> Iterator[IO[bytes]]:
        try:
            if self._store.type_name != "s3":  # which has no folders
                self._store.create_dir(path.rpartition("/")[0], recursive=True)
            stream = self._store.open_output_stream(path)
        except OSError as error:
            msg = (
                f"The staging location {self._url} cannot be written: make it writable for the user that Airflow runs "
                f"as, or set {SETTING} to another folder."
            )
            raise ConfigurationError(msg) from error
        with stream:
            yield cast("IO[bytes]", stream)

    @contextmanager
    def _reading(self, path: str) -> Iterator[IO[bytes]]:
        try:
            stream = self._store.open_input_file(path)
        except FileNotFoundError as error:
            msg = f"The staged file {path} is gone: clear the task that writes it, and run it again."
            raise StagedFileGoneError(msg) from error
        except OSError as error:
            msg = f"The staging location {self._url} cannot be read: check {SETTING} and its permissions."
            raise ConfigurationError(msg) from error
        with stream:
            yield cast("IO[bytes]", stream)


def safe_segment(text: str) -> str:
    """Return ``text`` as one segment of a path; run ids hold colons and plus signs, which some stores refuse."""
    segment = quote(text, safe="")
    if not segment.strip("."):
        segment = segment.replace(".", "%2E") or "%00"
    if len(segment) <= _LONGEST_SEGMENT:
        return segment
    return f"{segment[:_LONGEST_SEGMENT]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
