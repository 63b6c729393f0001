"""The Alembic environment and the versions of the schema; ships in the wheel.

Alembic finds them by this package's own path, so it works from any folder and needs no ``alembic.ini``. A new version
is a file in ``versions/`` that changes the schema by ``op`` alone and imports nothing of the program: what it did to a
database years ago must not change with the code. A test holds the sum of all versions against
``tuner.store.sql.schema``.
"""

from tuner_migrations.runner import current, head, upgrade

__all__ = ["current", "head", "upgrade"]
