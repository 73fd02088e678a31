"""Which fields a label and a stamp give, and nothing else (rules G6, G8, S3)."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from include.mapping.plan import BOOKING_KEY
from include.mapping.subject import MAX_LENGTH, labelled_subjects
from include.migration.labels import Labelling, is_labelled, labelled_payloads, missing_labels, wanted_labels

pytestmark = [pytest.mark.rule("G6"), pytest.mark.rule("G8")]

NAMES = [BOOKING_KEY, "Subject", "Description", "Coconut_Kind__c", "Coconut_Status__c"]


def texts(*values: str | None) -> pd.Series[str]:
    return pd.Series(list(values), dtype="str")


@pytest.mark.rule("S3")
def test_a_subject_keeps_its_text_and_gets_the_suffix_once() -> None:
    subjects = texts("Meeting", "Meeting [Appointment]", None, "About a [Walk-In]")
    kinds = texts(*["appointment"] * 4)
    labelled = labelled_subjects(subjects, kinds)
    assert labelled.tolist() == [
        "Meeting [Appointment]",
        "Meeting [Appointment]",
        "Appointment [Appointment]",
        "About a (Walk-In) [Appointment]",
    ]
    assert labelled_subjects(labelled, kinds).equals(labelled)


@pytest.mark.rule("S3")
def test_the_text_is_cut_and_never_the_suffix() -> None:
    (subject,) = labelled_subjects(texts("x" * 300), texts("walk_in"))
    assert len(subject) == MAX_LENGTH
    assert subject.endswith("x [Walk-In]")


@pytest.mark.parametrize(
    ("relabels", "stamps", "fields"),
    [
        (True, False, {BOOKING_KEY, "Subject", "Coconut_Kind__c"}),
        (False, True, {BOOKING_KEY, "Coconut_Kind__c", "Coconut_Status__c"}),
        (True, True, {BOOKING_KEY, "Subject", "Coconut_Kind__c", "Coconut_Status__c"}),
    ],
)
def test_only_the_fields_of_the_choice_are_given(relabels: bool, stamps: bool, fields: set[str]) -> None:
    assert set(Labelling(relabels=relabels, stamps=stamps).fields(NAMES)) == fields


def test_only_what_the_org_lacks_is_sent() -> None:
    desired = pd.DataFrame(
        {
            name: texts(value, value)
            for name, value in zip(NAMES, ("1-2", "Ours", "Long", "appointment", "booked"), strict=True)
        }
    )
    held = pd.DataFrame(
        {
            BOOKING_KEY: texts(None, "1-2"),
            "Subject": texts("Old", "Old [Appointment]"),
            "Coconut_Kind__c": texts(None, "appointment"),
        }
    )
    labelling = Labelling(relabels=True, stamps=False)
    wanted = wanted_labels(desired, held, texts("appointment", "appointment"), labelling)
    sent = missing_labels(wanted, held, {})
    assert sent.loc[0].to_dict() == {
        BOOKING_KEY: "1-2",
        "Subject": "Old [Appointment]",
        "Coconut_Kind__c": "appointment",
    }
    assert sent.loc[1].isna().all()


def test_what_an_event_holds_is_noted_beside_the_fields_that_no_label_gives() -> None:
    payloads = texts('{"Coconut_Booking_Key__c":null,"Subject":"Old","Legacy__c":"kept"}')
    wanted = pd.DataFrame({BOOKING_KEY: texts("1-2"), "Subject": texts("Old [Appointment]")})
    assert not is_labelled(payloads, wanted).any()
    noted = labelled_payloads(payloads, wanted, NAMES)
    assert is_labelled(noted, wanted).all()
    assert json.loads(noted.iloc[0])["Legacy__c"] == "kept"
