"""Reading the files that commands are given."""

from __future__ import annotations

from pathlib import Path

from tuner.core.errors import InvalidInput, Problem


def read_study(path: Path) -> str:
    """The text of a study file.

    Raises:
        InvalidInput: it cannot be read, or is not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(Problem("file", error.strerror or "cannot be read", source=str(path))) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            Problem("file", f"is not text: {error.reason} at byte {error.start}", None, "UTF-8", str(path))
        ) from error
