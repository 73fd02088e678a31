from __future__ import annotations

import pytest

from include.errors import ConfigurationError
from include.migration.request import EventsSince, MigrationRequest, Mode


@pytest.mark.rule("G10")
def test_a_run_without_configuration_is_the_migration_itself() -> None:
    assert MigrationRequest.from_conf({}) == MigrationRequest(mode=Mode.FORWARD)


@pytest.mark.rule("G9")
def test_a_rollback_says_what_becomes_of_the_events_since() -> None:
    request = MigrationRequest.from_conf({"rollback": True, "events_since": "exported"})
    assert (request.mode, request.events_since) == (Mode.ROLLBACK, EventsSince.EXPORTED)
    assert MigrationRequest.from_conf({"rollback": True}).events_since is EventsSince.LEFT


@pytest.mark.rule("G7")
def test_the_step_of_person_accounts_names_a_record_type() -> None:
    request = MigrationRequest.from_conf({"person_accounts": True, "record_type": " 012000000000001AAA "})
    assert (request.mode, request.record_type) == (Mode.PERSON_ACCOUNTS, "012000000000001AAA")


@pytest.mark.rule("G10")
def test_all_problems_of_a_request_are_named_together() -> None:
    conf = {"rollback": True, "resume": True, "events_since": ["left", "burnt"]}
    with pytest.raises(ConfigurationError) as refused:
        MigrationRequest.from_conf(conf)
    assert len(refused.value.problems) == 2
    assert "rollback, resume: ask for one of them" in refused.value.problems
