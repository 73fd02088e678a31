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
    "person_choices",
    "phone_index",
    "field_reports",
    "campaign_bookings",
    "campaign_members",
)


def upgrade() -> None:
    _create_mappings()
    _create_people()
    _create_campaigns()


def downgrade() -> None:
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
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_switches")),
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
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("booking_key", name=op.f("pk_campaign_bookings")),
    )
    op.create_index(
        "ix_campaign_bookings_campaign_id_client_id", "campaign_bookings", ["campaign_id", "client_id"]
    )
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
