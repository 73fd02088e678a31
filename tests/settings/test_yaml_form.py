from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.errors import ConfigurationError
from include.mapping.subject import PLACEHOLDERS
from include.settings.model import MEMBER_STATUSES, CampaignRule, MatchingAlgorithm, Settings, Switch
from include.settings.yaml_form import SUBJECT_PLACEHOLDERS, format_settings, parse_settings

pytestmark = pytest.mark.rule("settings")


def parse(text: str) -> Settings:
    return parse_settings(text, base=Settings())


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value.problems


def test_a_file_may_name_only_some_settings_and_leaves_the_others() -> None:
    base = Settings(lead_source="Web")
    assert parse_settings("on_cancel: delete", base=base) == base.model_copy(update={"on_cancel": "delete"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [("on", Switch.ON), ("off", Switch.OFF), ("true", Switch.ON), ("no", Switch.OFF), ("'off'", Switch.OFF)],
)
def test_a_switch_may_be_written_as_any_boolean_of_yaml(written: str, meant: Switch) -> None:
    assert parse(f"sync_events: {written}").sync_events is meant


@pytest.mark.parametrize("written", ["PT20M", "20", "'00:20:00'"])
def test_a_duration_is_iso_8601_or_a_number_of_minutes(written: str) -> None:
    assert parse(f"source_overlap: {written}").source_overlap == timedelta(minutes=20)


def test_an_id_that_looks_like_a_number_keeps_every_digit() -> None:
    assert parse("unassigned_events_owner: 005266000000001").unassigned_events_owner == "005266000000001"


def test_an_empty_value_empties_a_setting_that_may_be_empty() -> None:
    base = Settings(sync_from=date(2026, 1, 31), scope_services=("3",), default_owner="005000000000001")
    text = "sync_from:\nscope_services:\ndefault_owner: ~\n"
    assert parse_settings(text, base=base) == Settings()


def test_all_problems_of_a_file_are_reported_together_each_naming_its_setting() -> None:
    problems = problems_of(
        """
        automatic_sync: maybe
        matching_algoritm: email
        matching_algorithm: guess
        retention_days: 0
        delete_guard_percent: 200
        daily_api_budget: many
        source_overlap: soon
        scope_services: 3
        scope_statuses: [done]
        subject_template: "{price}"
        edit_url_template: ftp://host
        sync_from: yesterday
        campaign_rules: [Spring]
        campaign_member_statuses: {done: Sent}
        default_phone_region: ZZ
        """
    )
    named = [problem.split(":")[0] for problem in problems]
    assert sorted(named) == sorted(
        [
            "automatic_sync",
            "campaign_member_statuses",
            "campaign_rules",
            "default_phone_region",
            "daily_api_budget",
            "delete_guard_percent",
            "edit_url_template",
            "edit_url_template",
            "matching_algoritm",
            "matching_algorithm",
            "retention_days",
            "scope_services",
            "scope_statuses",
            "source_overlap",
            "subject_template",
            "sync_from",
        ]
    )


def test_a_problem_says_what_is_allowed() -> None:
    assert problems_of("ambiguous_match: newest") == (
        "ambiguous_match: expects one of oldest, most_recently_modified, hold",
    )


@pytest.mark.rule("M13")
def test_campaign_rules_are_a_list_and_a_rule_names_its_campaign_and_for_whom() -> None:
    text = """
        campaign_rules:
          - {campaign: Spring offers, service: Mortgage}
          - campaign: 701000000000001
            location: 5
        """
    assert parse(text).campaign_rules == (
        CampaignRule(campaign="Spring offers", service="Mortgage"),
        CampaignRule(campaign="701000000000001", location="5"),
    )


@pytest.mark.rule("M13")
def test_every_fault_of_a_campaign_rule_says_which_rule_it_is() -> None:
    assert problems_of("campaign_rules: [{service: Mortgage}, {campaign: '', servce: Mortgage}]") == (
        "campaign_rules: rule 1 names no campaign",
        "campaign_rules: rule 2 names no campaign",
        "campaign_rules: rule 2 has no part servce, only campaign, service, location",
    )


@pytest.mark.rule("M13")
def test_a_table_of_member_statuses_replaces_the_whole_table() -> None:
    assert dict(Settings().campaign_member_statuses) == MEMBER_STATUSES
    assert parse("campaign_member_statuses: {complete: Attended}").campaign_member_statuses == {
        "complete": "Attended"
    }
    assert parse("campaign_member_statuses:").campaign_member_statuses == {}


@pytest.mark.rule("M3")
@pytest.mark.parametrize("written", ["ZZ", "us", "USA"])
def test_a_phone_region_that_is_no_country_is_refused_with_what_is_wrong(written: str) -> None:
    (problem,) = problems_of(f"default_phone_region: {written}")
    assert "ISO code of a country" in problem


def test_a_misspelt_setting_is_answered_with_the_one_that_was_meant() -> None:
    assert problems_of("sync_form: 2026-01-31") == (
        "sync_form: there is no such setting, did you mean sync_from?",
    )


@pytest.mark.parametrize(
    "text", ["", "# nothing", "- a list", "just text", "a: [", "lead_source: a\nlead_source: b"]
)
def test_what_is_no_settings_file_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError, match="settings file"):
        parse(text)


def test_the_export_names_every_setting_with_what_it_allows() -> None:
    text = format_settings(Settings())
    for name in Settings.model_fields:
        assert f"\n{name}:" in text
    for algorithm in MatchingAlgorithm:
        assert algorithm.value in text


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@settings(deadline=None, max_examples=50)
@given(
    st.builds(
        Settings,
        lead_source=TEXTS,
        company_placeholder=TEXTS,
        scope_services=st.lists(TEXTS.filter(bool), max_size=3).map(tuple),
        sync_from=st.none() | st.dates(),
        retention_days=st.integers(1, 5000),
        delete_guard_percent=st.floats(0, 100),
        campaign_rules=st.lists(
            st.builds(CampaignRule, campaign=TEXTS.filter(bool), service=TEXTS, location=TEXTS), max_size=3
        ).map(tuple),
        campaign_member_statuses=st.dictionaries(st.sampled_from(sorted(MEMBER_STATUSES)), TEXTS),
        source_overlap=st.integers(0, 10_000).map(lambda seconds: timedelta(seconds=seconds)),
    )
)
def test_whatever_is_exported_imports_as_the_same_settings(exported: Settings) -> None:
    assert parse(format_settings(exported)) == exported


def test_the_subject_template_may_name_exactly_what_the_mapping_fills_in() -> None:
    assert set(SUBJECT_PLACEHOLDERS) == set(PLACEHOLDERS)
