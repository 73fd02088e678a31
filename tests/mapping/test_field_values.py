"""What mappings make of Coconut's values (rules F1, F2, F4)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.frames import ANSWERS, BOOKINGS, CLEAR, CLIENTS
from include.mapping.field_sources import (
    booking_columns,
    client_columns,
    questions_read,
    sources_read,
)
from include.mapping.field_values import FieldValues, field_values
from include.mapping.fields import default_mappings
from include.mapping.org_fields import OrgFields
from include.reasons import Reason
from include.settings.field_mapping import FieldMapping, of_sobject
from include.settings.model import Settings
from tests.mapping.builders import answer, booking, frame
from tests.mapping.org import ORG

EVERY_SCRIPT = (
    "Søren Ærø", "Łukasz Żółć", "Иван Петров", "Γιώργος", "عمر الخطيب", "דוד לוי", "अनिता शर्मा",
    "สมชาย", "王小明", "山田 太郎", "김민수", "Nguyễn Ánh", "O'Brien-\"Bo\" \\ Jr", "😀 Åsa 👩‍👩‍👧",
)  # fmt: skip


def mapping(target: str, source: str = "", **changes: Any) -> FieldMapping:
    return FieldMapping.model_validate({"sobject": "Lead", "target": target, "source": source, **changes})


def values(
    texts: list[str | None],
    *,
    target: str = "Text__c",
    settings: Settings | None = None,
    org_fields: OrgFields = ORG,
    **changes: Any,
) -> FieldValues:
    """Map one client column to one field."""
    rows = pd.DataFrame(
        {"client_id": [str(n) for n in range(len(texts))], "client.company": texts}, dtype="str"
    )
    source = (
        "" if changes.get("transform", {}).get("type") in {"constant", "concatenation"} else "client.company"
    )
    return field_values(
        [mapping(target, source, **changes)],
        rows,
        ANSWERS.empty(),
        org_fields=org_fields,
        settings=settings or Settings(),
    )


def written(found: FieldValues) -> list[str | None]:
    """Return the only field's values, missing ones as None."""
    (column,) = [found.wire[name] for name in found.wire]
    return [None if pd.isna(value) else value for value in column]


def refused(found: FieldValues) -> list[tuple[Reason, list[int]]]:
    return [(fault.reason, fault.rows[fault.rows].index.tolist()) for fault in found.faults]


# -- text


@pytest.mark.rule("F1")
def test_a_value_of_any_script_travels_as_the_client_spells_it() -> None:
    found = values(list(EVERY_SCRIPT))
    assert written(found) == list(EVERY_SCRIPT)
    assert found.faults == ()


@pytest.mark.rule("F4")
@pytest.mark.parametrize("blank", [None, "", "  ", "\n\t", "\u00a0", "\x00", "\u200b", " \ufeff \u2060"])
def test_an_empty_value_leaves_the_field_alone(blank: str | None) -> None:
    assert written(values([blank])) == [None]


@pytest.mark.rule("F4")
def test_an_empty_value_clears_the_field_where_the_null_policy_says_so() -> None:
    assert written(values([None, "Acme"], null_policy="clear")) == [CLEAR, "Acme"]


@pytest.mark.rule("F4")
def test_clearing_a_checkbox_unticks_it_because_it_knows_no_null() -> None:
    assert written(values([None, "yes"], target="Flag__c", null_policy="clear")) == ["false", "true"]


@pytest.mark.rule("F4")
@pytest.mark.parametrize("target", ["Text__c", "Long__c", "Free__c"])
def test_a_client_who_types_the_wire_word_for_null_clears_nothing(target: str) -> None:
    assert written(values(["#N/A", " #N/A "], target=target)) == ["N/A", "N/A"]


@pytest.mark.rule("F1")
@pytest.mark.parametrize("text", ["=1+1", "+41 44", "-5", "@SUM(A1)", "=cmd|'/c'!A0"])
def test_what_looks_like_a_formula_is_text(text: str) -> None:
    assert written(values([text])) == [text]


@pytest.mark.rule("F1")
def test_newlines_stay_in_a_text_area_and_become_blanks_elsewhere() -> None:
    lines = ["1 King St\r\nFloor 2\u2028left"]
    assert written(values(lines)) == ["1 King St Floor 2 left"]
    assert written(values(lines, target="Long__c")) == ["1 King St\nFloor 2\u2028left"]


@pytest.mark.rule("F4")
def test_a_text_too_long_for_its_field_is_a_fault_that_names_no_value() -> None:
    found = values(["x" * 20, "x" * 21, "😀" * 11])
    assert refused(found) == [(Reason.VALUE_TOO_LONG, [1, 2])]
    assert found.faults[0].words == "Text__c is longer than 20 characters"


