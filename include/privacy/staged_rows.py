"""Take a person's rows out of what runs have staged (rule Q11).

A row is about a person where any column says so that holds ids of clients, bookings, pairs or records. Rows of
everybody who attended the same booking go too: what was noted about it stands in each of them. Files are read and
rewritten batch by batch, each replaced as a whole, and only where a row goes, so that doing it again after a kill finds
the rest.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from include.ledger.erasing import ClientTraces
    from include.staging import StagedFile, Staging

_ROWS_PER_BATCH: Final = 25_000

_CLIENTS: Final = frozenset({"client_id", "new_client_id"})
_BOOKINGS: Final = frozenset({"appointment_id", "Coconut_Booking_Id__c"})
_PAIRS: Final = frozenset(
    {"booking_key", "old_booking_key", "new_booking_key", "Coconut_Booking_Key__c", "key"}
)
_KEYS_AND_IDS: Final = _PAIRS | frozenset(
    {
        "Coconut_Client_Key__c",
        "claim_key",
        "client_key",
        "person_ref",
        "ref",
        "record_id",
        "who_id",
        "event_id",
        "old_id",
        "new_id",
        "new_record_id",
        "member_id",
        "Id",
        "WhoId",
        "LeadId",
        "ContactId",
    }
)

_UNPARTED: Final = frozenset({"company_accounts.parquet", "plan_people.parquet"})
"""Lists with names of clients' companies, of which no column tells whose they are: the whole list goes. Nothing but a
later look at the run misses it."""

_LAST_PART: Final = "-[0-9]*$"
"""What a pair's key says of the attendee; the rest names the booking."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whose rows go, as columns name them: ids of clients, ids of bookings, and keys and Ids of any kind.

    ``pairs_of`` are the keys of the bookings' pairs without the attendee.
    """

    clients: frozenset[str]
    bookings: frozenset[str]
    keys_and_ids: frozenset[str]
    pairs_of: frozenset[str]

    @classmethod
    def of(cls, traces: Sequence[ClientTraces]) -> Subjects:
        """Return the subjects that the ledger knows some clients by."""
        keys: set[str] = set()
        for one in traces:
            keys |= one.booking_keys | one.record_ids | one.event_ids | one.claim_keys
            keys.add(f"new:{one.client_id}")
        return cls(
            clients=frozenset(one.client_id for one in traces),
            bookings=frozenset().union(*(one.appointment_ids for one in traces)),
            keys_and_ids=frozenset(keys),
            pairs_of=frozenset(key.rpartition("-")[0] for one in traces for key in one.booking_keys),
        )

    def of_column(self, name: str) -> frozenset[str]:
        """Return which values of a column are about the subjects; none for a column that says nothing of that."""
        if name in _CLIENTS:
            return self.clients
        if name in _BOOKINGS:
            return self.bookings
        return self.keys_and_ids if name in _KEYS_AND_IDS else frozenset()

    def telling(self, names: Sequence[str]) -> list[str]:
        """Return the columns, out of these, that may tell of the subjects."""
        return [name for name in names if self.of_column(name)]

    def are_in(self, row: Mapping[str, Any]) -> bool:
        """Tell whether one row is about the subjects."""
        return any(
            str(row[name]) in self.of_column(name)
            or (name in _PAIRS and self._is_of_their_booking(row[name]))
            for name in self.telling(list(row))
        )

    def _is_of_their_booking(self, key: object) -> bool:
        booking, hyphen, _ = str(key).rpartition("-")
        return bool(hyphen) and booking in self.pairs_of


def remove_rows(staging: Staging, run_id: str, subjects: Subjects, *, only_count: bool = False) -> int:
    """Rewrite every file of a run without the rows about the subjects, and return how many rows these were.

    ``only_count`` leaves the files alone. Files of other kinds than Parquet, CSV and JSON hold no rows.
    """
    files = [file for file in staging.files(run_id) if file.name.rpartition(".")[2] in _REMOVALS]
    found = {file: _remove_from(staging, run_id, file, subjects, only_count=True) for file in files}
    removed = sum(found.values())
    if removed and not only_count:
        # First: what a kill leaves of the rows below brings us here again.
        for file in files:
            if file.name in _UNPARTED:
                _empty(staging, run_id, file)
        for file in files:
            if found[file] and file.name not in _UNPARTED:
                _remove_from(staging, run_id, file, subjects, only_count=False)
    return removed


def _remove_from(
    staging: Staging, run_id: str, file: StagedFile, subjects: Subjects, *, only_count: bool
) -> int:
    remove = _REMOVALS[file.name.rpartition(".")[2]]
    with ExitStack() as stack:
        source = stack.enter_context(staging.open_input(run_id, file.stage, file.name))
        target = (
            None if only_count else stack.enter_context(staging.open_output(run_id, file.stage, file.name))
        )
        return remove(source, target, subjects)


def _remove_from_parquet(source: IO[bytes], target: IO[bytes] | None, subjects: Subjects) -> int:
    """Return how many rows are about the subjects; with a target, write the others to it."""
    file = pq.ParquetFile(source)
    telling = subjects.telling(file.schema_arrow.names)
    if not telling:
        return 0
    columns = telling if target is None else None
    found = 0
    with ExitStack() as stack:
        writer = None
        if target is not None:
            writer = stack.enter_context(pq.ParquetWriter(target, file.schema_arrow, compression="zstd"))
        for batch in file.iter_batches(_ROWS_PER_BATCH, columns=columns):
            is_theirs = _is_about(batch, telling, subjects)
            found += is_theirs.true_count
            if writer is not None:
                writer.write_batch(batch.filter(pc.invert(is_theirs)))
    return found


def _is_about(batch: pa.RecordBatch, telling: Sequence[str], subjects: Subjects) -> pa.BooleanArray:
    is_theirs: Any = pa.array([False] * len(batch), pa.bool_())
    for name in telling:
        values = batch.column(name).cast(pa.large_string())
        is_theirs = pc.or_(is_theirs, _is_among(values, subjects.of_column(name)))
        if name in _PAIRS:
            is_pair: Any = pc.match_substring_regex(values, _LAST_PART)
            bookings: Any = pc.replace_substring_regex(values, _LAST_PART, "")
            is_theirs = pc.or_(is_theirs, pc.and_kleene(is_pair, _is_among(bookings, subjects.pairs_of)))
    return cast("pa.BooleanArray", is_theirs)


def _is_among(values: Any, wanted: frozenset[str]) -> Any:
    return pc.is_in(values, value_set=pa.array(sorted(wanted), pa.large_string()))


def _remove_from_csv(source: IO[bytes], target: IO[bytes] | None, subjects: Subjects) -> int:
    """Return how many rows are about the subjects; with a target, write the others to it."""
    lines = io.TextIOWrapper(cast("Any", source), encoding="utf-8", newline="")
    reader = csv.DictReader(lines)
    names = list(reader.fieldnames or ())
    text = io.StringIO() if target is None else io.TextIOWrapper(cast("Any", target), "utf-8", newline="")
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    found = 0
    for row in reader:
        if subjects.are_in(row):
            found += 1
        elif target is not None:
            writer.writerow(row)
    for wrapper in (lines, text):
        if isinstance(wrapper, io.TextIOWrapper):
            wrapper.detach()  # which flushes; the file is its owner's to close
    return found


def _remove_from_json(source: IO[bytes], target: IO[bytes] | None, subjects: Subjects) -> int:
    """Return how many objects in lists are about the subjects; with a target, write what is left to it."""
    kept, found = _without(json.loads(source.read()), subjects)
    if target is not None:
        target.write(json.dumps(kept, ensure_ascii=False, sort_keys=True).encode())
    return found


def _without(value: Any, subjects: Subjects) -> tuple[Any, int]:
    if isinstance(value, dict):
        parts = {name: _without(part, subjects) for name, part in value.items()}
        return {name: part for name, (part, _) in parts.items()}, sum(count for _, count in parts.values())
    if isinstance(value, list):
        left = [one for one in value if not (isinstance(one, dict) and subjects.are_in(one))]
        pairs = [_without(one, subjects) for one in left]
        return [one for one, _ in pairs], len(value) - len(left) + sum(count for _, count in pairs)
    return value, 0


def _empty(staging: Staging, run_id: str, file: StagedFile) -> None:
    with staging.open_input(run_id, file.stage, file.name) as source:
        schema = pq.ParquetFile(source).schema_arrow
    with staging.open_output(run_id, file.stage, file.name) as target:
        pq.write_table(schema.empty_table(), target, compression="zstd")


_REMOVALS: Final[Mapping[str, Callable[[IO[bytes], IO[bytes] | None, Subjects], int]]] = {
    "parquet": _remove_from_parquet,
    "csv": _remove_from_csv,
    "json": _remove_from_json,
}
"""How rows are taken out of each kind of file: counted without a target, written to it otherwise."""
