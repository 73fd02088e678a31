"""The demo's legacy organisation has every fault that a migration has to cope with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from include.demo.catalogue import STAFF_WITH_INACTIVE_USER
from include.demo.filling import fill
from include.demo.legacy import MAPPINGS
from include.demo.legacy_filling import fill_legacy
from include.demo.local_org import LocalOrg
from include.demo.org_seeding import SeededOrg, seed_org
from include.demo.plan import DemoPlan
from include.demo.salesforce_side import salesforce_side
from include.legacy import UPGRADE_FLAG
from include.source import tables
from tests.local_org import NOW
from tests.local_org import LocalOrg as RunningOrg

pytestmark = pytest.mark.rule("G5")

PLAN = DemoPlan(bookings=200, seed=7, now=NOW)


@dataclass(frozen=True)
class Filled:
    """What lies in Coconut and in the org."""

    source: sa.Engine
    events: dict[str, dict[str, Any]]
    users: dict[str, dict[str, Any]]
    counted: dict[str, int]

    def rows(self, table: sa.Table) -> list[Any]:
        with self.source.connect() as connection:
            return list(connection.execute(table.select()).mappings())

    def linked(self) -> dict[tuple[int, int], str]:
        return {
            (row["appointment_id"], row["client_id"]): row["salesforce_event_id"]
            for row in self.rows(tables.legacy_event_links)
        }


@pytest.fixture(scope="module")
def filled(org_process: RunningOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    org_process.reset()
    source = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('legacy') / 'coconut.db'}")
    tables.create_all(source)
    with org_process.connect() as gateway:
        control = LocalOrg.at(gateway.base_url)
        assert control is not None
        seeded: SeededOrg = seed_org(gateway, control, salesforce_side(PLAN))
        fill(source, PLAN, salesforce_ids=seeded.salesforce_ids)
        counted = fill_legacy(source, gateway, control, seeded, is_offered=True, now=NOW)
    yield Filled(source, _records(org_process, "Event"), _records(org_process, "User"), counted)
    source.dispose()


def _records(org: RunningOrg, sobject: str) -> dict[str, dict[str, Any]]:
    found = org.raw(
        "GET", f"/__emulator__/records/{sobject}", params={"include_deleted": "true", "limit": 2000}
    )
    rows = found.json()
    return {row["Id"]: row for row in (rows if isinstance(rows, list) else rows["records"])}


def test_events_are_missing_deleted_shared_and_double(filled: Filled) -> None:
    linked = filled.linked()
    known = {pair: filled.events[event] for pair, event in linked.items() if event in filled.events}

    assert len(linked) == filled.counted["legacy_event_links"] > 100
    assert [event for event in linked.values() if len(event) in {15, 18} and event not in filled.events]
    assert [event for event in linked.values() if len(event) not in {15, 18}]
    assert [event for event in known.values() if event["IsDeleted"]]
    assert [
        event for event, number in Counter(linked.values()).items() if number > 1 and event in filled.events
    ]
    on_one_record = Counter((pair[0], event["WhoId"]) for pair, event in known.items())
    assert [pair for pair, number in on_one_record.items() if number > 1]


def test_links_lead_to_bookings_and_attendees_that_are_gone(filled: Filled) -> None:
    attending = {(row["appointment_id"], row["client_id"]) for row in filled.rows(tables.attendees)}
    booked = {row["id"] for row in filled.rows(tables.appointments)}
    strays = set(filled.linked()) - attending

    assert {pair[0] in booked for pair in strays} == {True, False}


def test_legacy_events_bear_no_key_and_some_belong_to_people_who_were_converted(filled: Filled) -> None:
    assert {event["Coconut_Booking_Key__c"] for event in filled.events.values()} == {None}
    assert {str(event["WhoId"])[:3] for event in filled.events.values()} == {"00Q", "003"}


def test_staff_are_linked_to_users_who_left_or_never_were(filled: Filled) -> None:
    links = {row["staff_id"]: row["salesforce_user_id"] for row in filled.rows(tables.legacy_staff_links)}
    staff = {row["id"] for row in filled.rows(tables.staff)}

    assert not filled.users[links[STAFF_WITH_INACTIVE_USER]]["IsActive"]
    assert [user for user in links.values() if user not in filled.users]
    assert set(links) - staff


@pytest.mark.rule("G7")
def test_person_accounts_were_intended_and_mappings_differ_in_every_way(filled: Filled) -> None:
    settings = {row["name"]: row["value"] for row in filled.rows(tables.legacy_settings)}

    assert settings["use_person_accounts"] == "true"
    assert filled.users[settings["salesforce_user_id"]]["IsActive"]
    assert len(filled.rows(tables.legacy_field_mappings)) == len(MAPPINGS)


@pytest.mark.rule("G2")
def test_the_upgrade_is_offered_as_asked(filled: Filled) -> None:
    (flag,) = filled.rows(tables.feature_flags)
    assert (flag["name"], flag["enabled"]) == (UPGRADE_FLAG, True)
