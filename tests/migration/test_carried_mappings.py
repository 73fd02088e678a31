"""Each reason why a legacy mapping cannot be carried over, and what the carried ones are called here."""

from __future__ import annotations

import pandas as pd
import pytest

from include.ledger.contracts import MIGRATION_ITEMS
from include.mapping.fields import default_mappings
from include.mapping.org_fields import FieldFacts, OrgFields
from include.migration.carried_mappings import (
    OrgAndCoconut,
    carried_mapping_set,
    judge_mappings,
    mapping_of,
    mapping_text,
)
from include.settings.field_mapping import FieldMapping, Sobject, set_problems
from include.settings.model import Settings
from tests.ledger.builders import frame

pytestmark = pytest.mark.rule("G5")

TEXT = FieldFacts(type="string", length=255)
FIELDS = {
    "Lead": {
        "Title": TEXT,
        "Email": FieldFacts(type="email"),
        "Old__c": FieldFacts(type="string", createable=False, updateable=False),
        "Sum__c": FieldFacts(type="string", is_calculated=True),
        "Score__c": FieldFacts(type="double"),
    },
    "Contact": {"Title": TEXT},
    "Event": {
        "Channel__c": TEXT,
        "Once__c": FieldFacts(type="string", length=255, updateable=False),
        "Subject": TEXT,
        "Location": TEXT,
        "IsPrivate": FieldFacts(type="boolean"),
    },
}
QUESTIONS = frozenset({"Drink", "drink", "Shoe size"})


def items(*texts: str) -> pd.DataFrame:
    rows = [{"item_key": str(number), "legacy_value": text} for number, text in enumerate(texts, start=1)]
    return frame(MIGRATION_ITEMS, rows, {"kind": "field_mapping", "inventory": 1})


def judged(*texts: str, settings: Settings | None = None) -> pd.DataFrame:
    known = OrgAndCoconut(OrgFields(FIELDS), QUESTIONS, settings or Settings())
    found = judge_mappings(items(*texts), default_mappings(), known).set_index("item_key")
    assert found["outcome"].eq("carried").tolist() == found["reason"].isna().tolist()
    return found


@pytest.mark.parametrize(
    ("legacy", "called"),
    [
        ("Lead.Title=client.locale", "Lead.Title=client.locale"),
        ("lead.title=client.locale", "Lead.Title=client.locale"),
        ("Contact.Title=client.id", "Contact.Title=client.client_id"),
        ("Event.Channel__c=appointment.booked_through", "Event.Channel__c=booking.booked_through"),
        ("Event.Channel__c=appointment.id", "Event.Channel__c=booking.appointment_id"),
        ("Event.Channel__c=appointment.timezone", "Event.Channel__c=booking.time_zone"),
        ("Event.Channel__c=answer.drink", "Event.Channel__c=answer.drink"),
        ("Event.Channel__c=answer.SHOE SIZE", "Event.Channel__c=answer.Shoe size"),
        ("Lead.Score__c=answer.Drink", "Lead.Score__c=answer.Drink"),
        ("Lead.Email=client.email", "Lead.Email=client.email"),
    ],
)
def test_what_fits_is_carried_and_called_as_it_is_here(legacy: str, called: str) -> None:
    assert judged(legacy)["detail"].tolist() == [called]
    assert judged(legacy)["outcome"].tolist() == ["carried"]


@pytest.mark.parametrize(
    ("legacy", "why"),
    [
        ("Lead.Retired__c=client.locale", "field_missing"),
        ("Lead.Old__c=client.locale", "field_read_only"),
        ("Lead.Sum__c=client.locale", "field_read_only"),
        ("Event.Once__c=client.locale", "field_read_only"),
        ("Lead.Score__c=client.locale", "field_of_another_type"),
        ("Event.Subject=appointment.notes", "field_filled_already"),
        ("Event.Location=appointment.notes", "field_filled_already"),
        ("Event.IsPrivate=appointment.notes", "field_filled_already"),
        ("Lead.Email=client.company", "field_filled_already"),
        ("Opportunity.Name=client.company", "object_not_written"),
        ("Account.Name=client.company", "object_not_written"),
        ("Lead.Title=client.shoe_size", "source_unknown"),
        ("Lead.Title=staff.email", "source_unknown"),
        ("Lead.Title=booking.notes", "source_unknown"),
        ("Lead.Title=answer.Hat", "source_unknown"),
        ("Lead.Title=answer.DRINK", "source_unknown"),
        ("Lead.Title=", "source_unknown"),
        ("=", "object_not_written"),
    ],
)
def test_what_does_not_fit_needs_attention_for_the_reason_that_is_true(legacy: str, why: str) -> None:
    assert judged(legacy)["reason"].tolist() == [why]


def test_of_two_that_fill_one_field_the_lower_number_is_carried() -> None:
    rest = [f"Lead.Field{number}__c=client.city" for number in range(8)]
    texts = ["Lead.Title=client.locale", *rest, "Lead.Title=client.city"]
    found = judged(*texts)
    assert found.loc["1", "outcome"] == "carried"
    assert found.loc["10", ["reason", "detail"]].tolist() == [
        "field_filled_already",
        "filled by client.locale",
    ]


def test_a_mapping_is_judged_as_if_its_own_kind_of_people_were_chosen() -> None:
    assert judged("Contact.Title=client.locale", settings=Settings(entity_type="lead"))["reason"].isna().all()


@pytest.mark.rule("F2")
def test_the_carried_mappings_stand_beside_those_in_force_and_agree_with_them() -> None:
    found = judged(
        "Contact.Title=client.locale",
        "Lead.Title=client.locale",
        "Lead.Email=client.email",
        "Event.Subject=appointment.notes",
        "Event.Channel__c=answer.Drink",
    )
    new = carried_mapping_set(found.reset_index(), default_mappings())

    assert new[: len(default_mappings())] == default_mappings()
    assert new[len(default_mappings()) :] == (
        FieldMapping(sobject=Sobject.LEAD, target="Title", source="client.locale"),
        FieldMapping(sobject=Sobject.CONTACT, target="Title", source="client.locale"),
        FieldMapping(sobject=Sobject.EVENT, target="Channel__c", source="answer.Drink"),
    )
    assert set_problems(new) == []


def test_items_of_other_kinds_and_those_that_need_attention_are_no_mappings() -> None:
    found = judged("Lead.Retired__c=client.locale").reset_index()
    staff = found.assign(kind="staff_link", outcome="carried", detail="Lead.Title=client.locale")
    assert carried_mapping_set(pd.concat([found, staff]), default_mappings()) == default_mappings()


def test_a_mapping_in_one_line_is_read_back_whatever_the_question_is_called() -> None:
    for source in ("client.email", "answer.How much is 1 = 1.0?"):
        assert mapping_of(mapping_text("Lead", "Title", source)) == ("Lead", "Title", source)
