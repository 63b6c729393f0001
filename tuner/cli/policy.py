"""The policy that a command runs under."""

from __future__ import annotations

from pathlib import Path

import click
from tuner_workers.policy import Policy


def chosen_policy(path: Path | None, *, own_device: bool) -> Policy:
    """The policy in a file, that for one's own device, or the cautious one.

    Raises:
        InvalidInput: the file is wrong, with every problem by line.
    """
    if path is not None and own_device:
        raise click.UsageError("--policy and --own-device exclude each other")
    if path is not None:
        return Policy.load(path)
    return Policy.own_device() if own_device else Policy.cautious()