@pytest.mark.rule("F4")
def test_a_faulty_value_can_be_left_out() -> None:
    found = values(["x" * 20, "x" * 21])
    assert found.without(found.faults)["Text__c"].isna().tolist() == [False, True]


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    "email", ["ann@example", "ann@@example.com", "a b@example.com", "@example.com", "ann"]
)
def test_what_is_no_e_mail_address_is_a_fault(email: str) -> None:
    assert refused(values([email, "ann@example.com"], target="Email__c")) == [(Reason.INVALID_EMAIL, [0])]


@pytest.mark.rule("F4")
def test_an_e_mail_of_320_characters_is_too_long_for_its_field() -> None:
    email = "a" * 64 + "@" + ".".join(["b" * 62] * 4) + ".org"
    assert len(email) == 320
    assert refused(values([email], target="Email__c")) == [(Reason.VALUE_TOO_LONG, [0])]


@pytest.mark.rule("F2")
def test_a_field_that_nobody_described_takes_the_text_as_it_is() -> None:
    assert written(values(["x" * 300], org_fields=OrgFields())) == ["x" * 300]


# -- other types


@pytest.mark.rule("F2")
def test_a_checkbox_takes_true_and_false_in_words_and_digits() -> None:
    found = values(["true", "YES", "1", "False", "no", "0", "perhaps"], target="Flag__c")
    assert written(found)[:6] == ["true"] * 3 + ["false"] * 3
    assert refused(found) == [(Reason.VALUE_UNFIT, [6])]


@pytest.mark.rule("F2")
@pytest.mark.parametrize(
    ("target", "fit", "unfit"),
    [
        ("Number__c", ["5", "-1234.5", "+7", "0001234", ".5"], ["1,5", "12345", "1e5", "١٢", "5 €", "NaN"]),
        ("Whole__c", ["5", "-7", "00012345678"], ["5.0", "123456789", "five"]),
        ("Day__c", ["2026-01-31", "1700-01-01"], ["31/01/2026", "2026-02-30", "2026-1-1", "1500-01-01", "5000-01-01"]),
        ("Instant__c", ["2026-01-31T09:00:00Z", "2026-01-31T09:00:00.5+02:00"], ["2026-01-31", "2026-01-31T09:00:00"]),
        ("Colour__c", ["red", "DARK BLUE", "Red"], ["Green", "Dark  Blue 2"]),
        ("Topics__c", ["Loans;cards", "loans"], ["Loans;Cars"]),
        ("OwnerId", ["005000000000001", "005000000000001AAA"], ["005", "Ann Lee"]),
    ],
)  # fmt: skip
def test_a_value_that_the_type_of_its_field_does_not_take_is_a_fault(
    target: str, fit: list[str], unfit: list[str]
) -> None:
    found = values([*fit, *unfit], target=target)
    rows = sorted({row for _, at in refused(found) for row in at})
    assert rows == list(range(len(fit), len(fit) + len(unfit)))
    assert {reason for reason, _ in refused(found)} == {Reason.VALUE_UNFIT}


@pytest.mark.rule("F2")
def test_picklist_values_are_spelled_as_the_org_spells_them() -> None:
    assert written(values(["red", "dark blue"], target="Colour__c")) == ["Red", "Dark Blue"]
    assert written(values(["cards; LOANS;"], target="Topics__c")) == ["Cards;Loans"]
    assert written(values(["red", "Mauve"], target="Free__c")) == ["Red", "Mauve"]


# -- transforms


@pytest.mark.rule("F2")
def test_a_constant_is_the_same_for_everybody() -> None:
    assert written(values([None, "x"], transform={"type": "constant", "value": "Branch"})) == [
        "Branch",
        "Branch",
    ]


PAINT = {"Rot": "Red", "blau": "Dark Blue"}


@pytest.mark.rule("F2")
@pytest.mark.parametrize(
    ("otherwise", "expected", "faulty"),
    [
        ("keep", ["Red", "Dark Blue", "Mauve", None], []),
        ("empty", ["Red", "Dark Blue", None, None], []),
        ("refuse", ["Red", "Dark Blue", None, None], [(Reason.VALUE_UNFIT, [2])]),
    ],
)
def test_a_picklist_is_translated_and_the_rest_follows_the_policy(
    otherwise: str, expected: list[str | None], faulty: list[tuple[Reason, list[int]]]
) -> None:
    transform = {"type": "picklist", "values": PAINT, "otherwise": otherwise}
    found = values([" ROT ", "Blau", "Mauve", " "], target="Free__c", transform=transform)
    assert written(found) == expected
    assert refused(found) == faulty


