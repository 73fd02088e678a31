"""The columns of the frames that go into the ledger, and of those it answers with beyond ``include.frames``."""

from __future__ import annotations

from include.frames import CLAIM, FACTS, INSTANT, TEXT, WHOLE, FrameContract

PAIRS_TO_CLAIM = FrameContract(
    "pairs_to_claim",
    {"booking_key": TEXT, "appointment_id": TEXT, "client_id": TEXT, "kind": TEXT, "source_version": WHOLE},
)

CLAIMED_PAIRS = FrameContract("claimed_pairs", {"booking_key": TEXT, "is_claimed": CLAIM})

EVENT_RESULTS = FrameContract(
    "event_results",
    {
        # one row per pair whose Event was created, updated or deleted
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "source_version": WHOLE,
        "action": TEXT,
        "event_id": TEXT,
        "who_id": TEXT,  # missing = as it was
        "owner_id": TEXT,  # missing = as it was
        "payload": TEXT,
        "payload_hash": TEXT,
        **FACTS,
    },
    personal=frozenset({"payload", "payload_hash"}),
)

UNKNOWN_WRITES = FrameContract(
    "unknown_writes",
    {
        # one row per pair whose Event may have been written
        "booking_key": TEXT,
        "source_version": WHOLE,
        "who_id": TEXT,  # missing = not sent
        "owner_id": TEXT,  # missing = not sent
    },
)

OUTCOMES = FrameContract(
    "outcomes",
    {
        # one row per pair the run read
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "source_version": WHOLE,
        "source_digest": TEXT,
        "outcome": TEXT,
        "reason": TEXT,
        "action": TEXT,
        "event_id": TEXT,
        "waits_for": TEXT,
        "waits_for_key": TEXT,
        "detail": TEXT,
        "client_version": WHOLE,  # updated_at of the client as it was read, in microseconds since the epoch
        **FACTS,
    },
    personal=frozenset({"source_digest"}),
)

CLIENT_OUTCOMES = FrameContract(
    "client_outcomes",
    {
        # one row per client that a run was about by themselves, booking or not
        "client_id": TEXT,
        "source_version": WHOLE,  # updated_at in microseconds since the epoch
        "source_digest": TEXT,
        "outcome": TEXT,
        "reason": TEXT,
        "detail": TEXT,
        "waits_for": TEXT,
        "waits_for_key": TEXT,
    },
    personal=frozenset({"source_digest"}),
)

CLIENT_WAITING = FrameContract(
    "clients_waiting",
    {"client_id": TEXT, "reason": TEXT, "waits_for": TEXT, "waits_for_key": TEXT, "last_seen_at": INSTANT},
)

SETTLED = FrameContract(
    "settled",
    {
        "booking_key": TEXT,
        "settled_version": WHOLE,
        "settled_digest": TEXT,
        "known_version": WHOLE,  # the newest that was settled or claimed
    },
    personal=frozenset({"settled_digest"}),
)

REKEYED = FrameContract("rekeyed", {"old_booking_key": TEXT, "new_booking_key": TEXT, "new_client_id": TEXT})

FORWARDS = FrameContract(
    "forwards",
    {
        # Ids of converted and merged records: what an Event points at now, and the record of that person
        "old_id": TEXT,
        "new_id": TEXT,
        "new_record_id": TEXT,
    },
)

READ_AGAIN = FrameContract(
    "read_again",
    {
        "booking_key": TEXT,
        "appointment_id": TEXT,  # missing where the pair's Event link has it
    },
)

SETTLED_CAMPAIGN_BOOKINGS = FrameContract(
    "settled_campaign_bookings",
    {
        "booking_key": TEXT,
        "campaign_id": TEXT,  # missing where the pair counts towards none any more
        "client_id": TEXT,
        "status": TEXT,
        "source_version": WHOLE,
    },
)

