"""The first schema.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table. There is no way back from a schema: a backup is."""
    op.create_table(
        "answer",
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_answer")),
    )
    op.create_table(
        "event",
        sa.Column("sequence", SERIAL, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("study_id", NAME, nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_study_id_sequence"), "event", ["study_id", "sequence"])
    op.create_table(
        "study",
        sa.Column("key", SERIAL, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("active_seconds", sa.Double(), nullable=False),
        sa.Column("active_since", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pinned", NAME),
        sa.Column("trials", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_study")),
        sa.UniqueConstraint("id", name=op.f("uq_study_id")),
        sa.UniqueConstraint("name", "run", name=op.f("uq_study_name_run")),
    )
    op.create_index(op.f("ix_study_state"), "study", ["state"])
    op.create_table(
        "worker",
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("inventory", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "environment",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("software", sa.Text(), nullable=False),
        sa.Column("contexts", sa.Text(), nullable=False),
        sa.Column("absent", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_key"], ["study.key"], name=op.f("fk_environment_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_key", "id", name=op.f("pk_environment")),
    )
    op.create_table(
        "leader",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("holder", NAME, nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["study_key"], ["study.key"], name=op.f("fk_leader_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_key", name=op.f("pk_leader")),
    )
    op.create_table(
        "trial",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("purpose", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("environment", NAME),
        sa.Column("engine", NAME, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("predicted", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("fidelity", sa.Double()),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("baseline", sa.Text()),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("cause", NAME),
        sa.Column("cause_message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_key"], ["study.key"], name=op.f("fk_trial_study"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_key", "number", name=op.f("pk_trial")),
    )
    op.create_index(op.f("ix_trial_study_key_digest"), "trial", ["study_key", "digest"])
    op.create_index(
        op.f("ix_trial_study_key_environment_purpose_state"), "trial", ["study_key", "environment", "purpose", "state"]
    )
    op.create_index(op.f("ix_trial_study_key_state_number"), "trial", ["study_key", "state", "number"])
    op.create_table(
        "attempt",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("leased_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("cause", NAME),
        sa.Column("cause_message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_key", "trial"],
            ["trial.study_key", "trial.number"],
            name=op.f("fk_attempt_trial"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_key", "trial", "number", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_state_expires_at"), "attempt", ["state", "expires_at"])
    op.create_table(
        "intermediate",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("metric", NAME, nullable=False),
        sa.Column("elapsed", sa.Double(), nullable=False),
        sa.Column("measured", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_key", "trial", "attempt"],
            ["attempt.study_key", "attempt.trial", "attempt.number"],
            name=op.f("fk_intermediate_attempt"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_key", "trial", "attempt", "step", "metric", name=op.f("pk_intermediate")),
    )
    op.create_table(
        "member",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("worker_id", NAME, nullable=False),
        sa.Column("role", NAME, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("token", NAME, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_key", "trial", "attempt"],
            ["attempt.study_key", "attempt.trial", "attempt.number"],
            name=op.f("fk_member_attempt"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_key", "trial", "attempt", "position", name=op.f("pk_member")),
        sa.UniqueConstraint("token", name=op.f("uq_member_token")),
    )
    op.create_table(
        "result",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker_id", NAME, nullable=False),
        sa.Column("environment", NAME, nullable=False),
        sa.Column("stored_at", sa.Double(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("cost", sa.Double(), nullable=False),
        sa.Column("cause", NAME),
        sa.Column("cause_message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_key", "trial", "attempt"],
            ["attempt.study_key", "attempt.trial", "attempt.number"],
            name=op.f("fk_result_attempt"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_key", "trial", "attempt", name=op.f("pk_result")),
    )
    op.create_table(
        "observation",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("metric", NAME, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("variance", sa.Double()),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_key", "trial", "attempt"],
            ["result.study_key", "result.trial", "result.attempt"],
            name=op.f("fk_observation_result"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_key", "trial", "attempt", "metric", name=op.f("pk_observation")),
    )
    op.create_table(
        "run",
        sa.Column("study_key", SERIAL, nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("measured", sa.Text(), nullable=False),
        sa.Column("knobs", sa.Text(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("histogram", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_key", "trial", "attempt"],
            ["result.study_key", "result.trial", "result.attempt"],
            name=op.f("fk_run_result"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_key", "trial", "attempt", "position", name=op.f("pk_run")),
    )
