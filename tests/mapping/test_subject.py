"""The Subject of an Event (rule S3)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.frames import BOOKINGS
from include.mapping.subject import event_subjects
from include.mapping.wire_text import utf16_length
from tests.mapping.builders import booking, frame

DEFAULT = "{service} with {client}"


def subject(template: str = DEFAULT, **changes: Any) -> str:
    return event_subjects(frame(BOOKINGS, [booking(**changes)]), template).iloc[0]


@pytest.mark.rule("S3")
def test_the_subject_follows_the_template_and_ends_in_the_kind() -> None:
    assert subject() == "Mortgage with Ana Silva [Appointment]"
    assert subject(kind="walk_in") == "Mortgage with Ana Silva [Walk-In]"


@pytest.mark.rule("S3")
@pytest.mark.parametrize(("kind", "suffix"), [("appointment", " [Appointment]"), ("walk_in", " [Walk-In]")])
def test_a_service_name_of_300_characters_leaves_the_suffix_whole(kind: str, suffix: str) -> None:
    text = subject(kind=kind, service_name="x" * 300)
    assert len(text) == 255
    assert text == "x" * (255 - len(suffix)) + suffix


@pytest.mark.rule("S3")
def test_a_subject_of_exactly_255_characters_is_not_cut() -> None:
    name = "x" * (255 - len(" with Ana Silva [Appointment]"))
    text = subject(service_name=name)
    assert len(text) == 255
    assert text == f"{name} with Ana Silva [Appointment]"


@pytest.mark.rule("S3")
def test_a_subject_of_256_characters_loses_one_before_the_suffix() -> None:
    name = "x" * (256 - len(" with Ana Silva [Appointment]"))
    assert subject(service_name=name) == f"{name} with Ana Silv [Appointment]"


@pytest.mark.rule("S3")
@settings(deadline=None, max_examples=50)
@given(
    service=st.text(max_size=300),
    first=st.text(max_size=60),
    kind=st.sampled_from(["appointment", "walk_in"]),
)
def test_no_text_makes_the_subject_too_long_or_takes_its_suffix(service: str, first: str, kind: str) -> None:
    service, first = (text.encode("utf-8", "ignore").decode() for text in (service, first))
    text = subject(kind=kind, service_name=service, client_first_name=first)
    assert utf16_length(pd.Series([text], dtype="str")).iloc[0] <= 255
    assert text.endswith(" [Appointment]" if kind == "appointment" else " [Walk-In]")
    assert "\n" not in text


@pytest.mark.rule("S3")
def test_names_on_several_lines_become_one_line() -> None:
    assert subject(client_first_name="Ana\r\n Maria\t", client_last_name=" Silva ") == (
        "Mortgage with Ana Maria Silva [Appointment]"
    )


@pytest.mark.rule("S3")
def test_a_booking_without_service_or_client_name_still_reads_as_one() -> None:
    assert subject(service_name=None) == "Appointment with Ana Silva [Appointment]"
    assert subject(client_first_name=None, client_last_name=" ") == "Mortgage with client 10 [Appointment]"


@pytest.mark.rule("S3")
def test_an_unknown_placeholder_stays_as_written_and_an_empty_template_gives_the_kind() -> None:
    assert subject("{service} {mood}") == "Mortgage {mood} [Appointment]"
    assert subject("", kind="walk_in") == "Walk-In [Walk-In]"


@pytest.mark.rule("S3")
def test_the_location_the_status_and_the_number_can_be_named() -> None:
    assert subject("{location}: {status} #{appointment_id}") == "Main branch: booked #1 [Appointment]"


@pytest.mark.rule("S3")
def test_a_service_that_spells_the_other_suffix_does_not_join_its_report() -> None:
    text = subject(service_name="Line [walk-in] help")
    assert "[walk-in]" not in text.lower()
    assert text == "Line (walk-in) help with Ana Silva [Appointment]"


@pytest.mark.rule("S3")
def test_a_cut_never_parts_an_emoji_family_a_flag_or_an_accent() -> None:
    room = 255 - len(" [Appointment]")
    family, flag = "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e8\U0001f1e6"
    for mark in (family, flag, "e\u0301", "\U0001f44d\U0001f3fd"):
        for spare in range(1, 9):
            text = subject("{service}", service_name="x" * (room - spare) + mark * 4)
            kept = text.removesuffix(" [Appointment]").removeprefix("x" * (room - spare))
            assert kept.replace(mark, "") == "", (mark, spare)
