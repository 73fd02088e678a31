"""The Description of an Event and the text that travels (rules S8, S14, F4)."""

from __future__ import annotations

import pandas as pd
import pytest

from include.mapping.wire_text import cut, single_line, text_block, utf16_length
from tests.mapping.builders import SETTINGS, answer, booking, decision, mapped, only, sent

OTHER = "00Q000000000002AAA"


@pytest.mark.rule("F4")
def test_answers_follow_notes_in_the_order_of_their_questions() -> None:
    answers = [
        answer(1, 10, 10, label="Tenth", value="c"),
        answer(1, 10, 9, label=None, name="ninth", value="b\nb"),
        answer(1, 10, 2, label="Second", value="  "),
        answer(2, 10, 1, label="Other booking", value="x"),
    ]
    row = only(mapped([booking(notes=" Notes\r\nhere ")], answers=answers))
    assert sent(row)["Description"] == "Notes\nhere\n\nninth: b b\nTenth: c"


@pytest.mark.rule("F4")
def test_an_answer_about_a_client_stands_only_on_their_own_event() -> None:
    answers = [
        answer(1, 10, 1, scope="client", label="Income", value="high"),
        answer(1, 11, 2, scope="appointment", label="Parking", value="yes"),
        answer(1, None, 3, scope="client", label="Language", value="fr"),
    ]
    events = mapped(
        [booking(1, 10), booking(1, 11, is_primary=False)],
        decisions=[decision(10), decision(11, OTHER)],
        answers=answers,
    )
    assert events["Description"].tolist() == [
        "Income: high\nParking: yes\nLanguage: fr",
        "Parking: yes\nLanguage: fr",
    ]


@pytest.mark.rule("S8")
def test_a_cancellation_reason_shows_only_while_cancelled() -> None:
    cancelled = only(mapped([booking(status="cancelled", cancellation_reason="Ill", notes="N")]))
    assert sent(cancelled)["Description"] == "N\n\nCancelled: Ill"
    assert "Description" not in sent(only(mapped([booking(status="booked", cancellation_reason="Ill")])))


@pytest.mark.rule("F4")
def test_a_description_is_cut_to_what_salesforce_takes() -> None:
    text = sent(only(mapped([booking(notes="x" * 40_000)])))["Description"]
    assert len(text) == 32_000
    assert text.endswith("x…")


@pytest.mark.rule("S3")
def test_display_copies_of_long_names_are_cut_with_an_ellipsis() -> None:
    fields = sent(only(mapped([booking(service_name="s" * 300, location_name="l" * 300)])))
    assert fields["Coconut_Service__c"] == "s" * 254 + "…"
    assert len(fields["Coconut_Location__c"]) == len(fields["Location"]) == 255


@pytest.mark.rule("S10")
def test_the_edit_link_opens_the_booking_and_is_left_out_where_it_does_not_fit() -> None:
    template = SETTINGS.model_copy(
        update={"edit_url_template": "https://x.example/{appointment_id}?a={appointment_id}"}
    )
    assert (
        sent(only(mapped([booking(42, 10)], settings=template)))["Coconut_Edit_Url__c"]
        == "https://x.example/42?a=42"
    )
    too_long = SETTINGS.model_copy(update={"edit_url_template": "https://x.example/" + "y" * 250})
    assert "Coconut_Edit_Url__c" not in sent(only(mapped([booking()], settings=too_long)))


def texts(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str", index=range(5, 5 + len(values)))


@pytest.mark.rule("F4")
def test_line_ends_become_line_feeds_and_control_characters_go() -> None:
    block = text_block(texts("a\r\nb\rc\x00\x07\td", " \n ", None))
    assert block.fillna("-").tolist() == ["a\nb\nc\td", "-", "-"]
    assert list(block.index) == [5, 6, 7]
    assert single_line(texts("a\u00a0\n\x0b b\u3000c")).tolist() == ["a b c"]


@pytest.mark.rule("S3")
def test_length_is_counted_in_utf16_units() -> None:
    assert utf16_length(texts("ab", "\U0001f600", "e\u0301", None)).tolist() == [2, 2, 2, 0]
    shortened = cut(texts("\U0001f600" * 4, "abcdef", None), 6)
    assert shortened.fillna("-").tolist() == ["\U0001f600" * 2 + "…", "abcdef", "-"]
