"""What holds in every world, whatever the settings (rules M1-M9)."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd
import pytest

from include.frames import CANDIDATES, CLAIMS, CLIENTS, PERSON_LINKS
from include.matching.decide import decide
from include.matching.lookups import Lookups, next_lookups
from include.settings.model import Settings
from tests.matching.aftermath import aftermath
from tests.matching.builders import frame
from tests.matching.decided_worlds import SETTINGS, Case, decide_worlds, decided, name_of
from tests.matching.reference import Reference, digits
from tests.matching.worlds import MARK

OF_ITS_OWN = {"admin_choice", "source_id", "kept_link"}
BY_THE_ALGORITHM = {"name_and_email", "email", "phone"}
WHO_IT_IS = [
    *("client_id", "action", "person_ref", "sobject", "record_id", "who_id"),
    *("evidence", "reason", "claim_key", "identities"),
]


@pytest.fixture(scope="module", params=range(len(SETTINGS)), ids=[name_of(chosen) for chosen in SETTINGS])
def case(request: pytest.FixtureRequest) -> Case:
    return decided(request.param)


@pytest.mark.rule("M8")
def test_one_person_is_one_record(case: Case) -> None:
    people: dict[str, set[str | None]] = defaultdict(set)
    clients = {str(row["client_id"]): row for world in case.worlds for row in world.clients}
    for client_id, verdict in case.verdicts.items():
        is_free = Reference.is_active(clients[client_id]) and verdict.evidence not in OF_ITS_OWN
        for identity in verdict.identities if is_free else ():
            people[identity].add(verdict.person_ref)
    assert people
    assert not {identity: found for identity, found in people.items() if len(found) > 1}


@pytest.mark.rule("M4")
def test_nobody_is_put_on_a_lead_whom_a_contact_agrees_with(case: Case) -> None:
    verdicts = case.verdicts
    for world in case.worlds:
        reference = Reference(world, case.chosen)
        for group in reference.groups():
            mine = [verdicts[str(row["client_id"])] for row in group]
            kinds = {verdict.sobject for verdict in mine if verdict.evidence in BY_THE_ALGORITHM}
            agreeing = reference.agreeing(group)
            is_joined = any(verdict.evidence in OF_ITS_OWN for verdict in mine)
            if not kinds or is_joined or agreeing is None:
                continue
            found = {reference.person(end)[0] for _, end in agreeing[1].values()}
            if found & {"Contact", "Account"}:
                assert kinds <= {"Contact", "Account"}
            if case.chosen["entity_type"] == "person_account" and "Account" in found:
                assert kinds == {"Account"}
            if case.chosen["entity_type"] != "lead":
                assert "Lead" not in kinds


@pytest.mark.rule("M6")
def test_whoever_is_held_is_on_no_record_and_becomes_none(case: Case) -> None:
    held = case.decisions.decisions.query("action == 'hold'")
    written = ["person_ref", "sobject", "record_id", "who_id", "claim_key", "followed_from", "evidence"]
    assert held[written].isna().all(axis=None)
    assert held["reason"].notna().all()
    other = case.decisions.decisions.query("action in ['link', 'create']")
    assert other[["person_ref", "sobject", "evidence"]].notna().all(axis=None)
    assert other["reason"].isna().all()


@pytest.mark.rule("M8")
def test_neither_the_order_of_rows_nor_who_else_is_decided_matters(case: Case) -> None:
    half = len(case.worlds) // 2
    parts = [
        decide_worlds(worlds, case.chosen, rearranged=lambda rows: rows.sample(frac=1, random_state=7))
        for worlds in (case.worlds[half:], case.worlds[:half])
    ]
    together = pd.concat([part.decisions for part in parts]).set_index("client_id").sort_index()
    pd.testing.assert_frame_equal(together, case.decisions.decisions.set_index("client_id").sort_index())
    forwards = pd.concat([part.forwards for part in parts]).sort_values("old_id", ignore_index=True)
    pd.testing.assert_frame_equal(forwards, case.decisions.forwards)


@pytest.mark.rule("M1")
def test_what_is_asked_of_the_org_is_all_that_a_decision_needs(case: Case) -> None:
    clients = frame(CLIENTS, [row for world in case.worlds for row in world.clients])
    links = frame(PERSON_LINKS, [row for world in case.worlds for row in world.links])
    claims = frame(CLAIMS, [row for world in case.worlds for row in world.claims])
    records = [row for world in case.worlds for row in world.records]
    settings = Settings.model_validate(case.chosen)
    found, done = CANDIDATES.empty(), Lookups()
    while wanted := next_lookups(
        clients, links, claims=claims, candidates=found, settings=settings, done=done
    ):
        done |= wanted
        asked = [row for row in records if is_answer(row, done, case.chosen["default_phone_region"])]
        found = frame(CANDIDATES, asked)
    assert len(found) < len(records)
    decisions = decide(
        clients, links, claims=claims, candidates=found, settings=settings, settings_version=1
    ).decisions
    pd.testing.assert_frame_equal(decisions[WHO_IT_IS], case.decisions.decisions[WHO_IT_IS])


def is_answer(record: dict[str, object], lookups: Lookups, default_region: str) -> bool:
    """Tell whether an org gives the record for the lookups: it compares e-mails in small letters, keys as they are."""
    emails = {email.lower() for email in lookups.emails}
    is_named = record["record_id"] in lookups.record_ids.get(str(record["sobject"]), ())
    is_keyed = record.get("client_key") in lookups.client_keys
    if is_named or is_keyed or record["sobject"] == "Account":
        return is_named or is_keyed
    country = {"canada": "CA", "gb": "GB", "united kingdom": "GB", "france": "FR", "frankreich": "FR"}
    region = country.get(str(record["country"]).lower(), default_region)
    phones = {digits(record.get(name), region) for name in ("phone", "mobile_phone")}
    return str(record["email"] or "").strip().lower() in emails or bool(phones & lookups.phones)


@pytest.mark.rule("M8")
def test_deciding_again_once_everything_was_carried_out_changes_nothing(case: Case) -> None:
    before = case.verdicts
    carried_out = aftermath(case)
    after = Case(carried_out.worlds, case.chosen, decide_worlds(carried_out.worlds, case.chosen))
    assert after.decisions.retired_claims == ()
    for client_id, verdict in after.verdicts.items():
        was = before[client_id]
        if was.action == "create":
            created = carried_out.created[str(was.person_ref)]
            assert (verdict.action, verdict.sobject, verdict.record_id) == ("link", was.sobject, created)
        else:
            assert (verdict.action, verdict.reason) == (was.action, was.reason)
            assert (verdict.record_id, verdict.who_id) == (was.record_id, was.who_id)


@pytest.mark.rule("M9")
def test_no_explanation_holds_a_personal_value(case: Case) -> None:
    told = case.decisions.decisions["explanation"]
    assert told.notna().all()
    assert not told.str.contains(MARK, case=False).any()
    rows = [row for world in case.worlds for row in [*world.clients, *world.records]]
    for phone in {str(row[name]) for row in rows for name in ("phone", "mobile_phone") if row.get(name)}:
        assert not told.str.contains(phone, regex=False).any()
