"""The index of phones that Salesforce cannot search for (rule M3)."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from include.ledger.contracts import PHONE_ENTRIES
from include.ledger.repository import Ledger, PhoneIndexState
from tests.ledger.builders import INSTALLED, frame

pytestmark = pytest.mark.rule("M3")

REACHED = PhoneIndexState("00D000000000001AAA", "US", INSTALLED)
LEAD_1, LEAD_2, LEAD_3 = (f"00Q00000000000{number}AAA" for number in (1, 2, 3))
CONTACT = "003000000000001AAA"


def entries(*pairs: tuple[str, str], sobject: str = "Lead") -> pd.DataFrame:
    rows = [{"record_id": record_id, "phone": phone} for record_id, phone in pairs]
    return frame(PHONE_ENTRIES, rows, {"sobject": sobject})


def found(ledger: Ledger, *phones: str) -> list[tuple[str, str]]:
    rows = ledger.phone_entries(phones)
    return list(zip(rows["record_id"], rows["phone"], strict=True))


def test_a_new_ledger_has_no_index(ledger: Ledger) -> None:
    assert ledger.phone_index_state("Lead") is None
    assert ledger.phone_entries(["14165550100"]).empty


def test_every_record_that_has_a_phone_is_found_by_it(ledger: Ledger) -> None:
    ledger.fill_phone_index("Lead", entries((LEAD_1, "1"), (LEAD_2, "1"), (LEAD_2, "2")), REACHED)
    ledger.fill_phone_index("Contact", entries((CONTACT, "2"), sobject="Contact"), REACHED)
    assert found(ledger, "1", "9") == [(LEAD_1, "1"), (LEAD_2, "1")]
    assert found(ledger, "2") == [(CONTACT, "2"), (LEAD_2, "2")]
    assert set(ledger.phone_entries(["2"])["sobject"]) == {"Contact", "Lead"}


def test_filling_replaces_what_the_index_held_of_that_object_only(ledger: Ledger) -> None:
    ledger.fill_phone_index("Contact", entries((CONTACT, "1"), sobject="Contact"), REACHED)
    ledger.fill_phone_index("Lead", entries((LEAD_1, "1")), REACHED)
    ledger.fill_phone_index("Lead", entries((LEAD_2, "1")), REACHED)
    assert found(ledger, "1") == [(CONTACT, "1"), (LEAD_2, "1")]


def test_changed_records_lose_their_old_phones(ledger: Ledger) -> None:
    ledger.fill_phone_index("Lead", entries((LEAD_1, "1"), (LEAD_2, "2"), (LEAD_3, "3")), REACHED)
    ledger.replace_phone_entries([LEAD_1, LEAD_2], entries((LEAD_1, "4")))
    assert found(ledger, "1", "2", "3", "4") == [(LEAD_1, "4"), (LEAD_3, "3")]


def test_a_record_that_is_indexed_twice_is_found_once(ledger: Ledger) -> None:
    ledger.fill_phone_index("Lead", entries((LEAD_1, "1"), (LEAD_1, "1")), REACHED)
    assert found(ledger, "1") == [(LEAD_1, "1")]


def test_the_index_remembers_whose_phones_it_holds_and_how_far_it_came(ledger: Ledger) -> None:
    ledger.fill_phone_index("Lead", entries(), REACHED)
    assert ledger.phone_index_state("Lead") == REACHED
    later = PhoneIndexState(REACHED.org_id, "GB", INSTALLED + timedelta(microseconds=1))
    ledger.mark_phone_index("Lead", later)
    assert ledger.phone_index_state("Lead") == later
    assert ledger.phone_index_state("Contact") is None


def test_thousands_of_phones_are_looked_up_at_once(ledger: Ledger) -> None:
    many = [(f"00Q{number:012d}AAA", str(number)) for number in range(5_000)]
    ledger.fill_phone_index("Lead", entries(*many), REACHED)
    assert len(ledger.phone_entries([str(number) for number in range(0, 40_000, 2)])) == 2_500
