"""The Alembic environment and the versions of the schema; ships in the wheel."""
