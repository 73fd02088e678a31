"""What a run would change, told from three-row frames (rule T6)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.frames import (
    CLEAR,
    EVENT_LINKS,
    EVENTS,
    MEMBERS,
    MEMBERSHIPS,
    NEW_ACCOUNTS,
    PEOPLE,
    STORED_PEOPLE,
    FrameContract,
)
from include.mapping.planned_changes import (
    count_fields,
    count_records,
    nested,
    planned_accounts,
    planned_events,
    planned_members,
    planned_people,
)

pytestmark = pytest.mark.rule("T6")

FIELDS = ("Coconut_Booking_Key__c", "Subject", "Location", "WhoId", "OwnerId")


def frame(contract: FrameContract, *rows: dict[str, Any]) -> pd.DataFrame:
    empty: dict[str, Any] = {
        name: False if dtype == "bool" else None for name, dtype in contract.columns.items()
    }
    filled = pd.DataFrame([{**empty, **row} for row in rows], columns=[*empty, *_wire(contract, rows)])
    return contract.conform(filled)


def _wire(contract: FrameContract, rows: tuple[dict[str, Any], ...]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row if name not in contract.columns))


def cells(planned: pd.DataFrame) -> list[tuple[Any, ...]]:
    named = planned[["operation", "key", "record_id", "field", "old", "new"]]
    return [tuple(row) for row in named.astype(object).where(named.notna(), None).itertuples(index=False)]


def events(*rows: dict[str, Any]) -> pd.DataFrame:
    absent = dict.fromkeys((*FIELDS, "rekeyed_from"))
    return frame(EVENTS, *({**absent, "desired_who_id": "00Q1", **row} for row in rows))


def link(key: str, payload: str | None) -> dict[str, Any]:
    return {"booking_key": key, "event_id": "00U1", "who_id": "00Q1", "owner_id": "0051", "payload": payload}


def test_a_new_event_has_every_field_and_the_reference_of_a_person_who_is_yet_to_be_created() -> None:
    new = {
        "action": "create",
        "desired_who_id": None,
        "person_ref": "new:7",
        "Subject": "Advice",
        "OwnerId": "0051",
    }
    planned = planned_events(
        events({"booking_key": "1-7", **new}), frame(EVENT_LINKS, link("9-9", None)), fields=FIELDS
    )
    assert cells(planned) == [
        ("create", "1-7", None, "Subject", None, "Advice"),
        ("create", "1-7", None, "WhoId", None, "new:7"),
        ("create", "1-7", None, "OwnerId", None, "0051"),
    ]


def test_a_change_names_what_was_last_written_and_an_emptied_field_has_no_new_value() -> None:
    changed = {
        "booking_key": "1-7",
        "event_id": "00U1",
        "action": "update",
        "Subject": "New",
        "Location": CLEAR,
    }
    known = link("1-7", '{"Coconut_Booking_Key__c":"1-7","Subject":"Old","Location":"Here"}')
    planned = planned_events(events(changed), frame(EVENT_LINKS, known), fields=FIELDS)
    assert cells(planned) == [
        ("update", "1-7", "00U1", "Subject", "Old", "New"),
        ("update", "1-7", "00U1", "Location", "Here", None),
    ]


def test_an_event_that_moves_to_another_key_is_compared_with_what_it_was_under_the_old_one() -> None:
    moved = {"event_id": "00U1", "action": "update", "Coconut_Booking_Key__c": "1-8", "rekeyed_from": "1-7"}
    known = link("1-7", '{"Coconut_Booking_Key__c":"1-7","Subject":"Old"}')
    planned = planned_events(
        events({"booking_key": "1-8", **moved}), frame(EVENT_LINKS, known), fields=FIELDS
    )
    assert cells(planned) == [("update", "1-8", "00U1", "Coconut_Booking_Key__c", "1-7", "1-8")]


def test_a_deletion_tells_what_goes_and_is_told_where_nobody_knows_that() -> None:
    rows = [{"booking_key": key, "event_id": "00U1", "action": "delete"} for key in ("1-7", "2-8")]
    known = link("1-7", '{"Coconut_Booking_Key__c":"1-7","Subject":"Old"}')
    planned = planned_events(events(*rows), frame(EVENT_LINKS, known), fields=FIELDS)
    assert cells(planned) == [
        ("delete", "1-7", "00U1", "Coconut_Booking_Key__c", "1-7", None),
        ("delete", "1-7", "00U1", "Subject", "Old", None),
        ("delete", "1-7", "00U1", "WhoId", "00Q1", None),
        ("delete", "1-7", "00U1", "OwnerId", "0051", None),
        ("delete", "2-8", "00U1", None, None, None),
    ]


def test_pairs_with_an_outcome_or_without_an_action_are_no_part_of_the_plan() -> None:
    rows = [
        {"booking_key": "1-7", "action": "create", "outcome": "quarantined", "Subject": "Advice"},
        {"booking_key": "2-8", "action": "none", "outcome": "unchanged"},
    ]
    assert planned_events(events(*rows), frame(EVENT_LINKS, link("9-9", None)), fields=FIELDS).empty


def test_people_are_created_with_their_key_and_account_and_changed_from_what_the_org_holds() -> None:
    people = frame(
        PEOPLE,
        {"person_ref": "new:7", "operation": "insert", "sobject": "Contact", "client_id": "7", "LastName": "Lee",
         "account_ref": "account:x"},
        {"person_ref": "0031", "operation": "update", "sobject": "Contact", "client_id": "8", "record_id": "0031",
         "Phone": "2"},
    )  # fmt: skip
    stored = frame(
        STORED_PEOPLE, {"record_id": "0031", "sobject": "Contact", "Phone": "1", "LastName": "Kim"}
    )
    planned = planned_people(people, pd.Series({"new:7": "7.2"}), stored)
    assert cells(planned) == [
        ("create", "7", None, "LastName", None, "Lee"),
        ("create", "7", None, "Coconut_Client_Key__c", None, "7.2"),
        ("create", "7", None, "AccountId", None, "account:x"),
        ("update", "8", "0031", "Phone", "1", "2"),
    ]


def test_accounts_and_memberships_are_told_too() -> None:
    accounts = frame(
        NEW_ACCOUNTS, {"account_ref": "account:x", "identity": "x", "client_id": "7", "Name": "Mill"}
    )
    assert cells(planned_accounts(accounts, pd.Series({"account:x": "account-7"}))) == [
        ("create", "account:x", None, "Name", None, "Mill"),
        ("create", "account:x", None, "Coconut_Client_Key__c", None, "account-7"),
    ]
    members = frame(
        MEMBERS,
        {"campaign_id": "7011", "person_ref": "new:7", "member_status": "Sent", "action": "create"},
        {"campaign_id": "7011", "person_ref": "0031", "who_id": "0031", "member_status": "Responded",
         "member_id": "00v1", "action": "update"},
        {"campaign_id": "7011", "person_ref": "0032", "who_id": "0032", "member_id": "00v2", "action": "none"},
    )  # fmt: skip
    held = frame(
        MEMBERSHIPS, {"campaign_id": "7011", "who_id": "0031", "member_id": "00v1", "member_status": "Sent"}
    )
    person_fields = pd.Series(["LeadId", "ContactId", "ContactId"])
    assert cells(planned_members(members, held, person_fields=person_fields)) == [
        ("create", "7011:new:7", None, "CampaignId", None, "7011"),
        ("create", "7011:new:7", None, "LeadId", None, "new:7"),
        ("create", "7011:new:7", None, "Status", None, "Sent"),
        ("update", "7011:0031", "00v1", "Status", "Sent", "Responded"),
    ]


def test_counts_are_by_object_operation_and_field() -> None:
    rows = [{"booking_key": key, "event_id": "00U1", "action": "delete"} for key in ("1-7", "2-8")]
    known = link("1-7", '{"Coconut_Booking_Key__c":"1-7","Subject":"Old"}')
    planned = planned_events(events(*rows), frame(EVENT_LINKS, known), fields=FIELDS)
    assert nested(count_records(planned)) == {"Event": {"delete": 2}}
    by_field = nested(count_fields(planned))["Event"]["delete"]
    assert by_field == dict.fromkeys(["Coconut_Booking_Key__c", "OwnerId", "Subject", "WhoId"], 1)
    assert nested(count_records(planned.iloc[:0])) == {}