CAMPAIGN_MEMBERS = FrameContract(
    "campaign_members",
    {
        "campaign_id": TEXT,  # what the booking calls it, where the org has no such Campaign
        "record_id": TEXT,
        "member_id": TEXT,
        "member_status": TEXT,  # what Coconut last asked for
        "note": TEXT,
    },
)

NAMED_CAMPAIGNS = FrameContract(
    "named_campaigns",
    {
        "campaign": TEXT,  # a name that leads to a Campaign by now, or one that no booking of the person asks for
        "record_id": TEXT,
    },
)

PERSON_GROUPS = FrameContract(
    "person_groups",
    {
        "person_ref": TEXT,
        "identities": TEXT,  # joined by a space
        "client_id": TEXT,  # smallest of the group
        "sobject": TEXT,
    },
    personal=frozenset({"identities"}),
)

CLAIMED_PEOPLE = FrameContract(
    "claimed_people",
    {
        "person_ref": TEXT,
        "claim_key": TEXT,
        "record_id": TEXT,  # missing until the insert settled
        "is_new": CLAIM,  # this call handed the key out
    },
)

CLAIMED_RECORDS = FrameContract("claimed_records", {"claim_key": TEXT, "record_id": TEXT})

PEOPLE_RESULTS = FrameContract(
    "people_results",
    {
        "client_id": TEXT,
        "sobject": TEXT,
        "record_id": TEXT,
        "who_id": TEXT,
        "created_by_us": CLAIM,
        "evidence": TEXT,
        "claim_key": TEXT,
        "values": TEXT,  # JSON of fields just written, without nulls; fields it does not name are as they were
    },
    personal=frozenset({"values"}),
)

WAITING = FrameContract(
    "waiting",
    {
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "reason": TEXT,
        "waits_for": TEXT,
        "waits_for_key": TEXT,
        "last_seen_at": INSTANT,
        "client_version": WHOLE,
    },
)

QUARANTINE_ROWS = FrameContract(
    "quarantine_rows",
    {
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "kind": TEXT,
        "outcome": TEXT,
        "reason": TEXT,
        "detail": TEXT,
        "waits_for": TEXT,
        "waits_for_key": TEXT,
        "attempts": WHOLE,
        "first_seen_at": INSTANT,
        "last_seen_at": INSTANT,
        "last_run_id": TEXT,
    },
)

QUARANTINE_COUNTS = FrameContract("quarantine_counts", {"outcome": TEXT, "reason": TEXT, "rows": WHOLE})

RUNS = FrameContract(
    "runs",
    {
        "run_id": TEXT,
        "dag_id": TEXT,
        "selection": TEXT,
        "trigger": TEXT,
        "dry_run": CLAIM,
        "state": TEXT,
        "started_at": INSTANT,
        "finished_at": INSTANT,
        "settings_version": WHOLE,
        "counts": TEXT,  # JSON
    },
)

EVENT_LINK_ROWS = FrameContract(
    "event_link_rows",
    {
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "event_id": TEXT,
        "who_id": TEXT,
        "owner_id": TEXT,
        "payload": TEXT,
        "payload_hash": TEXT,
        "claimed_version": WHOLE,
        "written_version": WHOLE,
        "settled_version": WHOLE,
        "last_outcome": TEXT,
        "last_reason": TEXT,
        **FACTS,
    },
    personal=frozenset({"payload", "payload_hash"}),
)

EVENT_CORRECTIONS = FrameContract(
    "event_corrections",
    {
        # what the org really holds of a pair (rule Q7), in place of what the ledger believes
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "kind": TEXT,
        "event_id": TEXT,  # missing where there is none
        "who_id": TEXT,
        "owner_id": TEXT,
        "payload": TEXT,
        "payload_hash": TEXT,
        # what the ledger believed when the two were compared
        "known_event_id": TEXT,
        "known_version": WHOLE,
    },
    personal=frozenset({"payload", "payload_hash"}),
)