@pytest.mark.rule("F2")
def test_dates_are_read_by_their_pattern() -> None:
    found = values(["31/01/2026", "1/2/2026", "2026-01-31", None], target="Day__c",
                   transform={"type": "date", "reads": "%d/%m/%Y"})  # fmt: skip
    assert written(found) == ["2026-01-31", "2026-02-01", None, None]
    assert refused(found) == [(Reason.VALUE_UNFIT, [2])]


@pytest.mark.rule("F2")
def test_times_without_a_zone_are_local_to_the_mappings_zone() -> None:
    transform = {
        "type": "date",
        "reads": "%d.%m.%Y %H:%M",
        "writes": "date_time",
        "time_zone": "Europe/Zurich",
    }
    texts: list[str | None] = ["31.01.2026 09:00", "01.07.2026 09:00", "29.03.2026 02:30", "25.10.2026 02:30"]
    assert written(values(texts, target="Instant__c", transform=transform)) == [
        "2026-01-31T08:00:00.000Z",
        "2026-07-01T07:00:00.000Z",
        "2026-03-29T01:00:00.000Z",
        "2026-10-25T00:30:00.000Z",
    ]


@pytest.mark.rule("F2")
def test_a_zone_in_the_text_beats_the_mappings_and_its_day_is_the_one_that_is_written() -> None:
    reads = "%Y-%m-%d %H:%M %z"
    texts: list[str | None] = ["2026-01-31 23:30 -05:00"]
    instant = {"type": "date", "reads": reads, "writes": "date_time", "time_zone": "Europe/Zurich"}
    assert written(values(texts, target="Instant__c", transform=instant)) == ["2026-02-01T04:30:00.000Z"]
    assert written(values(texts, target="Day__c", transform={"type": "date", "reads": reads})) == [
        "2026-01-31"
    ]


@pytest.mark.rule("F2")
def test_a_concatenation_joins_what_is_there() -> None:
    rows = pd.DataFrame(
        {"client.city": ["Bern", None, " ", None], "client.region": ["BE", "ZH", "GE", ""]}, dtype="str"
    )
    joined = {"type": "concatenation", "sources": ["client.city", "client.region"], "separator": ", "}
    found = field_values(
        [mapping("Text__c", transform=joined)], rows, ANSWERS.empty(), org_fields=ORG, settings=Settings()
    )
    assert written(found) == ["Bern, BE", "ZH", "GE", None]


# -- sources


@pytest.mark.rule("F2")
def test_a_persons_answer_is_the_newest_one_the_client_gave() -> None:
    given = frame(ANSWERS, [
        answer(1, 10, 5, name="hobby", scope="client", value="chess", answered_at="2026-02-01T00:00:00Z"),
        answer(2, 10, 5, name="hobby", scope="client", value="go", answered_at="2026-03-01T00:00:00Z"),
        answer(3, 11, 5, name="hobby", scope="client", value="golf", answered_at="2026-04-01T00:00:00Z"),
    ])  # fmt: skip
    rows = pd.DataFrame({"client_id": ["11", "10", "12"]}, dtype="str")
    found = field_values(
        [mapping("Text__c", "answer.hobby")], rows, given, org_fields=ORG, settings=Settings()
    )
    assert written(found) == ["golf", "go", None]


@pytest.mark.rule("F2")
def test_an_answer_about_a_booking_reaches_all_its_attendees_and_no_other_booking() -> None:
    given = frame(ANSWERS, [
        answer(1, 10, 5, name="goal", value="a house", answered_at="2026-02-01T00:00:00Z"),
        answer(2, None, 5, name="goal", value="a car", answered_at="2026-02-01T00:00:00Z"),
    ])  # fmt: skip
    rows = pd.DataFrame({"client_id": ["10", "11", "10"], "appointment_id": ["1", "1", "3"]}, dtype="str")
    found = field_values(
        [mapping("Text__c", "answer.goal")], rows, given, org_fields=ORG, settings=Settings()
    )
    assert written(found) == ["a house", "a house", None]


@pytest.mark.rule("F2")
def test_an_event_takes_what_its_own_client_answered_for_its_own_booking() -> None:
    given = frame(ANSWERS, [
        answer(1, 10, 5, name="hobby", scope="client", value="chess", answered_at="2026-05-01T00:00:00Z"),
        answer(2, 10, 5, name="hobby", scope="client", value="go", answered_at="2026-02-01T00:00:00Z"),
    ])  # fmt: skip
    rows = pd.DataFrame({"client_id": ["10", "10", "11"], "appointment_id": ["1", "2", "1"]}, dtype="str")
    on_event = FieldMapping.model_validate(
        {"sobject": "Event", "target": "Text__c", "source": "answer.hobby"}
    )
    found = field_values([on_event], rows, given, org_fields=ORG, settings=Settings())
    assert written(found) == ["chess", "go", None]


