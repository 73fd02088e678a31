"""Custom mappings from Coconut to the org, through every stage (rules F2 to F4, Q2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.errors import ConfigurationError
from include.mapping.fields import default_mappings
from include.settings.field_mapping import FieldMapping
from tests.pipeline.world import NOW, World

OF_CLIENT, OF_BOOKING = 71, 72


def use(world: World, *customs: dict[str, Any], without: tuple[str, ...] = ()) -> None:
    """Save the defaults less some fields, and more mappings."""
    mappings = [mapping for mapping in default_mappings() if mapping.name not in without]
    mappings += [FieldMapping.model_validate(values) for values in customs]
    world.ledger.save_mappings(mappings, who="test", now=world.tick())


@pytest.fixture
def asked(world: World) -> World:
    """A world in which clients are asked for their trade, and bookings for their goal."""
    world.insert("questions", id=OF_CLIENT, name="trade", label="Your trade?", scope="client")
    world.insert("questions", id=OF_BOOKING, name="goal", label="Your goal?", scope="appointment")
    world.set(unassigned_events_owner=world.user("desk@example.com"))
    return world


def answer(world: World, booking_id: int, client_id: int | None, question: int, value: str) -> None:
    world.insert("answers", appointment_id=booking_id, client_id=client_id, question_id=question, value=value)


TRADE = {"sobject": "Lead", "target": "Industry", "source": "answer.trade"}
GOAL = {"sobject": "Event", "target": "Location", "source": "answer.goal"}


@pytest.mark.rule("F2")
def test_answers_fill_fields_of_the_person_and_of_the_event(asked: World) -> None:
    use(asked, TRADE, GOAL, without=("Event.Location",))
    asked.booking(1, asked.client(10))
    answer(asked, 1, 10, OF_CLIENT, "Agriculture")
    answer(asked, 1, 10, OF_BOOKING, "=A house, «Bülach» 🏠")
    assert asked.sync()["written"] == 1
    (lead,) = asked.org.records("Lead")
    assert lead["Industry"] == "Agriculture"
    event = asked.event("1-10")
    assert event["Location"] == "=A house, «Bülach» 🏠"
    (link,) = asked.ledger.event_links(["1"]).to_dict("records")
    assert "Bülach" in link["payload"]


@pytest.mark.rule("F4")
def test_the_wire_word_for_null_typed_by_a_client_clears_no_field(asked: World) -> None:
    use(asked, GOAL, without=("Event.Location",))
    asked.booking(1, asked.client(10))
    answer(asked, 1, 10, OF_BOOKING, "#N/A")
    asked.sync()
    assert asked.event("1-10")["Location"] == "N/A"


@pytest.mark.rule("F4")
def test_a_value_that_the_field_refuses_quarantines_the_booking_until_it_is_mended(asked: World) -> None:
    use(asked, GOAL, without=("Event.Location",))
    asked.booking(1, asked.client(10))
    answer(asked, 1, 10, OF_BOOKING, "x" * 256)
    assert asked.sync()["quarantined"] == 1
    waiting = asked.waiting("1-10")
    assert (waiting["reason"], waiting["detail"]) == (
        "value_too_long",
        "Location is longer than 255 characters",
    )
    assert asked.org.records("Lead") == []
    asked.change("answers", {"appointment_id": 1}, value="a house")
    assert asked.sync()["written"] == 1
    assert asked.event("1-10")["Location"] == "a house"


@pytest.mark.rule("F4")
def test_a_refused_value_is_left_out_where_the_setting_says_so(asked: World) -> None:
    use(asked, GOAL, without=("Event.Location",))
    asked.set(on_invalid_field="drop_and_report")
    asked.booking(1, asked.client(10))
    answer(asked, 1, 10, OF_BOOKING, "x" * 256)
    assert asked.sync()["written"] == 1
    assert asked.event("1-10")["Location"] is None


@pytest.mark.rule("F2")
def test_dates_and_picklists_are_translated_on_their_way(asked: World) -> None:
    words = {"type": "picklist", "values": {"Hof": "Agriculture", "Bank": "Banking"}}
    use(asked, TRADE | {"transform": words}, {
        "sobject": "Lead", "target": "Title",
        "transform": {"type": "concatenation", "sources": ["client.city", "booking.local_day"], "separator": " / "},
    })  # fmt: skip
    asked.booking(1, asked.client(10, city="Bern"), starts_at=NOW + timedelta(days=3), ends_at=None)
    answer(asked, 1, 10, OF_CLIENT, " HOF ")
    assert asked.sync()["written"] == 1
    (lead,) = asked.org.records("Lead")
    assert lead["Industry"] == "Agriculture"
    assert lead["Title"] == f"Bern / {NOW + timedelta(days=3):%Y-%m-%d}"


@pytest.mark.rule("F3")
def test_a_run_stops_before_its_first_write_where_the_org_lacks_a_mapped_field(asked: World) -> None:
    use(asked, GOAL | {"target": "Goal__c"}, TRADE | {"target": "Trade__c"})
    asked.booking(1, asked.client(10))
    with pytest.raises(ConfigurationError) as caught:
        asked.sync()
    assert [problem.split()[0] for problem in caught.value.problems] == ["Event.Goal__c", "Lead.Trade__c"]
    assert asked.org.records("Lead") == []


@pytest.mark.rule("F3")
def test_a_run_stops_before_its_first_write_where_a_mapped_answer_has_no_question(asked: World) -> None:
    use(asked, GOAL | {"source": "answer.gaol"}, TRADE, without=("Event.Location",))
    asked.booking(1, asked.client(10))
    with pytest.raises(ConfigurationError) as caught:
        asked.sync()
    assert caught.value.problems == (
        "Event.Location reads answer.gaol, but Coconut has no question of that name; near it in spelling: goal",
    )
    assert asked.org.records("Lead") == []
    asked.insert("questions", id=73, name="gaol", label="Your gaol?", scope="appointment")
    assert asked.sync()["written"] == 1


@pytest.mark.rule("F2")
def test_a_run_keeps_the_mappings_it_began_with(asked: World) -> None:
    asked.booking(1, asked.client(10))
    asked.sync()
    use(asked, GOAL, without=("Event.Location",))
    answer(asked, 1, 10, OF_BOOKING, "a house")
    assert asked.sync()["written"] == 1
    assert asked.event("1-10")["Location"] == "a house"


@pytest.mark.rule("F2")
def test_a_person_gets_the_newest_answer_even_where_the_run_reads_an_older_booking(asked: World) -> None:
    client = asked.client(10)
    asked.booking(1, client)
    answer(asked, 1, 10, OF_CLIENT, "Banking")
    asked.booking(2, client)
    answer(asked, 2, 10, OF_CLIENT, "Agriculture")
    asked.sync()
    use(asked, TRADE)
    asked.set(overwrite_existing="on")
    asked.edit(1, status="confirmed")
    asked.sync()
    (lead,) = asked.org.records("Lead")
    assert lead["Industry"] == "Agriculture"


@pytest.mark.rule("Q2")
def test_a_value_that_was_refused_is_read_again_once_the_mappings_change(asked: World) -> None:
    use(asked, TRADE | {"transform": {"type": "picklist", "values": {"Hof": "Agriculture"}}})
    asked.booking(1, asked.client(10))
    answer(asked, 1, 10, OF_CLIENT, "Bank")
    assert asked.sync()["quarantined"] == 1
    assert asked.waiting("1-10")["reason"] == "value_unfit"
    use(asked, TRADE | {"transform": {"type": "picklist", "values": {"Bank": "Banking"}}})
    assert asked.sync()["written"] == 1
    (lead,) = asked.org.records("Lead")
    assert lead["Industry"] == "Banking"
