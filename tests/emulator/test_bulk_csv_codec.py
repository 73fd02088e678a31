from __future__ import annotations

from pathlib import Path

import pytest

from include.salesforce_emulator.server.bulk.csv_codec import (
    ColumnDelimiter,
    CsvFormat,
    LineEnding,
    ResultFile,
    UploadError,
    inspect,
    java_double,
    quoted_lines,
    rows_of,
    shuffled,
)

pytestmark = pytest.mark.rule("P3")
_LF = CsvFormat(ColumnDelimiter.COMMA, LineEnding.LF)
_CRLF = CsvFormat(ColumnDelimiter.COMMA, LineEnding.CRLF)


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path / "upload.csv"


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("912260031", "9.12260031E8"),
        ("60", "60.0"),
        ("0", "0.0"),
        ("-1.5", "-1.5"),
        ("9999999", "9999999.0"),
        ("10000000", "1.0E7"),
        ("0.001", "0.001"),
        ("0.00012", "1.2E-4"),
        ("-12345678.5", "-1.23456785E7"),
        ("", ""),
        ("#N/A", "#N/A"),
        ("nan", "nan"),
        ("1e400", "1e400"),
    ],
)
def test_numbers_are_rendered_as_java_does(text: str, rendered: str) -> None:
    assert java_double(text) == rendered


def test_a_carriage_return_at_the_edge_of_a_chunk_is_seen(upload: Path) -> None:
    row = b"a,b\r\n"
    for header in (b"Id,N\r\n", b"Id,Na\r\n", b"Id,Nam\r\n", b"Id,Name\r\n", b"Id,Names\r\n"):
        upload.write_bytes(header + row * 250_000)
        assert inspect(upload, _CRLF).rows == 250_000


def test_inspection_tells_columns_and_counts_rows_without_blank_lines(upload: Path) -> None:
    upload.write_text('Id,Name\n1,"a\nb"\n\n2,b\n')
    assert inspect(upload, _LF) == (("Id", "Name"), 2)


def test_a_column_named_twice_is_refused(upload: Path) -> None:
    upload.write_text("Id,Id\n1,2\n")
    with pytest.raises(UploadError, match="Duplicate field"):
        inspect(upload, _LF)


def test_rows_can_be_skipped(upload: Path) -> None:
    upload.write_text("Id\n1\n2\n3\n")
    assert list(rows_of(upload, _LF, skip=2)) == [["3"]]


def test_a_result_file_is_cut_back_to_what_was_settled(upload: Path) -> None:
    file = ResultFile(upload, _LF)
    file.begin(["Id"])
    file.append([["1"]])
    settled = file.size()
    file.append([["2"]])
    file.cut(settled)
    file.append([["3"]])
    assert upload.read_text() == '"Id"\n"1"\n"3"\n'


def test_each_row_is_one_line_of_bytes(upload: Path) -> None:
    assert quoted_lines([("a", 'b"\n'), ("c", "é")], _LF) == ['"a","b""\n"\n', '"c","é"\n']


def test_shuffling_is_repeatable_and_loses_nothing() -> None:
    rows = [[str(n)] for n in range(100)]
    assert shuffled(rows, seed="a") == shuffled(rows, seed="a")
    assert shuffled(rows, seed="a") not in (rows, shuffled(rows, seed="b"))
    assert sorted(shuffled(rows, seed="a")) == sorted(rows)
