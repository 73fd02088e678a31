from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.errors import ConfigurationError, FatalError, FrameContractError
from include.frames import BOOKINGS, EVENTS, FrameContract
from include.staging import Staging, safe_segment

RUN = "scheduled__2026-03-01T09:30:00+00:00"

ALL_TYPES = FrameContract(
    "all types",
    {"name": "str", "number": "Int64", "flag": "bool", "moment": "datetime64[us, UTC]"},
    wire_fields=True,
)


@pytest.fixture(params=["a folder", "a store without rename"])
def staging(request: pytest.FixtureRequest, tmp_path: Path) -> Staging:
    """The mock file system of pyarrow stands for an object store: it is written whole and copied to be read."""
    return Staging(f"file://{tmp_path}/staged" if request.param == "a folder" else "mock:///staged")


def a_frame() -> pd.DataFrame:
    return ALL_TYPES.conform(
        pd.DataFrame(
            {
                "name": ["Zoë", None, "007"],
                "number": pd.array([2**53 + 1, None, 3], dtype="Int64"),
                "flag": [True, False, True],
                "moment": pd.to_datetime(
                    ["2026-03-01T09:30:00.123456Z", None, "1999-01-01T00:00:00Z"], format="ISO8601"
                ),
                "Coconut_Kind__c": ["walk_in", None, "#N/A"],
            }
        )
    )


def test_a_frame_comes_back_as_it_was_with_exact_types(staging: Staging) -> None:
    frame = a_frame()
    staging.write_frame(RUN, "match_people", "people", frame)
    pd.testing.assert_frame_equal(staging.read_frame(RUN, "match_people", "people", ALL_TYPES), frame)


@pytest.mark.parametrize("contract", [BOOKINGS, EVENTS])
def test_a_frame_of_no_rows_keeps_its_types(staging: Staging, contract: FrameContract) -> None:
    staging.write_frame(RUN, "map_events", "none", contract.empty())
    pd.testing.assert_frame_equal(staging.read_frame(RUN, "map_events", "none", contract), contract.empty())


def test_an_index_does_not_travel(staging: Staging) -> None:
    staging.write_frame(RUN, "match_people", "picked", a_frame().iloc[[2, 0]])
    assert staging.read_frame(RUN, "match_people", "picked", ALL_TYPES).index.tolist() == [0, 1]


def test_a_column_without_any_value_stays_text(staging: Staging) -> None:
    frame = pd.DataFrame({"nothing": pd.Series([np.nan, np.nan], dtype="str")})
    staging.write_frame(RUN, "match_people", "empty", frame)
    pd.testing.assert_frame_equal(staging.read_frame(RUN, "match_people", "empty"), frame)


def test_a_frame_that_lacks_a_column_breaks_its_contract(staging: Staging) -> None:
    staging.write_frame(RUN, "match_people", "people", a_frame().drop(columns="flag"))
    with pytest.raises(FrameContractError, match="lacks the columns flag"):
        staging.read_frame(RUN, "match_people", "people", ALL_TYPES)


def test_a_stage_rewrites_its_own_output(staging: Staging) -> None:
    staging.write_frame(RUN, "match_people", "people", a_frame())
    staging.write_frame(RUN, "match_people", "people", a_frame().head(1))
    assert len(staging.read_frame(RUN, "match_people", "people")) == 1
    assert staging.names(RUN, "match_people") == ["people"]


def test_a_stage_lists_its_frames_and_only_those(staging: Staging) -> None:
    for name in ("events-00001", "events-00000", "a/b"):
        staging.write_frame(RUN, "map_events", name, a_frame())
    staging.write_json(RUN, "map_events", "counts", {"rows": 9})
    assert staging.names(RUN, "map_events") == ["a/b", "events-00000", "events-00001"]
    assert staging.names(RUN, "load_events") == []
    assert staging.names("another run", "map_events") == []


def test_json_comes_back(staging: Staging) -> None:
    value = {"watermark": ["2026-03-01T09:30:00+00:00", 7], "names": ["Zoë"], "none": None}
    staging.write_json(RUN, "extract_changes", "manifest", value)
    assert staging.read_json(RUN, "extract_changes", "manifest") == value


def test_a_file_appears_once_its_block_ends(staging: Staging) -> None:
    with staging.open_output(RUN, "load_events", "part.csv") as file:
        file.write(b"Id\n1\n")
        with pytest.raises(FatalError, match="is gone"), staging.open_input(RUN, "load_events", "part.csv"):
            pass
    with staging.open_input(RUN, "load_events", "part.csv") as source:
        assert (source.read(), source.seek(0), source.read(2)) == (b"Id\n1\n", 0, b"Id")


