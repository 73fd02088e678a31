"""CSV as Bulk API 2.0 reads and writes it, streamed from and to files.

Facts: "Bulk API 2.0 and Bulk API Developer Guide" v66, *Prepare CSV files* and *Get results*. The wording of the
errors for rows of a wrong width, bad quoting and bad encoding is ours; the guide does not give Salesforce's.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import NamedTuple

_CHUNK_BYTES = 1 << 20
_MAX_HEADER_CHARACTERS = 32_000
_MAX_COLUMNS = 5_000
_JAVA_PLAIN_BELOW = 10_000_000
_JAVA_PLAIN_FROM = 0.001


class UploadError(Exception):
    """A whole upload is refused; the text becomes the job's errorMessage."""


class LineEnding(StrEnum):
    """The line ending a job declares for its whole file."""

    LF = "LF"
    CRLF = "CRLF"

    @property
    def characters(self) -> str:
        """The characters themselves."""
        return "\n" if self is LineEnding.LF else "\r\n"


class ColumnDelimiter(StrEnum):
    """The column delimiters Bulk API 2.0 knows."""

    COMMA = "COMMA"
    SEMICOLON = "SEMICOLON"
    TAB = "TAB"
    PIPE = "PIPE"
    CARET = "CARET"
    BACKQUOTE = "BACKQUOTE"

    @property
    def character(self) -> str:
        """The character itself."""
        return {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}[
            self.value
        ]


class CsvFormat(NamedTuple):
    """How a job's files are written."""

    delimiter: ColumnDelimiter
    line_ending: LineEnding


class CsvFile(NamedTuple):
    """What one pass over an upload learned: its columns and how many rows follow."""

    columns: tuple[str, ...]
    rows: int


def inspect(path: Path, csv_format: CsvFormat) -> CsvFile:
    """Check a whole upload in one streaming pass.

    Raises:
        UploadError: the file's line endings, encoding, quoting or row widths are not what the job promised.
    """
    _check_line_endings(path, csv_format.line_ending)
    rows = _read(path, csv_format)
    header = next(rows, None)
    if header is None:
        raise UploadError("InvalidBatch : The CSV file has no header row")
    columns = _checked_header(header)
    widths = Counter(map(len, rows))
    if widths.keys() - {len(columns)}:
        raise UploadError(_first_odd_row(path, csv_format, len(columns)))
    return CsvFile(columns, widths.total())


def _first_odd_row(path: Path, csv_format: CsvFormat, width: int) -> str:
    number, row = next(
        (number, row) for number, row in enumerate(_read(path, csv_format)) if len(row) != width
    )
    return (
        f"InvalidBatch : The number of data columns ({len(row)}) differs from the number of columns "
        f"in the CSV header ({width}) in row {number}"
    )


def rows_of(path: Path, csv_format: CsvFormat, *, skip: int) -> Iterator[list[str]]:
    """Yield the rows of an upload, without the header and the first ``skip`` rows; with the header if that is -1."""
    return islice(_read(path, csv_format), skip + 1, None)


def _read(path: Path, csv_format: CsvFormat) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, delimiter=csv_format.delimiter.character, strict=True)
            yield from filter(None, reader)  # a blank line holds no row
    except csv.Error as error:
        message = f"ClientInputError : Failed to parse CSV: {error}"
        raise UploadError(message) from error
    except UnicodeDecodeError as error:
        raise UploadError("ClientInputError : Failed to parse CSV: the file is not UTF-8") from error


def _checked_header(columns: list[str]) -> tuple[str, ...]:
    if len(columns) > _MAX_COLUMNS or sum(map(len, columns)) > _MAX_HEADER_CHARACTERS:
        raise UploadError("InvalidBatch : The CSV header is too long")
    repeated = next((name for i, name in enumerate(columns) if name in columns[:i]), None)
    if repeated is not None:
        message = f"InvalidBatch : Duplicate field found in the CSV header : {repeated}"
        raise UploadError(message)
    return tuple(columns)


def _check_line_endings(path: Path, expected: LineEnding) -> None:
    """Compare every line ending of the file, those inside quoted values too, with the declared one."""
    newlines = with_return = 0
    after_return = False
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            newlines += chunk.count(b"\n")
            with_return += chunk.count(b"\r\n") + (after_return and chunk.startswith(b"\n"))
            after_return = chunk.endswith(b"\r")
    wrong = with_return if expected is LineEnding.LF else newlines - with_return
    if wrong:
        message = (
            f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {expected}"
        )
        raise UploadError(message)


def quoted_lines(rows: Iterable[Sequence[str]], csv_format: CsvFormat) -> list[str]:
    """Return each row's line, every value quoted; several times faster than a csv writer."""
    between = f'"{csv_format.delimiter.character}"'
    end = f'"{csv_format.line_ending.characters}'
    lines = []
    for row in rows:
        line = between.join(row)
        if line.count('"') != 2 * (len(row) - 1):  # some value holds a quote itself
            line = between.join([value.replace('"', '""') for value in row])
        lines.append(f'"{line}{end}')
    return lines


def table_of(rows: Iterable[Sequence[str]], csv_format: CsvFormat) -> bytes:
    """Return a small table, every value quoted."""
    return "".join(quoted_lines(rows, csv_format)).encode()


class ResultFile:
    """A result file that grows batch by batch and can be cut back to a size known to be settled."""

    def __init__(self, path: Path, csv_format: CsvFormat) -> None:
        self.path = path
        self._format = csv_format

    def begin(self, columns: Sequence[str]) -> None:
        """Start the file anew with its header."""
        self.path.unlink(missing_ok=True)
        self.append([columns])

    def append(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows, every value quoted."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.writelines(quoted_lines(rows, self._format))

    def size(self) -> int:
        """Return the length in bytes."""
        return self.path.stat().st_size

    def cut(self, size: int) -> None:
        """Drop whatever was written after the file had that size."""
        with self.path.open("r+b") as file:
            file.truncate(size)


def echo(columns: Sequence[str], *, known: Callable[[str], bool], numeric: Callable[[str], bool]) -> RowEcho:
    """Return a function that renders an uploaded row as result files show it.

    Numbers are re-rendered as Java renders a double (912260031 becomes 9.12260031E8); the value of a column whose
    header does not match a field letter by letter comes back empty.
    """
    numbers = tuple(i for i, name in enumerate(columns) if numeric(name))
    blanks = tuple(i for i, name in enumerate(columns) if not known(name))
    if not numbers and not blanks:
        return lambda row: row

    def render(row: list[str]) -> list[str]:
        rendered = row.copy()
        for i in numbers:
            rendered[i] = java_double(row[i])
        for i in blanks:
            rendered[i] = ""
        return rendered

    return render


RowEcho = Callable[[list[str]], list[str]]


def java_double(text: str) -> str:
    """Render a number the way Java's ``Double.toString`` does; anything else comes back as it was."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not isfinite(number):
        return text
    if number == 0 or _JAVA_PLAIN_FROM <= abs(number) < _JAVA_PLAIN_BELOW:
        return repr(number) if "e" not in repr(number) else text
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{int(exponent) + len(digits) - 1}"


def shuffled(rows: Sequence[list[str]], *, seed: str) -> list[list[str]]:
    """Return the rows in another order, the same one for the same seed: result order is not guaranteed."""
    order = list(rows)
    random.Random(seed).shuffle(order)  # noqa: S311 -- not a secret, and must repeat
    return order
