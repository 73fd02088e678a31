"""Bulk API 2.0 as simple-salesforce 1.12.10 drives it: every operation, every delimiter, every result file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from simple_salesforce import Salesforce
from simple_salesforce.bulk2 import ColumnDelimiter, LineEnding
from simple_salesforce.exceptions import SalesforceBulkV2LoadError, SalesforceOperationError

from tests.contract.library import Library, rows_of

pytestmark = pytest.mark.rule("P3")
_KEY = "Person_Key__c"
_ALL = "SELECT LastName FROM Lead ORDER BY LastName"
_SIGNS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
_NASTY = ['say "hi"', "two\nlines", "a,b;c\td|e^f`g", "José 🦜 北京", "O'Brien", "#", '"', "=1+1"]


def _people(*names: str) -> list[dict[str, str]]:
    return [{"LastName": name, "Company": "C", _KEY: f"key of {name}"} for name in names]


def _names(library: Library) -> list[str]:
    return [row["LastName"] for row in library.org.query(_ALL)]


def _seed(library: Library, *names: str) -> list[dict[str, str]]:
    return [{"Id": record_id} for record_id in library.org.seed("Lead", *_people(*names))]


def test_insert_says_what_it_did_and_its_results_name_every_record(library: Library, sf: Salesforce) -> None:
    (summary,) = sf.bulk2.Lead.insert(records=[*_people("A", "B"), {"Company": "C"}], wait=0)
    counts = {name: number for name, number in summary.items() if name != "job_id"}
    assert counts == {"numberRecordsFailed": 1, "numberRecordsProcessed": 3, "numberRecordsTotal": 3}
    done = rows_of(sf.bulk2.Lead.get_successful_records(summary["job_id"]))
    assert {row["LastName"]: row["sf__Created"] for row in done} == {"A": "true", "B": "true"}
    (refused,) = rows_of(sf.bulk2.Lead.get_failed_records(summary["job_id"]))
    assert refused["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert rows_of(sf.bulk2.Lead.get_unprocessed_records(summary["job_id"])) == []
    assert _names(library) == ["A", "B"]


def test_update_upsert_delete_and_hard_delete(library: Library, sf: Salesforce) -> None:
    ids = _seed(library, "A", "B", "C")
    sf.bulk2.Lead.update(records=[{**ids[0], "LastName": "A2"}], wait=0)
    (summary,) = sf.bulk2.Lead.upsert(records=_people("B", "D"), external_id_field=_KEY, wait=0)
    done = rows_of(sf.bulk2.Lead.get_successful_records(summary["job_id"]))
    assert {row["LastName"]: row["sf__Created"] for row in done} == {"B": "false", "D": "true"}
    assert _names(library) == ["A2", "B", "C", "D"]
    sf.bulk2.Lead.delete(records=[ids[1]], wait=0)
    sf.bulk2.Lead.hard_delete(records=[ids[2]], wait=0)
    assert _names(library) == ["A2", "D"]
    everything = sf.query_all("SELECT LastName FROM Lead ORDER BY LastName", include_deleted=True)["records"]
    assert [record["LastName"] for record in everything] == ["A2", "B", "D"]


def test_the_library_itself_wants_nothing_but_ids_for_a_deletion(sf: Salesforce) -> None:
    with pytest.raises(SalesforceBulkV2LoadError, match="only 'Id'"):
        sf.bulk2.Lead.delete(records=[{"Id": "x", "LastName": "y"}], wait=0)


@pytest.mark.parametrize("delimiter", ColumnDelimiter)
def test_values_of_every_kind_survive_both_ways_with_every_delimiter(
    library: Library, sf: Salesforce, delimiter: ColumnDelimiter
) -> None:
    (summary,) = sf.bulk2.Lead.insert(records=_people(*_NASTY), column_delimiter=delimiter, wait=0)
    assert (summary["numberRecordsProcessed"], summary["numberRecordsFailed"]) == (len(_NASTY), 0)
    sign = _SIGNS[delimiter.value]
    done = rows_of(sf.bulk2.Lead.get_successful_records(summary["job_id"]), sign)
    assert sorted(row["LastName"] for row in done) == sorted(_NASTY)
    pages = sf.bulk2.Lead.query(_ALL, column_delimiter=delimiter, wait=0)
    found = [row["LastName"] for page in pages for row in rows_of(page, sign)]
    assert sorted(found) == sorted(_names(library)) == sorted(_NASTY)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_both_line_endings_are_taken_and_given(library: Library, sf: Salesforce, quoting: int) -> None:
    for line_ending, sign in ((LineEnding.LF, "\n"), (LineEnding.CRLF, "\r\n")):
        people = _people(line_ending.value)
        (summary,) = sf.bulk2.Lead.insert(records=people, line_ending=line_ending, quoting=quoting, wait=0)
        assert sf.bulk2.Lead.get_successful_records(summary["job_id"]).count(sign) == 2
        page = next(sf.bulk2.Lead.query(_ALL, line_ending=line_ending, wait=0))
        assert page.endswith(sign)
    assert _names(library) == ["CRLF", "LF"]


def test_a_file_goes_up_and_a_query_comes_down_to_files(
    library: Library, sf: Salesforce, tmp_path: Path
) -> None:
    names = [f"L{n:03}" for n in range(7)]
    file = tmp_path / "people.csv"
    file.write_text("LastName,Company\n" + "".join(f'"{name}",C\n' for name in names), encoding="utf-8")
    (summary,) = sf.bulk2.Lead.insert(csv_file=str(file), wait=0)
    assert summary["numberRecordsProcessed"] == 7
    parts = sf.bulk2.Lead.download(_ALL, path=str(tmp_path), max_records=3, wait=0)
    assert [part["number_of_records"] for part in parts] == [3, 3, 1]
    found = [row["LastName"] for part in parts for row in rows_of(Path(part["file"]).read_text("utf-8"))]
    assert found == names
    result = tmp_path / "successful.csv"
    sf.bulk2.Lead.get_successful_records(summary["job_id"], file=str(result))
    assert len(rows_of(result.read_text("utf-8"))) == 7


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_batch_size_makes_several_jobs(library: Library, sf: Salesforce, concurrency: int) -> None:
    people = _people(*(f"L{n}" for n in range(7)))
    summaries = sf.bulk2.Lead.insert(records=people, batch_size=3, concurrency=concurrency, wait=0)
    assert sorted(summary["numberRecordsProcessed"] for summary in summaries) == [1, 3, 3]
    assert len({summary["job_id"] for summary in summaries}) == 3
    assert library.org.calls()["bulk_ingest_create"] == 3
    assert len(_names(library)) == 7


def test_a_query_comes_in_pages_and_query_all_shows_deleted_records(library: Library, sf: Salesforce) -> None:
    ids = _seed(library, "A", "B", "C")
    library.org.delete("Lead", ids[0]["Id"])
    assert [len(rows_of(page)) for page in sf.bulk2.Lead.query(_ALL, max_records=1, wait=0)] == [1, 1]
    assert [len(rows_of(page)) for page in sf.bulk2.Lead.query_all(_ALL, wait=0)] == [3]
    assert library.org.calls()["bulk_query_results"] == 3


def test_a_query_without_rows_is_its_header(sf: Salesforce) -> None:
    assert list(sf.bulk2.Lead.query(_ALL, wait=0)) == ['"LastName"\n']


def test_a_failed_job_raises_with_the_orgs_words(sf: Salesforce) -> None:
    with pytest.raises(SalesforceOperationError, match="InvalidBatch : Field name not found : Nonsense"):
        sf.bulk2.Lead.insert(records=[{"LastName": "A", "Nonsense": "x"}], wait=0)


def test_a_job_that_fails_half_way_keeps_its_rows_and_hands_the_rest_back(
    library: Library, sf: Salesforce
) -> None:
    library.org.script({"type": "fail_job", "after_rows": 2})
    with pytest.raises(SalesforceOperationError, match="Job failure"):
        sf.bulk2.Lead.insert(records=_people("A", "B", "C"), wait=0)
    (job,) = sf.restful("jobs/ingest")["records"]
    rest = rows_of(sf.bulk2.Lead.get_unprocessed_records(job["id"]))
    assert len(rest) == 1
    assert len(_names(library)) == 2


def test_a_job_can_be_driven_step_by_step(library: Library, sf: Salesforce) -> None:
    client: Any = sf.bulk2.Lead._client
    job = client.create_job("insert")["id"]
    client.upload_job_data(job, "LastName,Company\nA,C\n")
    assert client.get_job(job, is_query=False)["state"] == "Open"
    assert client.close_job(job)["state"] == "UploadComplete"
    assert client.wait_for_job(job, is_query=False, wait=0) == "JobComplete"
    other = client.create_job("insert")["id"]
    assert client.abort_job(other, is_query=False)["state"] == "Aborted"
    assert _names(library) == ["A"]