@pytest.mark.rule("F2")
def test_a_setting_can_fill_a_field() -> None:
    rows = pd.DataFrame({"client_id": ["1", "2"]}, dtype="str")
    mappings = [mapping("Text__c", "setting.lead_source")]
    for source, expected in (("Shop", ["Shop", "Shop"]), ("", [None, None])):
        found = field_values(
            mappings, rows, ANSWERS.empty(), org_fields=ORG, settings=Settings(lead_source=source)
        )
        assert written(found) == expected


@pytest.mark.rule("S5")
def test_the_day_of_a_bookings_instant_is_the_day_where_it_takes_place() -> None:
    bookings = frame(BOOKINGS, [booking(starts_at="2026-06-09T02:00:00Z")])
    mappings = [mapping("Day__c", "booking.starts_at"), mapping("Instant__c", "booking.starts_at"),
                mapping("Text__c", "booking.local_day")]  # fmt: skip
    rows = booking_columns(bookings, mappings).assign(client_id="10", appointment_id="1")
    found = field_values(mappings, rows, ANSWERS.empty(), org_fields=ORG, settings=Settings())
    assert found.wire.iloc[0].to_dict() == {
        "Day__c": "2026-06-08",
        "Instant__c": "2026-06-09T02:00:00.000Z",
        "Text__c": "2026-06-08",
    }


@pytest.mark.rule("F2")
def test_names_of_services_are_cut_to_their_field_and_other_texts_are_not() -> None:
    bookings = frame(BOOKINGS, [booking(service_name="Mortgage " * 9, notes="Call back " * 9)])
    mappings = [mapping("Text__c", "booking.service_name"), mapping("Email", "booking.notes")]
    rows = booking_columns(bookings, mappings)
    found = field_values(mappings, rows, ANSWERS.empty(), org_fields=ORG, settings=Settings())
    assert found.wire["Text__c"].iloc[0] == "Mortgage Mortgage M…"
    assert {fault.target for fault in found.faults} == {"Email"}


@pytest.mark.rule("F2")
def test_only_the_sources_that_are_mapped_are_carried_along() -> None:
    mappings = [mapping("Text__c", "client.company"), mapping("Long__c", "answer.goal")]
    assert sources_read(mappings) == {"client.company", "answer.goal"}
    assert questions_read(mappings) == {"goal"}
    clients = frame(
        CLIENTS, [{"client_id": "1", "sync_disabled": False, "is_deleted": False, "company": "Acme"}]
    )
    assert list(client_columns(clients, mappings).columns) == ["client.company"]
    assert booking_columns(frame(BOOKINGS, [booking()]), mappings).empty


@pytest.mark.rule("F1")
@pytest.mark.parametrize("sobject", ["Lead", "Contact", "Account"])
def test_the_default_mappings_fill_a_person_from_the_client_row(sobject: str) -> None:
    client = {"client_id": "1", "sync_disabled": False, "is_deleted": False, "first_name": "Ana",
              "last_name": "Silva", "email": "ana@example.com", "address": "1 King St\nFloor 2"}  # fmt: skip
    mappings = of_sobject(default_mappings(), sobject)
    rows = client_columns(frame(CLIENTS, [client]), mappings)
    found = field_values(mappings, rows, ANSWERS.empty(), org_fields=ORG, settings=Settings())
    filled = found.wire.iloc[0].dropna().to_dict()
    assert found.faults == ()
    assert set(filled.values()) == {"Ana", "Silva", "ana@example.com", "1 King St\nFloor 2", "Coconut"}


@pytest.mark.rule("F2")
def test_no_rows_make_no_rows() -> None:
    rows = client_columns(CLIENTS.empty(), default_mappings("Lead"))
    found = field_values(default_mappings("Lead"), rows, ANSWERS.empty(), org_fields=ORG, settings=Settings())
    assert found.wire.empty
    assert found.faults == ()


@pytest.mark.rule("F4")
@settings(deadline=None, max_examples=40)
@given(texts=st.lists(st.one_of(st.none(), st.text(max_size=40)), min_size=1, max_size=20))
@pytest.mark.parametrize("target", [*(name for name in ORG.objects["Lead"] if name.endswith("__c"))])
def test_nothing_that_a_client_types_clears_a_field_or_breaks_a_line(
    target: str, texts: list[str | None]
) -> None:
    readable = [text and text.encode("utf-8", "ignore").decode() for text in texts]
    found = values(readable, target=target)
    texts_written = [text for text in written(found) if text is not None]
    assert CLEAR not in texts_written
    assert all(text == text.strip(" ") and text for text in texts_written)
    if target != "Long__c":
        assert not any(set(text) & set("\r\n\t\x00\x0b") for text in texts_written)
