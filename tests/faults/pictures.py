"""What org and ledger hold, in names that two worlds share: booking keys, client keys and e-mails instead of Ids.

What two worlds may differ in although nothing was lost and nothing came twice, and what is left out therefore:

- Ids, and instants that tell when something was done: ``created_at``, ``updated_at``, ``read_at``, ``claimed_at``,
  ``first_seen_at``, ``last_seen_at``, Salesforce's audit fields;
- who did it, and how often it was tried: run ids, ``attempts``, jobs, API calls, load claims, reports;
- histories of attempts: runs, match decisions, field reports, outcomes but the newest of a pair, the path of evidence
  on which a person was found again (``new`` in the undisturbed world, ``claim_key`` for whoever came after the dead);
- ``written`` against ``unchanged`` as a pair's last outcome, and the reasons that only tell these apart: whoever comes
  after the dead finds the Event as it should be, or gone as it should be. All are told as ``synced``;
- which of two versions with the same payload was the last to be written: whoever comes after the dead sends an Event
  anew where they cannot know what was sent. The version that the pair settled at is compared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from include.ledger import tables as ledger
from include.ledger.jobs import JobState
from include.reasons import Outcome, Reason
from tests.pipeline.world import World

Picture = dict[str, Any]

AUDIT_FIELDS: Final = frozenset(
    {
        "Id",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
        "LastActivityDate",
        "attributes",
    }
)
SYNCED: Final = {"written": "synced", "unchanged": "synced"}
NOTHING_LEFT_TO_DO: Final = (Reason.SAME_AS_LAST_WRITTEN, Reason.DELETED_WITHOUT_EVENT)
KEY: Final = "Coconut_Client_Key__c"
BOOKING_KEY: Final = "Coconut_Booking_Key__c"

LINK_FACTS: Final = (
    "appointment_id", "client_id", "staff_id", "payload", "payload_hash", "claimed_version", "settled_version",
    "settled_digest", "kind", "status", "is_primary", "service_id", "service_name",
    "location_id", "location_name", "starts_at", "ends_at", "local_day", "booked_at",
)  # fmt: skip
PERSON_FACTS: Final = ("sobject", "created_by_us", "claim_key", "settings_version")
WAITING_FACTS: Final = (
    "appointment_id", "client_id", "kind", "outcome", "reason", "detail", "waits_for", "waits_for_key",
)  # fmt: skip


def take_picture(world: World) -> Picture:
    """Return everything that has to be equal in a disturbed and an undisturbed world."""
    names = Names(world)
    return {**_org(world, names), **_ledger(world, names)}


def differences(undisturbed: Picture, disturbed: Picture) -> list[str]:
    """Return in words what differs, part by part."""
    found: list[str] = []
    for part, expected in undisturbed.items():
        actual = disturbed[part]
        keys = sorted({*expected, *actual}, key=str)
        found += [
            f"{part} {key}: {_change(expected.get(key, 'absent'), actual.get(key, 'absent'))}"
            for key in keys
            if expected.get(key) != actual.get(key)
        ]
    return found


def _change(expected: Any, actual: Any) -> str:
    """Tell two things apart, rows by the values that differ."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        names = [name for name in {**expected, **actual} if expected.get(name) != actual.get(name)]
        expected, actual = ({name: row.get(name) for name in names} for row in (expected, actual))
    return f"{expected} became {actual}"


class Names:
    """Names of records by Id: what a record is to both worlds."""

    def __init__(self, world: World) -> None:
        org = world.org
        self._of = {row["Id"]: f"user {row['Username']}" for row in org.records("User")}
        self._of |= {row["Id"]: f"campaign {row['Name']}" for row in org.records("Campaign")}
        for row in org.records("Lead"):
            self._of[row["Id"]] = f"lead {row[KEY] or row['Email']}"
        accounts = org.records("Account")
        self._of |= {
            row["Id"]: f"account {row[KEY] or row.get('PersonEmail') or row['Name']}" for row in accounts
        }
        for row in org.records("Contact"):
            is_person = bool(row.get("IsPersonAccount"))
            own = f"contact {row[KEY] or row['Email']}"
            self._of[row["Id"]] = f"person of {self._of[row['AccountId']]}" if is_person else own
        self._of |= {row["Id"]: f"event {row[BOOKING_KEY]}" for row in org.records("Event")}
        self._of |= {
            row["Id"]: f"member {self(row['ContactId'] or row['LeadId'])}"
            for row in org.records("CampaignMember")
        }

    def __call__(self, record_id: Any) -> Any:
        """Return the name of a record; texts that are no Id of a live record stay as they are."""
        return self._of.get(record_id, record_id)

    def told(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self(value) for name, value in row.items() if name not in AUDIT_FIELDS}


def _org(world: World, names: Names) -> Picture:
    everything = world.org.control("GET", "records/Event?include_deleted=true")
    return {
        "event": _each_once(world.org.records("Event"), names),
        "events deleted": Counter(row[BOOKING_KEY] for row in everything if row["IsDeleted"]),
        "lead": _each_once(world.org.records("Lead"), names),
        "contact": _each_once(world.org.records("Contact"), names),
        "account": _each_once(world.org.records("Account"), names),
        "member": _each_once(world.org.records("CampaignMember"), names, by="CampaignId"),
    }


