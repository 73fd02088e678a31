"""What the generated bookings, clients and Salesforce records look like."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import create_engine

from include.demo import catalogue
from include.demo.bookings import booking_batches
from include.demo.catalogue import service_rows, staff_rows
from include.demo.clients import client_batches
from include.demo.filling import FillSummary, fill, refuse_unless_empty
from include.demo.hand_made import Somebody, hand_made_bookings, hand_made_clients
from include.demo.plan import DemoPlan
from include.demo.salesforce_side import KEY, UNASSIGNED_OWNER, salesforce_side
from include.demo.texts import make_texts
from include.errors import ConfigurationError
from include.source.changes import ChangeQuery, ChangeReader
from tests.engines import OpenEngine

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

NOW = datetime(2024, 11, 20, 15, 30, tzinfo=UTC)
PLAN = DemoPlan(bookings=3_000, seed=7, now=NOW)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, FillSummary]]:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('demo') / 'coconut.db'}")
    refuse_unless_empty(engine)
    yield engine, fill(engine, PLAN, salesforce_ids={int(Somebody.KNOWN_BY_ID): "003000000000001AAA"})
    engine.dispose()


@pytest.fixture(scope="module")
def pairs(filled: tuple[Engine, FillSummary]) -> pd.DataFrame:
    reader = ChangeReader(filled[0], ChangeQuery(kinds=("appointment", "walk_in")))
    return pd.concat([chunk.bookings for chunk in reader.chunks()], ignore_index=True)


@pytest.fixture(scope="module")
def bookings(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.drop_duplicates("appointment_id")


def test_there_are_exactly_as_many_bookings_as_asked_for(
    filled: tuple[Engine, FillSummary], bookings: pd.DataFrame
) -> None:
    assert filled[1].bookings == len(bookings) == 3_000


@pytest.mark.parametrize("count", [1, 7, 50, 90])
def test_a_small_number_of_bookings_is_honoured_too(
    tmp_path: Path, count: int, open_engine: OpenEngine
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'coconut.db'}")
    refuse_unless_empty(engine)
    assert fill(engine, DemoPlan(bookings=count, seed=1, now=NOW)).bookings == count


def test_nothing_was_created_or_changed_after_the_given_instant(bookings: pd.DataFrame) -> None:
    assert bookings["changed_at"].max() <= NOW
    assert (bookings["booked_at"] <= bookings["changed_at"]).all()


def test_the_bookings_lie_in_the_120_days_around_the_given_instant(bookings: pd.DataFrame) -> None:
    usual = bookings["starts_at"].between(NOW - timedelta(days=77), NOW + timedelta(days=46))
    assert usual.mean() > 0.98


@pytest.mark.rule("S2")
def test_a_quarter_are_walk_ins_in_every_status(bookings: pd.DataFrame) -> None:
    walk_ins = bookings[bookings["kind"] == "walk_in"]
    assert 0.22 < len(walk_ins) / len(bookings) < 0.28
    assert set(walk_ins["status"]) == {
        "booked", "confirmed", "arrived", "in_service", "complete", "no_show", "cancelled",
    }  # fmt: skip
    assert (walk_ins["starts_at"] <= NOW).all()


@pytest.mark.rule("S4")
def test_there_are_group_bookings_with_one_primary_attendee(pairs: pd.DataFrame) -> None:
    with_people = pairs[pairs["client_id"].notna()]
    sizes = with_people.groupby("appointment_id").size()
    assert sizes.max() >= 4
    assert (with_people.groupby("appointment_id")["is_primary"].sum() == 1).all()
    assert not with_people.duplicated(["appointment_id", "client_id"]).any()


@pytest.mark.rule("S5")
@pytest.mark.parametrize("zone", ["America/St_Johns", "Europe/Berlin", "Australia/Adelaide"])
def test_bookings_surround_the_instant_at_which_the_clocks_change(bookings: pd.DataFrame, zone: str) -> None:
    starts = bookings.loc[bookings["timezone"] == zone, "starts_at"]
    offsets = starts.map(lambda start: start.astimezone(ZoneInfo(zone)).utcoffset())
    ordered = offsets.loc[starts.sort_values().index]
    changes = starts.loc[ordered.index[ordered.ne(ordered.shift()).fillna(value=False)]].tolist()[1:]
    assert any((change - starts[starts < change].max()) == timedelta(minutes=30) for change in changes)


@pytest.mark.rule("Q2")
def test_every_reason_that_bad_input_can_have_is_there(pairs: pd.DataFrame) -> None:
    length = pairs["ends_at"] - pairs["starts_at"]
    cases = {
        "no attendee": pairs["client_id"].isna(),
        "client missing": pairs["client_id"].notna() & ~pairs["client_exists"],
        "missing start": pairs["starts_at"].isna(),
        "ends before start": length < pd.Timedelta(0),
        "too long": length > pd.Timedelta(days=14),
        "no end": pairs["ends_at"].isna() & pairs["service_minutes"].isna() & pairs["service_name"].notna(),
        "unknown kind": ~pairs["kind"].isin(["appointment", "walk_in"]),
        "unknown status": pairs["status"] == "rebooked",
        "unknown zone": pairs["timezone"] == "Mars/Olympus_Mons",
        "unnamed client": pairs["client_last_name"].str.strip().eq("") & pairs["client_first_name"].isna(),
        "invalid e-mail": pairs["client_id"] == str(Somebody.INVALID_EMAIL),
        "name too long": pairs["client_last_name"].str.len() > 80,
        "refused by Salesforce alone": pairs["starts_at"].dt.year > 4000,
        "client deleted": pairs["client_deleted"],
        "client disabled": pairs["client_disabled"],
        "walk-in not final": (pairs["kind"] == "walk_in") & pairs["status"].isin(["arrived", "in_service"]),
        "deleted booking": pairs["booking_deleted"],
        "removed attendee": pairs["attendee_deleted"],
        "nobody's booking": pairs["staff_id"].isna(),
        "service gone": pairs["service_name"].isna(),
    }
    assert [name for name, found in cases.items() if not found.any()] == []


@pytest.mark.rule("S3")
def test_one_service_name_has_300_characters_and_one_makes_a_subject_of_exactly_255() -> None:
    names = {row["id"]: row["name"] for row in service_rows()}
    assert len(names[catalogue.SERVICE_OF_300_CHARACTERS]) == 300
    subject = f"{names[catalogue.SERVICE_FOR_SUBJECT_OF_255]} with Bo Li [Appointment]"
    assert len(subject) == 255


@pytest.mark.rule("S8")
def test_notes_hold_quotes_commas_newlines_and_emoji(bookings: pd.DataFrame) -> None:
    notes = bookings["notes"].dropna()
    for awkward in ('"', ",", "\n", "\r\n", "\r", "🙂", "日本語"):
        assert notes.str.contains(awkward, regex=False).any()


@pytest.mark.rule("M3")
def test_clients_come_in_several_scripts_with_gaps_and_apostrophes() -> None:
    clients = pd.DataFrame([row for batch in client_batches(PLAN, make_texts(7)) for row in batch])
    scripts = {unicodedata.name(name[0]).split()[0] for name in clients["last_name"]}
    assert {
        "LATIN",
        "GREEK",
        "CYRILLIC",
        "CJK",
        "HANGUL",
        "ARABIC",
        "HEBREW",
        "DEVANAGARI",
        "THAI",
    } <= scripts
    assert clients["email"].isna().any()
    assert clients["first_name"].isna().any()
    assert clients["sync_disabled"].any()
    assert clients["deleted_at"].notna().any()
    assert not clients["email"].dropna().str.lower().duplicated().any()
    assert any("'" in str(row["email"]) for row in hand_made_clients(PLAN))


@pytest.mark.rule("M8")
def test_two_client_rows_are_one_person_but_for_case_and_spaces() -> None:
    clients = {row["id"]: row for row in hand_made_clients(PLAN)}
    one, other = clients[Somebody.TWIN], clients[Somebody.TWIN_SPELT_OTHERWISE]
    for field in ("first_name", "last_name", "email"):
        assert one[field] != other[field]
        assert one[field].strip().casefold() == other[field].strip().casefold()


@pytest.mark.rule("M1")
def test_coconut_holds_the_salesforce_ids_it_was_given(filled: tuple[Engine, FillSummary]) -> None:
    reader = ChangeReader(
        filled[0],
        ChangeQuery(
            kinds=("appointment",), by_change=False, client_ids=frozenset({int(Somebody.KNOWN_BY_ID)})
        ),
    )
    clients = pd.concat([chunk.clients for chunk in reader.chunks()]).set_index("client_id")
    assert clients.loc[str(Somebody.KNOWN_BY_ID), "salesforce_id"] == "003000000000001AAA"


@pytest.mark.rule("M4")
def test_salesforce_knows_people_as_lead_as_contact_as_both_and_as_converted_lead() -> None:
    side = salesforce_side(PLAN)
    leads = {row["Email"].lower() for row in side.leads}
    contacts = {row["Email"].lower() for row in side.contacts}
    assert leads - contacts
    assert contacts - leads
    assert leads & contacts
    assert set(side.converted) <= {row[KEY] for row in side.leads}
    assert len(side.converted) > 5
    assert len({row[KEY] for row in side.leads}) == len(side.leads)


@pytest.mark.rule("S7")
def test_staff_lack_a_user_share_an_email_or_have_an_inactive_user() -> None:
    side = salesforce_side(PLAN)
    users = pd.DataFrame(side.users)
    users["Email"] = users["Email"].str.lower()
    staff = {row["id"]: row for row in staff_rows(PLAN, make_texts(PLAN.seed))}

    def users_of(staff_id: int) -> pd.DataFrame:
        return users[users["Email"] == str(staff[staff_id]["email"]).lower()]

    assert users_of(catalogue.STAFF_WITHOUT_USER).empty
    assert users_of(catalogue.STAFF_WITH_INACTIVE_USER)["IsActive"].tolist() == [False]
    assert len(users_of(catalogue.STAFF_WITH_TWO_USERS)) == 2
    assert staff[catalogue.STAFF_WITHOUT_EMAIL]["email"] is None
    assert users["Username"].is_unique
    assert UNASSIGNED_OWNER in set(users["Username"])


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    texts = make_texts(7)

    def drawn(seed: int) -> list[list[dict[str, object]]]:
        plan = DemoPlan(bookings=500, seed=seed, now=NOW)
        batches = booking_batches(plan, texts, first_id=1, count=300)
        return [rows for batch in batches for rows in (batch.appointments, batch.attendees, batch.answers)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert make_texts(7) == texts


def test_a_large_number_of_bookings_comes_in_batches_of_bounded_size() -> None:
    plan = DemoPlan(bookings=1_000_000, seed=7, now=NOW)
    batches = booking_batches(plan, make_texts(7), first_id=1, count=plan.bookings)
    sizes = [len(next(batches).appointments) for _ in range(2)]
    assert max(sizes) <= 10_000


def test_hand_made_bookings_refer_to_hand_made_clients_or_to_nobody() -> None:
    known = {row["id"] for row in hand_made_clients(PLAN)}
    strangers = {row["client_id"] for row in hand_made_bookings(PLAN).attendees} - known
    assert len(strangers) == 1


def test_a_database_in_use_is_never_filled(filled: tuple[Engine, FillSummary]) -> None:
    with pytest.raises(ConfigurationError, match="already holds rows in appointments, clients, staff"):
        refuse_unless_empty(filled[0])
