"""Every column of every frame and of every table of the ledger is classified: a value of people, or none."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import include
from include.frames import BOOKINGS, CLIENTS, FrameContract
from include.ledger.tables import PERSONAL, metadata

pytestmark = pytest.mark.rule("Q11")

_PLAIN = """
    id key booking_id slip rule client_version rows name value version at since state note old new base ordinal

    account_id appointment_id booking_key client_id claim_key client_key campaign campaign_id event_id job_id
    location_id master_record_id member_id new_booking_key new_client_id new_id new_record_id old_booking_key old_id
    org_id owner_id question_id record_id replaced_id replaced_org_id run_id salesforce_id salesforce_ids
    salesforce_user_id service_id staff_id who_id converted_account_id converted_contact_id person_contact_id
    person_ref desired_who_id desired_owner_id followed_from known_event_id duplicate_ids seen_event_id
    claimed_by_run last_run_id seen_by_run

    action api outcome reason detail waits_for waits_for_key left_out report field fields sobject operation evidence
    kind status selection trigger label scope finding remedy step task attempt chunk part dag_id last_outcome
    last_reason error_code error_fields duplicate_rule member_status asked_status target report

    created_by_us is_active is_adopted is_backfilled is_blocked is_claimed is_converted is_created is_default is_deleted
    is_disabled is_gone is_new is_person_account is_primary is_retired is_success is_unprocessed has_responded
    was_counted is_known is_settled needs_person dry_run user_is_active is_approved sync_disabled client_exists
    client_deleted client_disabled booking_deleted attendee_deleted is_ours

    answered_at at booked_at changed_at chosen_at claimed_at created_at decided_at ends_at erased_at
    finished_at first_seen_at handed_out_at installed_at last_seen_at local_day made_at modified_at read_at recorded_at
    retired_at saved_at seen_at started_at starts_at updated_at bound_at answered_at

    claimed_version known_version mapping_version seen_version settings_version settled_version source_version
    written_version attempts calls digest failed sent succeeded unprocessed

    answered_by bound_by changed_by chosen_by erased_by saved_by set_by holder

    booked_through location_address location_city location_name location_timezone meeting_method service_minutes
    service_name timezone utm_campaign

    mapping_id source_field target_field item_key legacy_value inventory
    booking_exists attends is_removed held_key
    before_who_id before_owner_id known_who_id known_owner_id
    lease_run_id migration_id phase started_by stopped_why role answer choices facts
    adopted_at asked_at cut_over_at ended_at legacy_until stopped_at taken_at

    counts mappings settings planned removed request rows_kept_in snapshot staged_file summary
"""
PLAIN = frozenset(_PLAIN.split())
"""Names of columns that never hold a value of a client: ids, Ids, our own words, instants, counts, names of staff's and
Coconut's own things, users of Airflow. A new name is added here, or to ``personal`` of its contract, or its column is
marked ``PERSONAL``, by whoever adds it and has thought about it."""

HARMLESS_IN = {
    "new": {"settings_changes", "mapping_changes"},
    "old": {"settings_changes", "mapping_changes"},
    "name": {"answers", "campaigns", "settings_changes", "sync_state"},
    "value": {"sync_state"},
}
"""Names that are harmless in these frames and tables only."""


def contracts() -> Iterator[FrameContract]:
    """Yield every contract that any module of ours declares."""
    seen: set[int] = set()
    for module in pkgutil.walk_packages(include.__path__, "include."):
        if module.name.endswith("__main__") or ".migrations" in module.name or "salesforce_" in module.name:
            continue
        if "orchestration" in module.name or "quality" in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, FrameContract) and id(value) not in seen:
                seen.add(id(value))
                yield value


def is_plain(owner: str, column: str) -> bool:
    return column in PLAIN and owner in HARMLESS_IN.get(column, {owner})


def test_every_column_of_every_frame_is_classified() -> None:
    declared = list(contracts())
    unclassified = {
        f"{contract.name}.{column}"
        for contract in declared
        for column in contract.columns
        if (column in contract.personal) == is_plain(contract.name, column)
    }

    assert len(declared) > 40
    assert unclassified == set()
    assert {one.name for one in declared if not one.personal <= set(one.columns)} == set()


def test_every_column_of_every_table_is_classified() -> None:
    unclassified = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if (column.info == PERSONAL) == is_plain(table.name, column.name)
    }

    assert unclassified == set()


def test_no_name_is_called_harmless_that_nothing_bears() -> None:
    of_frames = {column for contract in contracts() for column in contract.columns}
    of_tables = {column.name for table in metadata.tables.values() for column in table.columns}

    assert of_frames | of_tables >= PLAIN


def test_what_is_read_of_a_client_is_personal_but_for_ids_flags_and_times() -> None:
    plain = {"client_id", "salesforce_id", "sync_disabled", "is_deleted", "created_at", "updated_at"}

    assert CLIENTS.personal == set(CLIENTS.columns) - plain
    assert {"notes", "client_first_name", "client_last_name", "cancellation_reason"} == BOOKINGS.personal
