"""Nothing lost, nothing twice: snapshots of watermarks, claims of load steps, reports, approvals and erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from include.ledger.types import AUTO_KEY, Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("load_claims", "reports", "approvals", "org_bindings", "erasures")


def upgrade() -> None:
    op.add_column("watermarks", sa.Column("snapshot", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("seen_at", Instant(), nullable=True))
    op.add_column("quarantine", sa.Column("client_version", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_person_links_updated_at"), "person_links", ["updated_at"])
    op.add_column("event_links", sa.Column("is_backfilled", sa.Boolean(), nullable=True))
    op.add_column("run_api_calls", sa.Column("recorded_at", Instant(), nullable=True))
    op.create_index(op.f("ix_run_api_calls_recorded_at"), "run_api_calls", ["recorded_at"])
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"])
    op.create_table(
        "load_claims",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("claimed_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "step", "chunk", name=op.f("pk_load_claims")),
    )
    op.create_table(
        "reports",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("rows_kept_in", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("run_id", "kind", name=op.f("uq_reports_run_id_kind")),
    )
    op.create_index(op.f("ix_reports_made_at"), "reports", ["made_at"])
    op.create_table(
        "approvals",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("planned", sa.JSON(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_run_id"), "approvals", ["run_id"])
    op.create_table(
        "org_bindings",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("replaced_org_id", sa.Text(), nullable=True),
        sa.Column("bound_by", sa.Text(), nullable=False),
        sa.Column("bound_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_org_bindings")),
    )
    op.create_table(
        "erasures",
        sa.Column("id", AUTO_KEY, autoincrement=True, nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("erased_at", Instant(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("salesforce_ids", sa.JSON(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_client_id"), "erasures", ["client_id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index(op.f("ix_jobs_state"), table_name="jobs")
    op.drop_index(op.f("ix_run_api_calls_recorded_at"), table_name="run_api_calls")
    op.drop_column("run_api_calls", "recorded_at")
    op.drop_column("event_links", "is_backfilled")
    op.drop_index(op.f("ix_person_links_updated_at"), "person_links")
    op.drop_column("quarantine", "client_version")
    op.drop_column("runs", "seen_at")
    op.drop_column("watermarks", "snapshot")
