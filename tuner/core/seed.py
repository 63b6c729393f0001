"""Seeds that come from a seed: one number in the study file decides all that is drawn at random."""

from __future__ import annotations

import hashlib


def derived_seed(*parts: object) -> int:
    """A seed in [0, 2**32) for one thing, from a seed and what names the thing: the same on every machine, unlike
    ``hash``."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")
