"""From the legacy integration to the modern one: migrations, their items, before-images and answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from include.ledger.types import AUTO_KEY, Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "legacy_migrations",
    "migration_items",
    "migration_images",
    "migration_staff_before",
    "migration_own_events",
    "migration_answers",
)


def _migration_id(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("migration_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["migration_id"], ["legacy_migrations.id"], name=op.f(f"fk_{table}_migration_id")
        ),
    ]


def upgrade() -> None:
    op.add_column("event_links", sa.Column("adopted_at", Instant(), nullable=True))
    op.add_column("event_links", sa.Column("adopted_digest", sa.Text(), nullable=True))
    op.create_table(
        "legacy_migrations",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("lease_run_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("legacy_until", Instant(), nullable=True),
        sa.Column("cut_over_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("stopped_at", Instant(), nullable=True),
        sa.Column("stopped_why", sa.Text(), nullable=True),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legacy_migrations")),
    )
    op.create_table(
        "migration_items",
        *_migration_id("migration_items"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item_key", sa.Text(), nullable=False),
        sa.Column("legacy_value", sa.Text(), nullable=True),
        sa.Column("inventory", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("migration_id", "kind", "item_key", name=op.f("pk_migration_items")),
    )
    op.create_index(
        op.f("ix_migration_items_outcome"), "migration_items", ["migration_id", "kind", "outcome"]
    )
    op.create_table(
        "migration_images",
        *_migration_id("migration_images"),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("booking_key", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("who_id", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("migration_id", "event_id", name=op.f("pk_migration_images")),
    )
    op.create_index(op.f("ix_migration_images_booking_key"), "migration_images", ["booking_key"])
    op.create_index(op.f("ix_migration_images_client_id"), "migration_images", ["client_id"])
    op.create_table(
        "migration_staff_before",
        *_migration_id("migration_staff_before"),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("salesforce_user_id", sa.Text(), nullable=True),
        sa.Column("user_is_active", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("migration_id", "staff_id", name=op.f("pk_migration_staff_before")),
    )
    op.create_table(
        "migration_own_events",
        *_migration_id("migration_own_events"),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("migration_id", "event_id", name=op.f("pk_migration_own_events")),
    )
    op.create_table(
        "migration_answers",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        *_migration_id("migration_answers"),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_answers")),
    )
    op.create_index(op.f("ix_migration_answers_migration_id"), "migration_answers", ["migration_id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("event_links", "adopted_digest")
    op.drop_column("event_links", "adopted_at")
