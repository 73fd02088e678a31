"""People and fields: mappings, switches, choices, the phone index, field reports and campaign members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from include.ledger.types import AUTO_KEY, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "mapping_versions",
    "mapping_changes",
    "client_switches",
    "client_outcomes",
    "person_choices",
    "phone_index",
    "field_reports",
    "campaign_bookings",
    "campaign_members",
)

CLIENT_STATUS = """
CREATE VIEW client_status AS
WITH
known AS (
    SELECT client_id FROM person_links
    UNION SELECT client_id FROM client_outcomes
    UNION SELECT client_id FROM client_switches
    UNION SELECT client_id FROM event_links WHERE client_id IS NOT NULL
),
switched AS (
    SELECT client_id, is_disabled, changed_at, ROW_NUMBER() OVER (PARTITION BY client_id ORDER BY id DESC) AS place
    FROM client_switches
),
booked AS (
    SELECT client_id, outcome, reason, detail, waits_for, last_seen_at, ROW_NUMBER() OVER (
        PARTITION BY client_id
        ORDER BY
            CASE outcome WHEN 'disabled' THEN 0 WHEN 'quarantined' THEN 1 ELSE 2 END,
            last_seen_at DESC,
            booking_key
    ) AS place
    FROM quarantine
),
stands AS (
    SELECT
        known.client_id,
        CASE
            WHEN switched.is_disabled THEN 'disabled'
            WHEN own.outcome = 'disabled' AND switched.changed_at > own.last_seen_at THEN 'pending'
            WHEN own.outcome IS NOT NULL THEN own.outcome
            WHEN booked.outcome = 'disabled' AND switched.changed_at > booked.last_seen_at THEN 'pending'
            WHEN booked.outcome = 'disabled' THEN 'disabled'
            WHEN link.client_id IS NOT NULL THEN 'synced'
            WHEN booked.outcome IS NOT NULL THEN booked.outcome
            ELSE 'pending'
        END AS status,
        CASE WHEN own.outcome IS NOT NULL THEN own.reason ELSE booked.reason END AS reason,
        CASE WHEN own.outcome IS NOT NULL THEN own.detail ELSE booked.detail END AS detail,
        CASE WHEN own.outcome IS NOT NULL THEN own.waits_for ELSE booked.waits_for END AS waits_for,
        link.sobject,
        link.record_id,
        link.who_id,
        link.evidence
    FROM known
    LEFT JOIN person_links AS link ON link.client_id = known.client_id
    LEFT JOIN switched ON switched.client_id = known.client_id AND switched.place = 1
    LEFT JOIN booked ON booked.client_id = known.client_id AND booked.place = 1
    LEFT JOIN client_outcomes AS own
        ON own.client_id = known.client_id
        AND own.outcome IN ('held', 'quarantined', 'disabled')
        AND (link.updated_at IS NULL OR link.updated_at <= own.last_seen_at)
)
SELECT
    client_id,
    status,
    CASE status
        WHEN 'synced' THEN NULL WHEN 'pending' THEN NULL WHEN 'disabled' THEN 'client_disabled' ELSE reason
    END AS reason,
    CASE WHEN status IN ('held', 'quarantined') THEN detail END AS detail,
    CASE WHEN status IN ('held', 'quarantined', 'disabled') THEN waits_for END AS waits_for,
    sobject,
    record_id,
    who_id,
    evidence
FROM stands
"""
"""Rule T5: where each client that the ledger knows stands; ``pending`` once read and not yet decided."""


def upgrade() -> None:
    _create_mappings()
    _create_people()
    _create_campaigns()
    op.add_column("runs", sa.Column("request", sa.Text(), nullable=True))
    op.create_index(op.f("ix_event_links_ends_at"), "event_links", ["ends_at"])
    op.execute(CLIENT_STATUS)


def downgrade() -> None:
    op.execute("DROP VIEW client_status")
    op.drop_index(op.f("ix_event_links_ends_at"), "event_links")
    op.drop_column("runs", "request")
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_mappings() -> None:
    op.create_table(
        "mapping_versions",
        sa.Column("version", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("mappings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_mapping_versions")),
    )
    op.create_table(
        "mapping_changes",
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version"], ["mapping_versions.version"], name=op.f("fk_mapping_changes_version")
        ),
        sa.PrimaryKeyConstraint("version", "sobject", "target", name=op.f("pk_mapping_changes")),
    )


def _create_people() -> None:
    op.create_table(
        "client_switches",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_switches")),
    )
    op.create_index(op.f("ix_client_switches_client_id"), "client_switches", ["client_id"])
    op.create_table(
        "client_outcomes",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("waits_for_key", sa.Text(), nullable=True),
        sa.Column("settled_version", sa.BigInteger(), nullable=True),
        sa.Column("settled_digest", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("last_run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_outcomes")),
    )
    op.create_table(
        "person_choices",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("replaced_id", sa.Text(), nullable=True),
        sa.Column("chosen_by", sa.Text(), nullable=False),
        sa.Column("chosen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_choices")),
    )
    op.create_index(op.f("ix_person_choices_client_id"), "person_choices", ["client_id"])
    op.create_table(
        "phone_index",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "phone", name=op.f("pk_phone_index")),
    )
    op.create_index("ix_phone_index_phone", "phone_index", ["phone"])
    op.create_table(
        "field_reports",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sobject", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_reports")),
    )
    op.create_index(op.f("ix_field_reports_at"), "field_reports", ["at"])
    op.create_index(op.f("ix_field_reports_client_id"), "field_reports", ["client_id"])


def _create_campaigns() -> None:
    op.create_table(
        "campaign_bookings",
        sa.Column("booking_key", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source_version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("booking_key", name=op.f("pk_campaign_bookings")),
    )
    op.create_index(op.f("ix_campaign_bookings_client_id"), "campaign_bookings", ["client_id"])
    op.create_table(
        "campaign_members",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=True),
        sa.Column("member_status", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "record_id", name=op.f("pk_campaign_members")),
    )
