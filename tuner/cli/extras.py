"""Parts that are installed on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from tuner.core.errors import Unavailable

SERVER = ("alembic", "grpc_health", "grpc_reflection", "sqlalchemy")
"""What the extra ``server`` brings for the server's own process; engines say themselves what they need."""


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports inside it belong to an extra.

    Raises:
        Unavailable: one is not installed; the message says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        root = (error.name or "").partition(".")[0]
        if root.startswith("tuner"):
            raise
        raise _missing(root, extra) from error


def require_server() -> None:
    """For a command that starts a server in another process, without the cost of importing it here.

    Raises:
        Unavailable: as ``needs``.
    """
    for root in SERVER:
        if find_spec(root) is None:
            raise _missing(root, "server")


def _missing(root: str, extra: str) -> Unavailable:
    return Unavailable(f"{root} is not installed; `pip install 'mlsys-tuner[{extra}]'` brings it")
