"""Parts that are installed on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tuner.core.errors import Unavailable


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
        raise Unavailable(f"{root} is not installed; `pip install 'mlsys-tuner[{extra}]'` brings it") from error
