"""Nothing lost, nothing twice, everything as it was found: under kill -9. The long version is ``storm.py``."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from storm import rage
from storm_counts import TARGETS

pytest.importorskip("botorch", reason="the server's engine needs it")

KILLS = 12


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("default:only tested on:UserWarning")
def test_kill_9_of_worker_server_and_engine_breaks_no_promise(tmp_path: Path) -> None:
    counts = rage(tmp_path, kills=KILLS, seed=1, trials=10, engine="gp")
    if counts.lab.why_not is not None:
        warnings.warn(f"only tested on {counts.lab}", stacklevel=1)
    assert not counts.details(), f"{counts.details()}\n\n{counts.table()}"
    assert len(counts.kills) == KILLS
    assert {kill.target for kill in counts.kills} == set(TARGETS)
    assert 10 * sum(kill.applied for kill in counts.kills) >= 3 * KILLS
