"""A setting that is accepted must act, or say that it does not yet."""

from __future__ import annotations

import pytest

from include.settings.availability import PENDING, unavailable
from include.settings.model import Settings

pytestmark = pytest.mark.rule("settings")


def test_the_defaults_ask_for_nothing_that_is_not_there() -> None:
    assert unavailable(Settings()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sync_mode", "two_way"),
        ("auto_merge", "on"),
        ("conflict_winner", "latest"),
    ],
)
def test_a_value_without_effect_is_named_with_what_to_set_instead(name: str, value: object) -> None:
    settings = Settings.model_validate({name: value})
    (sentence,) = unavailable(settings)
    assert sentence.startswith(f"{name}: {value} is not available yet (")
    assert sentence.endswith(PENDING[name].way_back or "leave it empty")


def test_what_the_sentence_advises_is_available() -> None:
    advised = {name: pending.way_back for name, pending in PENDING.items()}
    assert unavailable(Settings.model_validate(advised)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("automatic_sync", "off"),
        ("integration", "legacy"),
        ("entity_type", "contact"),
        ("entity_type", "person_account"),
        ("person_account_record_type", "012000000000001AAA"),
        ("overwrite_existing", "on"),
        ("account_deduplication", "leave_duplicates"),
        ("contact_without_company", "no_account"),
        ("matching_algorithm", "phone_then_name_and_email"),
        ("ambiguous_match", "hold"),
        ("insufficient_evidence", "hold"),
        ("sync_events", "off"),
        ("register_people", "off"),
        ("on_cancel", "delete"),
        ("on_event_deleted_in_salesforce", "leave"),
        ("on_invalid_field", "drop_and_report"),
        ("load_api", "rest"),
        ("client_scope", "all"),
        ("duplicate_rules", "link"),
        ("duplicate_rules", "hold"),
        ("new_record_owner", "booking_staff"),
        ("new_record_owner", "assignment_rule"),
        ("delete_guard_percent", 7.5),
        ("create_guard_rows", 10),
        ("daily_api_budget", 1000),
        ("retention_days", 30),
    ],
)
def test_what_works_is_not_warned_of(name: str, value: object) -> None:
    assert unavailable(Settings.model_validate({name: value})) == []


def test_several_settings_without_effect_are_named_together() -> None:
    settings = Settings.model_validate({"sync_mode": "two_way", "auto_merge": "on"})
    assert [sentence.partition(":")[0] for sentence in unavailable(settings)] == ["sync_mode", "auto_merge"]


def test_pending_names_settings_that_exist() -> None:
    assert set(PENDING) <= set(Settings.model_fields)
