"""Legacy Events, and which change is one that they are to be written for (rules G1, G8)."""

from __future__ import annotations

import pandas as pd
import pytest

from include.frames import TEXT
from include.mapping.adoption import image_of
from include.mapping.plan import BOOKING_KEY, parse_payloads

EVENT = "00U000000000001AAA"
OTHER_EVENT = "00U000000000002AAA"


def _records(**columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=TEXT)


@pytest.mark.rule("G8")
def test_an_image_holds_instants_as_we_send_them_however_the_api_spells_them() -> None:
    records = _records(
        Id=[EVENT, OTHER_EVENT],
        StartDateTime=["2026-06-08T14:00:00.000+0000", "2026-06-08T14:00:00.000Z"],
        Subject=["2026-06-08", None],
    )
    images = image_of(records, ["Subject", "StartDateTime"])
    read = parse_payloads(images["image"], [BOOKING_KEY, "Subject", "StartDateTime"])
    assert images["event_id"].tolist() == [EVENT, OTHER_EVENT]
    assert read["StartDateTime"].tolist() == ["2026-06-08T14:00:00.000Z"] * 2
    assert read["Subject"].fillna("nothing").tolist() == ["2026-06-08", "nothing"]


@pytest.mark.rule("G8")
def test_a_field_that_the_org_does_not_have_is_empty_in_the_image_and_texts_stay_as_they_are() -> None:
    records = _records(Id=[EVENT], Description=['two\nlines, "quoted" }\\ {"a":1}'])
    images = image_of(records, ["Description", "Coconut_Kind__c"])
    read = parse_payloads(images["image"], [BOOKING_KEY, "Description", "Coconut_Kind__c"])
    assert read["Description"].tolist() == records["Description"].tolist()
    assert read[[BOOKING_KEY, "Coconut_Kind__c"]].isna().all(axis=None)


@pytest.mark.rule("G8")
def test_no_events_have_no_images() -> None:
    assert image_of(_records(Id=[], Subject=[]), ["Subject"]).empty
