"""What daemons write to standard error."""

from __future__ import annotations

import logging
import sys


def log_to_stderr() -> None:
    """One line for each thing worth a line, with time and level."""
    # Alembic tells of every plugin that it sets up.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