def test_what_breaks_off_while_writing_leaves_what_was_there(staging: Staging) -> None:
    staging.write_json(RUN, "settle_run", "counts", 1)

    def break_off() -> None:
        with staging.open_output(RUN, "settle_run", "counts.json") as file:
            file.write(b"[")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert staging.read_json(RUN, "settle_run", "counts") == 1


def test_clearing_a_stage_leaves_the_others(staging: Staging) -> None:
    staging.write_json(RUN, "match_people", "counts", 1)
    staging.write_json(RUN, "map_people", "counts", 2)
    staging.clear(RUN, "match_people")
    staging.clear(RUN, "never_written")
    assert staging.read_json(RUN, "map_people", "counts") == 2
    with pytest.raises(FatalError, match="clear the task that writes it"):
        staging.read_json(RUN, "match_people", "counts")


@pytest.mark.rule("Q11")
def test_deleting_a_run_leaves_no_file_of_it(tmp_path: Path) -> None:
    staging = Staging(f"file://{tmp_path}/staged")
    staging.write_frame(RUN, "match_people", "people", a_frame())
    staging.write_json("another run", "match_people", "counts", 1)
    staging.delete_run(RUN)
    files = [path for path in (tmp_path / "staged").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["counts.json"]


def test_a_location_that_can_be_written_passes_the_check_and_is_created(tmp_path: Path) -> None:
    Staging(f"file://{tmp_path}/not/yet/there").check()
    assert list((tmp_path / "not/yet/there").iterdir()) == []


def test_a_location_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="APPOINTMENT_SYNC_STAGING"):
        Staging(f"file://{tmp_path}/a%20file/below").check()


@pytest.mark.parametrize("url", ["", "no url", "ftp://example.org/staged", "file://relative"])
def test_a_url_that_names_no_store_says_what_to_do(url: str) -> None:
    with pytest.raises(ConfigurationError, match="APPOINTMENT_SYNC_STAGING"):
        Staging(url)


def test_run_ids_become_segments_that_every_store_takes() -> None:
    segment = safe_segment("manual__2026-03-01T09:30:00+00:00/..")
    assert segment.isascii()
    assert not set(segment) & set("/:+ \\")


def test_different_run_ids_stay_different() -> None:
    ids = ["", ".", "..", "%2E", "a/b", "a%2Fb", "x" * 400, "x" * 401, hashlib.sha256(b"x").hexdigest()]
    assert len({safe_segment(run_id) for run_id in ids}) == len(ids)
    assert all(len(safe_segment(run_id)) < 255 for run_id in ids)


@pytest.mark.rule("Q4")
def test_many_at_once_may_check_the_location_and_write_one_name(tmp_path: Path) -> None:
    """Two DAGs check the location at the same instant, and a task may be executed twice."""
    url = f"file://{tmp_path / 'staging'}"

    def use(number: int) -> None:
        staging = Staging(url)
        staging.check()
        staging.write_frame("run", "stage", "frame", pd.DataFrame({"number": [str(number)] * 1000}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(200)))
    assert Staging(url).names("run", "stage") == ["frame"]
    assert Staging(url).read_frame("run", "stage", "frame")["number"].nunique() == 1
    leftovers = [
        path.name for path in tmp_path.rglob("*") if path.is_file() and not path.name.endswith(".parquet")
    ]
    assert leftovers == []


def break_off(staging: Staging) -> None:
    with staging.open_output("run", "stage", "rows.csv") as output:
        output.write(b"new")
        msg = "closed in mid-write"
        raise ValueError(msg)


def test_a_write_that_breaks_off_leaves_the_old_frame_and_no_rubbish(tmp_path: Path) -> None:
    staging = Staging(f"file://{tmp_path / 'staging'}")
    with staging.open_output("run", "stage", "rows.csv") as output:
        output.write(b"old")
    with pytest.raises(ValueError, match="closed"):
        break_off(staging)
    with staging.open_input("run", "stage", "rows.csv") as source:
        assert source.read() == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["rows.csv"]


def test_a_run_tells_what_it_wrote_by_stage_and_name(staging: Staging) -> None:
    staging.write_frame(RUN, "match_people", "a/b", a_frame())
    staging.write_json(RUN, "extract_changes", "manifest", {})

    assert [(file.stage, file.name) for file in staging.files(RUN)] == [
        ("extract_changes", "manifest.json"),
        ("match_people", "a/b.parquet"),
    ]
    assert staging.run_ids() == [RUN]
    assert staging.files("another run") == []