def _each_once(rows: Iterable[Mapping[str, Any]], names: Names, *, by: str = "") -> dict[str, Any]:
    """Return records by name; a second one of the name gets a number, so that it shows."""
    met: Counter[str] = Counter()
    told: dict[str, Any] = {}
    for row in rows:
        name = f"{names(row['Id'])} {names(row[by]) if by else ''}".strip()
        met[name] += 1
        told[name if met[name] == 1 else f"{name} ({met[name]})"] = names.told(row)
    return told


def _ledger(world: World, names: Names) -> Picture:
    with world.ledger.engine.connect() as connection:
        rows = {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in (
                ledger.event_links, ledger.person_links, ledger.person_claims, ledger.quarantine, ledger.dirty_keys,
                ledger.watermarks, ledger.campaign_bookings, ledger.campaign_members, ledger.phone_index,
                ledger.claim_keys, ledger.outcomes,
            )
        }  # fmt: skip
    return {
        "event link": {row["booking_key"]: _link(row, names) for row in rows["event_links"]},
        "person link": {row["client_id"]: _person(row, names) for row in rows["person_links"]},
        "claim": {
            row["identity"]: (
                row["claim_key"],
                row["sobject"],
                names(row["record_id"]),
                row["retired_at"] is not None,
            )
            for row in rows["person_claims"]
        },
        "claim key": {row["claim_key"]: (row["base"], row["ordinal"]) for row in rows["claim_keys"]},
        "newest outcome": {
            row["booking_key"]: _outcome(row) for row in sorted(rows["outcomes"], key=_number)
        },
        "waiting": {row["booking_key"]: _picked(row, WAITING_FACTS) for row in rows["quarantine"]},
        "dirty": {row["booking_key"]: row["reason"] for row in rows["dirty_keys"]},
        "watermark": {row["selection"]: (row["changed_at"], row["id"]) for row in rows["watermarks"]},
        "campaign of booking": {
            row["booking_key"]: (
                names(row["campaign_id"]),
                row["client_id"],
                row["status"],
                row["source_version"],
            )
            for row in rows["campaign_bookings"]
        },
        "known member": {
            (names(row["campaign_id"]), names(row["record_id"])): (
                names(row["member_id"]),
                row["member_status"],
                row["note"],
            )
            for row in rows["campaign_members"]
        },
        "phone": Counter((names(row["record_id"]), row["phone"]) for row in rows["phone_index"]),
    }


def _person(row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    written = json.loads(row["written_values"] or "{}")  # an Account's Id among them
    return _picked(
        row,
        PERSON_FACTS,
        record=names(row["record_id"]),
        who=names(row["who_id"]),
        written={name: names(value) for name, value in written.items()},
    )


def _link(row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return _picked(
        row,
        LINK_FACTS,
        event=names(row["event_id"]) if row["event_id"] is not None else None,
        who=names(row["who_id"]),
        owner=names(row["owner_id"]),
        outcome=SYNCED.get(row["last_outcome"], row["last_outcome"]),
        reason=None if row["last_reason"] in NOTHING_LEFT_TO_DO else row["last_reason"],
    )


def _picked(row: Mapping[str, Any], columns: Iterable[str], **more: Any) -> dict[str, Any]:
    return {**{name: row[name] for name in columns}, **more}


def _outcome(row: Mapping[str, Any]) -> Any:
    """Return the outcome alone: one that stays the same is not recorded for every version."""
    return SYNCED.get(row["outcome"], row["outcome"])


def _number(row: Mapping[str, Any]) -> int:
    return int(row["id"])


def imbalances(world: World) -> list[str]:
    """Return which runs and jobs do not add up, and jobs that nobody settled (rule Q3)."""
    is_success = ledger.runs.c.state == "success"
    with world.ledger.engine.connect() as connection:
        runs = connection.execute(sa.select(ledger.runs).where(is_success)).mappings().all()
        jobs = connection.execute(sa.select(ledger.jobs)).mappings().all()
    found = [
        f"{row['run_id']} settled {json.dumps(row['counts'])}"
        for row in runs
        if row["counts"]["read"] != sum(row["counts"].get(outcome, 0) for outcome in Outcome)
    ]
    found += [
        f"job {row['id']} of {row['run_id']} {row['step']} sent {row['sent']}, and is {row['state']}"
        for row in jobs
        if not _adds_up(row)
    ]
    return found


def _adds_up(job: Mapping[str, Any]) -> bool:
    """Tell whether a job took no effect, was calls that a kill cut off, or has every row accounted for."""
    if job["state"] != JobState.SETTLED:
        is_cut_off = job["state"] == JobState.LOST and job["api"] == "rest"
        return bool(is_cut_off or job["state"] == JobState.ABORTED)
    return bool(job["sent"] == job["succeeded"] + job["failed"] + job["unprocessed"])
