"""The first ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from include.ledger.types import AUTO_KEY, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "ledger_info",
    "settings_versions",
    "settings_changes",
    "runs",
    "run_api_calls",
    "watermarks",
    "jobs",
    "sync_state",
    "event_links",
    "dirty_keys",
    "outcomes",
    "quarantine",
    "claim_keys",
    "person_claims",
    "person_links",
    "match_decisions",
    "staff_links",
)

SYNC_STATUS = """
CREATE VIEW sync_status AS
SELECT
    link.booking_key,
    link.appointment_id,
    link.client_id,
    CASE
        WHEN dirty.booking_key IS NOT NULL AND kept.booking_key IS NULL THEN 'pending'
        WHEN kept.booking_key IS NOT NULL THEN kept.outcome
        WHEN link.settled_version IS NULL OR link.claimed_version > link.settled_version THEN 'pending'
        ELSE 'synced'
    END AS status,
    kept.reason,
    kept.detail,
    kept.waits_for,
    kept.waits_for_key,
    link.event_id,
    link.who_id,
    link.last_outcome,
    link.last_reason,
    link.kind,
    link.starts_at,
    link.updated_at
FROM event_links AS link
LEFT JOIN quarantine AS kept ON kept.booking_key = link.booking_key
LEFT JOIN dirty_keys AS dirty ON dirty.booking_key = link.booking_key
"""
"""Rule T5: what became of each pair; ``synced`` with an ``event_id``, or without one where no Event is due."""


def upgrade() -> None:
    _create_frame()
    _create_bookings()
    _create_event_links()
    _create_people()
    op.execute(SYNC_STATUS)


def downgrade() -> None:
    op.execute("DROP VIEW sync_status")
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_frame() -> None:
    op.create_table(
        "ledger_info",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("org_id", sa.Text(), nullable=True),
        sa.Column("bound_by", sa.Text(), nullable=True),
        sa.Column("installed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_info")),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_info_one_row")),
    )
    op.create_table(
        "settings_versions",
        sa.Column("version", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_settings_versions")),
    )
    op.create_table(
        "settings_changes",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version"], ["settings_versions.version"], name=op.f("fk_settings_changes_version")
        ),
        sa.PrimaryKeyConstraint("version", "name", name=op.f("pk_settings_changes")),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.Text(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("settings_version", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_started_at"), "runs", ["started_at"], unique=False)
    op.create_table(
        "run_api_calls",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "task", "attempt", "kind", name=op.f("pk_run_api_calls")),
    )
    op.create_table(
        "watermarks",
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("selection", name=op.f("pk_watermarks")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("api", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("staged_file", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=True),
        sa.Column("failed", sa.BigInteger(), nullable=True),
        sa.Column("unprocessed", sa.BigInteger(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("run_id", "step", "chunk", "part", name=op.f("uq_jobs_run_id_step_chunk_part")),
    )
    op.create_index(op.f("ix_jobs_job_id"), "jobs", ["job_id"], unique=False)
    op.create_table(
        "sync_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sync_state")),
    )


def _create_event_links() -> None:
    op.create_table(
        "event_links",
        sa.Column("booking_key", sa.Text(), nullable=False),
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("who_id", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("staff_id", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("payload_hash", sa.Text(), nullable=True),
        sa.Column("claimed_version", sa.BigInteger(), nullable=True),
        sa.Column("claimed_by_run", sa.Text(), nullable=True),
        sa.Column("written_version", sa.BigInteger(), nullable=True),
        sa.Column("settled_version", sa.BigInteger(), nullable=True),
        sa.Column("settled_digest", sa.Text(), nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("last_reason", sa.Text(), nullable=True),
        sa.Column("mapping_version", sa.BigInteger(), nullable=True),
        sa.Column("settings_version", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("is_primary", sa.Boolean(), nullable=True),
        sa.Column("service_id", sa.Text(), nullable=True),
        sa.Column("service_name", sa.Text(), nullable=True),
        sa.Column("location_id", sa.Text(), nullable=True),
        sa.Column("location_name", sa.Text(), nullable=True),
        sa.Column("starts_at", Instant(), nullable=True),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("local_day", sa.Text(), nullable=True),
        sa.Column("booked_at", Instant(), nullable=True),
        sa.Column("read_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("booking_key", name=op.f("pk_event_links")),
    )
    op.create_index(op.f("ix_event_links_appointment_id"), "event_links", ["appointment_id"], unique=False)
    op.create_index(op.f("ix_event_links_client_id"), "event_links", ["client_id"], unique=False)
    op.create_index(op.f("ix_event_links_event_id"), "event_links", ["event_id"], unique=False)
    op.create_index(op.f("ix_event_links_staff_id"), "event_links", ["staff_id"], unique=False)
    op.create_index(op.f("ix_event_links_who_id"), "event_links", ["who_id"], unique=False)


def _create_bookings() -> None:
    op.create_table(
        "dirty_keys",
        sa.Column("booking_key", sa.Text(), nullable=False),
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("seen_by_run", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("booking_key", name=op.f("pk_dirty_keys")),
    )
    op.create_table(
        "outcomes",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("booking_key", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("source_version", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sa.UniqueConstraint("booking_key", "run_id", name=op.f("uq_outcomes_booking_key_run_id")),
    )
    op.create_index(op.f("ix_outcomes_at"), "outcomes", ["at"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("booking_key", sa.Text(), nullable=False),
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("waits_for_key", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("last_run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("booking_key", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_appointment_id"), "quarantine", ["appointment_id"], unique=False)
    op.create_index(op.f("ix_quarantine_client_id"), "quarantine", ["client_id"], unique=False)
    op.create_index(op.f("ix_quarantine_waits_for"), "quarantine", ["waits_for"], unique=False)


def _create_people() -> None:
    op.create_table(
        "claim_keys",
        sa.Column("claim_key", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("handed_out_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("claim_key", name=op.f("pk_claim_keys")),
        sa.UniqueConstraint("base", "ordinal", name=op.f("uq_claim_keys_base_ordinal")),
    )
    op.create_table(
        "person_claims",
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("claim_key", sa.Text(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.Column("claimed_by_run", sa.Text(), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_key"], ["claim_keys.claim_key"], name=op.f("fk_person_claims_claim_key")
        ),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_person_claims")),
    )
    op.create_index(op.f("ix_person_claims_claim_key"), "person_claims", ["claim_key"], unique=False)
    op.create_table(
        "person_links",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("who_id", sa.Text(), nullable=True),
        sa.Column("created_by_us", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("claim_key", sa.Text(), nullable=True),
        sa.Column("written_values", sa.Text(), nullable=True),
        sa.Column("settings_version", sa.BigInteger(), nullable=False),
        sa.Column("last_run_id", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_person_links")),
    )
    op.create_index(op.f("ix_person_links_record_id"), "person_links", ["record_id"], unique=False)
    op.create_index(op.f("ix_person_links_who_id"), "person_links", ["who_id"], unique=False)
    op.create_table(
        "match_decisions",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("settings_version", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=True),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "run_id", name=op.f("pk_match_decisions")),
    )
    op.create_table(
        "staff_links",
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("salesforce_user_id", sa.Text(), nullable=True),
        sa.Column("user_is_active", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_links")),
    )
