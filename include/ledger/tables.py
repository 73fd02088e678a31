"""The ledger's tables (design §3), as SQLAlchemy Core sees them; ``migrations`` is what creates them.

Ids of Coconut and of Salesforce are text. Values of people, and digests of them that somebody who knows the values
could make again, stand in the columns marked ``PERSONAL`` only; ``include.ledger.erasing`` empties these (rule Q11).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from include.ledger.types import AUTO_KEY, Instant

PERSONAL: Final = {"is_personal": True}
"""Mark of a column with values of people, or digests of them."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ledger_info = Table(
    "ledger_info",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("org_id", Text),  # 18 characters; missing until the first run signed in (Q10)
    Column("bound_by", Text),
    Column("installed_at", Instant, nullable=False),
)

org_bindings = Table(
    "org_bindings",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("org_id", Text, nullable=False),
    Column("replaced_org_id", Text),  # missing at the first sign-in
    Column("bound_by", Text, nullable=False),
    Column("bound_at", Instant, nullable=False),
)

settings_versions = Table(
    "settings_versions",
    metadata,
    Column("version", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("saved_at", Instant, nullable=False),
    Column("saved_by", Text, nullable=False),
    Column("settings", JSON, nullable=False),
)

settings_changes = Table(
    "settings_changes",
    metadata,
    Column("version", BigInteger, ForeignKey("settings_versions.version"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("old", Text),
    Column("new", Text),
)

mapping_versions = Table(
    "mapping_versions",
    metadata,
    Column("version", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("saved_at", Instant, nullable=False),
    Column("saved_by", Text, nullable=False),
    Column("mappings", JSON, nullable=False),  # every mapping in force, the defaults included
)

mapping_changes = Table(
    "mapping_changes",
    metadata,
    Column("version", BigInteger, ForeignKey("mapping_versions.version"), primary_key=True),
    Column("sobject", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("old", Text),  # JSON of the mapping; missing where there was none
    Column("new", Text),
)

client_switches = Table(
    "client_switches",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),  # a client's newest row is in force (T4)
    Column("client_id", Text, nullable=False, index=True),
    Column("is_disabled", Boolean, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),  # releases the client's disabled pairs
)

client_outcomes = Table(
    "client_outcomes",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("waits_for", Text, nullable=False),
    Column("waits_for_key", Text),
    Column("settled_version", BigInteger),
    Column("settled_digest", Text, info=PERSONAL),
    Column("attempts", Integer, nullable=False),  # runs that came to this outcome, one after the other
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),  # when the run looked: later moves release the client
    Column("last_run_id", Text, nullable=False),
)

person_choices = Table(
    "person_choices",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("client_id", Text, nullable=False, index=True),
    Column("record_id", Text, nullable=False),
    Column("replaced_id", Text),
    Column("chosen_by", Text, nullable=False),
    Column("chosen_at", Instant, nullable=False),
)

phone_index = Table(
    "phone_index",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("phone", Text, primary_key=True, info=PERSONAL),  # normalised digits
    Column("sobject", Text, nullable=False),
    Index("ix_phone_index_phone", "phone"),
)

field_reports = Table(
    "field_reports",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("client_id", Text, nullable=False, index=True),
    Column("sobject", Text, nullable=False),
    Column("record_id", Text),
    Column("field", Text, nullable=False),
    Column("report", Text, nullable=False),  # include.reasons.FieldReport
)

campaign_bookings = Table(
    "campaign_bookings",
    metadata,
    Column("booking_key", Text, primary_key=True),
    Column("campaign_id", Text),  # missing once the booking has no campaign any more, or is deleted
    Column("client_id", Text, nullable=False, index=True),
    Column("status", Text, nullable=False),  # the booking's
    Column("source_version", BigInteger, nullable=False),  # an older one never takes its place
    Column("updated_at", Instant, nullable=False),
)

campaign_members = Table(
    "campaign_members",
    metadata,
    Column(
        "campaign_id", Text, primary_key=True
    ),  # what the booking calls it, where the org has no such Campaign
    Column("record_id", Text, primary_key=True),  # the Lead or Contact
    Column("member_id", Text),
    Column("member_status", Text),  # what Coconut last asked for, also where a Salesforce user's own stays
    Column("note", Text),  # include.reasons.CampaignNote
    Column("updated_at", Instant, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("dag_id", Text, nullable=False),
    Column("selection", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),  # include.ledger.runs.RunState
    Column("started_at", Instant, nullable=False, index=True),  # the run's clock: nothing it read is older
    Column("seen_at", Instant),  # by the ledger's clock: what moved later is news to the run
    Column("finished_at", Instant),
    Column("settings_version", BigInteger, nullable=False),
    Column("request", Text),  # JSON of what a person asked sync_clients for, with the mapping version
    Column("counts", JSON),
)

run_api_calls = Table(
    "run_api_calls",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("attempt", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("recorded_at", Instant, index=True),  # missing where an older release recorded them
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("selection", Text, primary_key=True),
    Column("changed_at", Instant, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("snapshot", Text),  # what the run could see; where the booking database is PostgreSQL (Q5)
)

event_links = Table(
    "event_links",
    metadata,
    Column("booking_key", Text, primary_key=True),
    Column("appointment_id", Text, nullable=False, index=True),
    Column("client_id", Text, index=True),
    Column("event_id", Text, index=True),
    Column("who_id", Text, index=True),
    Column("owner_id", Text),
    Column("staff_id", Text, index=True),
    # as last written; missing where we never wrote, and where an overtaken write left the org's state unknown
    Column("payload", Text, info=PERSONAL),
    Column("payload_hash", Text, info=PERSONAL),
    Column("claimed_version", BigInteger),
    Column("claimed_by_run", Text),
    Column("written_version", BigInteger),
    Column("settled_version", BigInteger),
    Column("settled_digest", Text, info=PERSONAL),
    Column("last_outcome", Text),
    Column("last_reason", Text),
    Column("is_backfilled", Boolean),  # a backfill asked for the pair, so sync_from does not hold it (S14)
    # when the Event was taken over from the legacy integration; until we write it, payload is what it held then (G8)
    Column("adopted_at", Instant),
    Column(
        "adopted_digest", Text, info=PERSONAL
    ),  # of the booking as it was then: another one was edited since
    Column("mapping_version", BigInteger),
    Column("settings_version", BigInteger),
    # the booking's facts, for reports
    Column("kind", Text),
    Column("status", Text),
    Column("is_primary", Boolean),
    Column("service_id", Text),
    Column("service_name", Text),
    Column("location_id", Text),
    Column("location_name", Text),
    Column("starts_at", Instant),
    Column("ends_at", Instant, index=True),
    Column("local_day", Text),
    Column("booked_at", Instant),
    Column("read_at", Instant),  # when the newest run that settled the pair looked: later moves are news
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

dirty_keys = Table(
    "dirty_keys",
    metadata,
    Column("booking_key", Text, primary_key=True),
    Column("appointment_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column(
        "seen_by_run", Text
    ),  # the run that found the mark when it began, and may clear it; missing once marked again
)

claim_keys = Table(
    "claim_keys",
    metadata,
    Column("claim_key", Text, primary_key=True),  # value of Coconut_Client_Key__c
    Column("base", Text, nullable=False),  # namespace and client id; the key itself for the first ordinal
    Column("ordinal", Integer, nullable=False),
    Column("handed_out_at", Instant, nullable=False),
    UniqueConstraint("base", "ordinal"),
)

person_claims = Table(
    "person_claims",
    metadata,
    Column("identity", Text, primary_key=True, info=PERSONAL),
    Column("claim_key", Text, ForeignKey("claim_keys.claim_key"), nullable=False, index=True),
    Column("sobject", Text, nullable=False),
    Column("record_id", Text),
    Column("retired_at", Instant),
    Column("claimed_by_run", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
)

person_links = Table(
    "person_links",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("sobject", Text, nullable=False),
    Column("record_id", Text, nullable=False, index=True),
    Column("who_id", Text, index=True),
    Column("created_by_us", Boolean, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("claim_key", Text),
    Column("written_values", Text, info=PERSONAL),  # JSON of the person fields we last wrote
    Column("settings_version", BigInteger, nullable=False),
    Column("last_run_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False, index=True),
)

match_decisions = Table(
    "match_decisions",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("decided_at", Instant, nullable=False),
    Column("settings_version", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("sobject", Text),
    Column("record_id", Text),
    Column("evidence", Text),
    Column("reason", Text),
    Column("explanation", Text, info=PERSONAL),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("booking_key", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("action", Text),
    Column("source_version", BigInteger),
    Column("event_id", Text),
    Column("detail", Text),
    UniqueConstraint("booking_key", "run_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("booking_key", Text, primary_key=True),
    Column("appointment_id", Text, nullable=False, index=True),
    Column("client_id", Text, index=True),
    Column("kind", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("waits_for", Text, nullable=False, index=True),
    Column("waits_for_key", Text),
    Column("attempts", Integer, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column(
        "last_seen_at", Instant, nullable=False
    ),  # when the run looked that saw it last: later moves release it
    Column("last_run_id", Text, nullable=False),
    Column("client_version", BigInteger),  # updated_at of the client as that run read it: another releases it
)

staff_links = Table(
    "staff_links",
    metadata,
    Column("staff_id", Text, primary_key=True),
    Column("salesforce_user_id", Text),
    Column("user_is_active", Boolean, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("reason", Text),
    Column("updated_at", Instant, nullable=False),  # moves only with the link or the user's activity
)

sync_state = Table(
    "sync_state",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("sobject", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("staged_file", Text),
    Column("job_id", Text, index=True),
    Column("state", Text, nullable=False, index=True),  # include.ledger.jobs.JobState
    Column("sent", BigInteger, nullable=False),
    Column("succeeded", BigInteger),
    Column("failed", BigInteger),
    Column("unprocessed", BigInteger),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("run_id", "step", "chunk", "part"),
)

load_claims = Table(
    "load_claims",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("chunk", Integer, primary_key=True),
    Column("holder", Text),  # the process at work; missing once it let go
    Column("claimed_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # the holder's last sign of life, by its own clock
)

reports = Table(
    "reports",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # include.ledger.reports.ReportKind
    Column("made_at", Instant, nullable=False, index=True),
    Column("summary", JSON, nullable=False),  # counts and names of fields, never values of people
    Column("rows_kept_in", Text),  # the staged frame that holds the report's rows
    UniqueConstraint("run_id", "kind"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),  # a run's newest row counts
    Column("run_id", Text, nullable=False, index=True),
    Column("planned", JSON, nullable=False),  # the counts that somebody has to approve (Q10)
    Column("asked_at", Instant, nullable=False),
    Column("is_approved", Boolean),  # missing until somebody answered
    Column("answered_by", Text),
    Column("answered_at", Instant),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("client_id", Text, nullable=False, index=True),
    Column("erased_by", Text, nullable=False),
    Column("erased_at", Instant, nullable=False),
    Column("removed", JSON, nullable=False),  # rows by table
    Column("salesforce_ids", JSON, nullable=False),  # records that stay in Salesforce, for a person to see to
    Column("finished_at", Instant),  # missing while the erasure is under way, or broke off
)

legacy_migrations = Table(
    "legacy_migrations",
    metadata,
    Column(
        "id", AUTO_KEY, primary_key=True, autoincrement=True
    ),  # the newest row is the one that counts (G10)
    Column("lease_run_id", Text, nullable=False),  # the only run that may go on with it
    Column("phase", Text, nullable=False),  # include.legacy.Phase: what is behind it
    Column("started_by", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column(
        "legacy_until", Instant
    ),  # when the second inventory read: what legacy never synced before is held (G1)
    Column("cut_over_at", Instant),
    Column("ended_at", Instant),  # finalised, or rolled back
    Column("stopped_at", Instant),  # legacy activity was seen after cut-over: nothing syncs (G8)
    Column("stopped_why", Text),
    Column("choices", JSON, nullable=False),  # include.migration.choices.Choices, as far as they were made
    Column("facts", JSON, nullable=False),  # by phase: counts and checksums, never values of people
)

migration_items = Table(
    "migration_items",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("legacy_migrations.id"), primary_key=True),
    Column("kind", Text, primary_key=True),  # include.legacy.ItemKind
    Column("item_key", Text, primary_key=True),
    Column("legacy_value", Text),  # what the legacy integration holds for it: an Id, or the name of a field
    Column("inventory", Integer, nullable=False),  # 1, or 2 where only the second one found it
    Column("outcome", Text),  # include.legacy.ItemOutcome; missing until it was checked (G5)
    Column("reason", Text),  # include.legacy.Attention
    Column("detail", Text),  # plain words; never personal data
    Index("ix_migration_items_outcome", "migration_id", "kind", "outcome"),
)

migration_images = Table(
    "migration_images",
    metadata,
    Column("migration_id", BigInteger, ForeignKey("legacy_migrations.id"), primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("booking_key", Text, nullable=False, index=True),
    Column("client_id", Text, nullable=False, index=True),
    Column("who_id", Text),
    Column("owner_id", Text),
    Column(
        "image", Text, info=PERSONAL
    ),  # JSON of the Event's fields in wire form, as they were before cut-over (G9)
    Column("taken_at", Instant, nullable=False),
)

migration_staff_before = Table(
    "migration_staff_before",
    metadata,
    # the staff links that cut-over replaced; one that it added has no row (G9)
    Column("migration_id", BigInteger, ForeignKey("legacy_migrations.id"), primary_key=True),
    Column("staff_id", Text, primary_key=True),
    Column("salesforce_user_id", Text),
    Column("user_is_active", Boolean, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("reason", Text),
)

migration_own_events = Table(
    "migration_own_events",
    metadata,
    # the Events that the modern integration had before cut-over: going back leaves them alone (G9)
    Column("migration_id", BigInteger, ForeignKey("legacy_migrations.id"), primary_key=True),
    Column("event_id", Text, primary_key=True),
)

migration_answers = Table(
    "migration_answers",
    metadata,
    Column("id", AUTO_KEY, primary_key=True, autoincrement=True),
    Column("migration_id", BigInteger, ForeignKey("legacy_migrations.id"), nullable=False, index=True),
    Column("run_id", Text, nullable=False),
    Column("step", Text, nullable=False),  # the task that asked (G4)
    Column("role", Text, nullable=False),  # whom it asked
    Column("asked_at", Instant, nullable=False),
    Column("answer", JSON),  # missing until somebody answered
    Column("answered_by", Text),
    Column("answered_at", Instant),
)
