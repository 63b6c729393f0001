"""Who is at the keyboard."""

from __future__ import annotations

import getpass


def user_name() -> str:
    """The user's name, as the owner of what they submit; "" where the system knows none (some containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
