"""What Alembic runs for every command: migrate over the connection that ``runner`` hands in, in its transaction."""

from alembic import context

from tuner.store.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can roll DDL back, and here every BEGIN is ours.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