PERSON_LINK_ROWS = FrameContract(
    "person_link_rows", {"client_id": TEXT, "sobject": TEXT, "record_id": TEXT, "who_id": TEXT}
)

PHONE_ENTRIES = FrameContract(
    "phone_entries",
    {
        # one row per record and phone, normalised (rule M3)
        "record_id": TEXT,
        "phone": TEXT,
        "sobject": TEXT,
    },
    personal=frozenset({"phone"}),
)

MIGRATION_ITEMS = FrameContract(
    "migration_items",
    {
        # one row per thing that the legacy integration holds (rule G5)
        "kind": TEXT,  # include.legacy.ItemKind
        "item_key": TEXT,  # id of a mapping, id of a staff member, or appointment_id-client_id
        "legacy_value": TEXT,
        "inventory": WHOLE,  # 1, or 2 where only the second one found it
        "outcome": TEXT,  # include.legacy.ItemOutcome; missing until it was checked
        "reason": TEXT,  # include.legacy.Attention; missing where it was carried over
        "detail": TEXT,  # plain words; never personal data
    },
)

MIGRATION_COUNTS = FrameContract(
    "migration_counts", {"kind": TEXT, "outcome": TEXT, "reason": TEXT, "rows": WHOLE}
)

MIGRATION_IMAGES = FrameContract(
    "migration_images",
    {
        # one row per legacy Event that the org holds, as it was before cut-over (rule G9)
        "event_id": TEXT,
        "booking_key": TEXT,  # the pair that keeps the Event
        "client_id": TEXT,
        "who_id": TEXT,
        "owner_id": TEXT,
        "image": TEXT,  # JSON of fields in wire form; missing once its client was erased
    },
    personal=frozenset({"image"}),
)

ADOPTIONS = FrameContract(
    "adoptions",
    {
        # one row per pair whose legacy Event is taken over (rule G8), with the booking as it was read in the same step
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "event_id": TEXT,
        "who_id": TEXT,  # as the org has them
        "owner_id": TEXT,
        "payload": TEXT,  # what the Event holds, as JSON in wire form
        "payload_hash": TEXT,
        "settled_version": WHOLE,
        "settled_digest": TEXT,
        "adopted_digest": TEXT,  # empty where the booking was edited since the legacy integration was switched off
        **FACTS,
    },
    personal=frozenset({"adopted_digest", "payload", "payload_hash", "settled_digest"}),
)

CARRIED_PEOPLE = FrameContract(
    "carried_people",
    {
        # whom the legacy Events of a client stand on, where all agree (rule M1)
        "client_id": TEXT,
        "sobject": TEXT,
        "record_id": TEXT,
        "who_id": TEXT,
    },
)

ADOPTED_EVENTS = FrameContract(
    "adopted_events",
    {
        # legacy Events that were taken over, as the ledger knows them by now
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "event_id": TEXT,  # missing once the sync deleted it; another Id once it was written again
        "who_id": TEXT,
        "owner_id": TEXT,
        "payload": TEXT,
        "claimed_version": WHOLE,
        "written_version": WHOLE,  # missing while the sync never wrote it
        "settled_version": WHOLE,
        "last_reason": TEXT,  # include.reasons.Reason of the last run that settled the pair
        "kind": TEXT,
        "ends_at": INSTANT,
    },
    personal=frozenset({"payload"}),
)

LABELLED_EVENTS = FrameContract(
    "labelled_events",
    {
        # legacy Events that got a label, a key or both (rules G6, G8)
        "booking_key": TEXT,
        "event_id": TEXT,
        "payload": TEXT,
        "payload_hash": TEXT,
        "source_version": WHOLE,  # the version of the booking that was claimed for it
    },
    personal=frozenset({"payload", "payload_hash"}),
)

EVENTS_SINCE = FrameContract(
    "events_since",
    {
        # Events that the sync made after cut-over (rule G9)
        "booking_key": TEXT,
        "appointment_id": TEXT,
        "client_id": TEXT,
        "event_id": TEXT,
    },
)
