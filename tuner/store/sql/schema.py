"""The tables as this version of the program uses them; ``tuner_migrations`` leads every database there.

Inside, a study is an integer key; outside it is "NAME/RUN". What belongs to a study lies under its key, so the primary
keys are the natural ones: (study, trial), (study, trial, attempt). Times are seconds since the epoch. What is only ever
read whole is JSON, as text: its numbers come back exactly as they went in, and its keys in their order.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A database sorts names as Python does: by code point, whatever its locale.
_Name = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite counts up by itself only in a column that is INTEGER to the letter.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


def _study_key() -> Column[int]:
    return Column("study_key", ForeignKey("study.key", ondelete="CASCADE"), primary_key=True)


_PARENT_KEYS = {
    "trial": ("study_key", "number"),
    "attempt": ("study_key", "trial", "number"),
    "result": ("study_key", "trial", "attempt"),
}


def _under(parent: str) -> ForeignKeyConstraint:
    """The rows belong to a row of ``parent``, and go with it."""
    keys = _PARENT_KEYS[parent]
    columns = ("study_key", "trial", "attempt")[: len(keys)]
    return ForeignKeyConstraint(columns, [f"{parent}.{key}" for key in keys], ondelete="CASCADE")


study = Table(
    "study",
    metadata,
    Column("key", _Serial, primary_key=True),
    Column("id", _Name, nullable=False, unique=True),
    Column("name", _Name, nullable=False),
    Column("run", Integer, nullable=False),
    Column("state", _Name, nullable=False),
    Column("spec", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("owner", _Name, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("active_seconds", Double, nullable=False),
    Column("active_since", Double),
    Column("ended_at", Double),
    Column("reason", Text, nullable=False),
    Column("pinned", _Name),
    Column("trials", Integer, nullable=False),  # numbers given out so far
    UniqueConstraint("name", "run"),
    Index(None, "state"),
)

environment = Table(
    "environment",
    metadata,
    _study_key(),
    Column("id", _Name, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("device", Text, nullable=False),
    Column("software", Text, nullable=False),
    Column("contexts", Text, nullable=False),
    Column("absent", Text, nullable=False),
    Column("found", Text, nullable=False),
)

trial = Table(
    "trial",
    metadata,
    _study_key(),
    Column("number", Integer, primary_key=True),
    Column("configuration", Text, nullable=False),
    Column("digest", _Name, nullable=False),
    Column("purpose", _Name, nullable=False),
    Column("state", _Name, nullable=False),
    Column("environment", _Name),
    Column("engine", _Name, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("predicted", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("fidelity", Double),
    Column("plan", Text, nullable=False),
    Column("baseline", Text),
    Column("members", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("cause", _Name),
    Column("cause_message", Text, nullable=False),
    Index(None, "study_key", "state", "number"),
    Index(None, "study_key", "digest"),
    Index(None, "study_key", "environment", "purpose", "state"),  # covers the counts
)

attempt = Table(
    "attempt",
    metadata,
    Column("study_key", _Serial, primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", _Name, nullable=False),
    Column("leased_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("cause", _Name),
    Column("cause_message", Text, nullable=False),
    _under("trial"),
    Index(None, "state", "expires_at"),
)

member = Table(
    "member",
    metadata,
    Column("study_key", _Serial, primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("worker_id", _Name, nullable=False),
    Column("role", _Name, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("token", _Name, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    _under("attempt"),
)

result = Table(
    "result",
    metadata,
    Column("study_key", _Serial, primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("worker_id", _Name, nullable=False),
    Column("environment", _Name, nullable=False),
    Column("stored_at", Double, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("state", _Name, nullable=False),
    Column("cost", Double, nullable=False),
    Column("cause", _Name),
    Column("cause_message", Text, nullable=False),
    _under("attempt"),
)

observation = Table(
    "observation",
    metadata,
    Column("study_key", _Serial, primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("metric", _Name, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("mean", Double, nullable=False),
    Column("variance", Double),
    Column("n", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("method", Text, nullable=False),
    _under("result"),
)

run = Table(
    "run",
    metadata,
    Column("study_key", _Serial, primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("duration", Double, nullable=False),
    Column("measured", Text, nullable=False),
    Column("knobs", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("arm", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("histogram", Text, nullable=False),
    _under("result"),
)

intermediate = Table(
    "intermediate",
    metadata,
    Column("study_key", _Serial, primary_key=True),
    Column("trial", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("metric", _Name, primary_key=True),
    Column("elapsed", Double, nullable=False),
    Column("measured", Double, nullable=False),
    _under("attempt"),
)

worker = Table(
    "worker",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("name", _Name, nullable=False),
    Column("state", _Name, nullable=False),
    Column("inventory", Text, nullable=False),
    Column("registered_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("reason", Text, nullable=False),
)

# Events outlive their study, so they name it and do not refer to it.
event = Table(
    "event",
    metadata,
    Column("sequence", _Serial, primary_key=True),
    Column("kind", _Name, nullable=False),
    Column("at", Double, nullable=False),
    Column("study_id", _Name, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("actor", _Name, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "study_id", "sequence"),
)

answer = Table(
    "answer",
    metadata,
    Column("request_id", _Name, primary_key=True),
    Column("answer", LargeBinary, nullable=False),
    Column("at", Double, nullable=False),
)

leader = Table(
    "leader",
    metadata,
    _study_key(),
    Column("holder", _Name, nullable=False),
    Column("expires_at", Double, nullable=False),
)
