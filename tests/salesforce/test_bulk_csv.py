from __future__ import annotations

import csv
import hashlib
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.salesforce.bulk_csv import bulk_parts, write_bulk_csv


def written(rows: pd.DataFrame, columns: list[str]) -> bytes:
    file = io.BytesIO()
    write_bulk_csv(rows, columns, file)
    return file.getvalue()


def read_back(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def texts(**columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})


@pytest.mark.rule("F4")
def test_missing_and_empty_values_leave_the_field_alone_and_clear_stays() -> None:
    rows = read_back(written(texts(Id=["1", "2", "3"], Location=[None, "", "#N/A"]), ["Id", "Location"]))
    assert rows == [["Id", "Location"], ["1", ""], ["2", ""], ["3", "#N/A"]]


def test_columns_stand_in_the_order_that_was_asked_for() -> None:
    assert read_back(written(texts(A=["a"], B=["b"], C=["c"]), ["C", "A"]))[0] == ["C", "A"]


def test_there_is_no_byte_order_mark() -> None:
    assert written(texts(Subject=["é"]), ["Subject"])[:9] == b'"Subject"'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=20))
def test_every_text_survives_with_one_kind_of_line_ending(values: list[str]) -> None:
    content = written(
        texts(Id=[str(number) for number in range(len(values))], Note=list(values)), ["Id", "Note"]
    )
    assert b"\r" not in content
    normalised = [value.replace("\r\n", "\n").replace("\r", "\n") for value in values]
    assert [row[1] for row in read_back(content)[1:]] == normalised


def test_the_digest_and_the_sizes_are_those_of_the_file() -> None:
    file = io.BytesIO()
    measured = write_bulk_csv(texts(Id=["1", "2"]), ["Id"], file)
    assert measured.digest == hashlib.sha256(file.getvalue()).hexdigest()
    assert (measured.rows, measured.bytes) == (2, len(file.getvalue()))


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = texts(Id=["1", "2"], Subject=["a, b", None])
    assert written(rows, ["Id", "Subject"]) == written(rows.copy(), ["Id", "Subject"])


def test_no_rows_give_a_header_alone() -> None:
    assert written(texts(Id=[]), ["Id"]) == b'"Id"\n'


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=60),
    st.integers(min_value=400, max_value=900),
)
def test_parts_stay_below_the_limit_and_lose_nothing(values: list[str], largest: int) -> None:
    rows = texts(Note=list(values))
    parts = list(bulk_parts(rows, ["Note"], largest_bytes=largest))
    assert [value for part in parts for value in part["Note"]] == values
    assert all(len(written(part, ["Note"])) <= largest for part in parts)
