"""What is measured: a study over two system knobs and a control group, and the policy that allows it."""

from __future__ import annotations

import sys
from pathlib import Path

from storm_device import Lab
from storm_processes import MARK

WORK = Path(__file__).parent / "storm_work.py"
POLICY = """
knobs: {{{swappiness}: {{}}, {pages}: {{}}, cgroup.cpu_quota: {{}}}}
workloads: [command]
commands:
  work: {{argv: [{python}, -I, -S, {work}, {ledger}], environment: [{mark}], timeout: 60}}
"""
STUDY = """
name: storm
workload: {{kind: command, command: work, metrics: {{latency_ms: ms, ticket: "1"}}}}
space:
  work: {{type: int, low: 1, high: 3, default: 2}}
  swappiness: {{type: int, low: 0, high: 200, knob: {swappiness}}}
  pages: {{type: categorical, values: [always, madvise, never], knob: {pages}}}
  cpu: {{type: float, low: 0.7, high: 1, default: 1, knob: cgroup.cpu_quota, optional: true}}
objectives: [{{metric: latency_ms, goal: minimize}}]
budget: {{trials: {trials}}}
measurement: {{warmup: 0, runs: 2, blocks: 5}}
engine: {engine}
seed: {seed}
"""


def policy_text(lab: Lab, ledger: Path) -> str:
    """A policy file for the lab's devices; the workload signs ``ledger``."""
    swappiness, pages = lab.devices[0].files
    return POLICY.format(swappiness=swappiness, pages=pages, python=sys.executable, work=WORK, ledger=ledger, mark=MARK)


def study_text(lab: Lab, *, trials: int, engine: str, seed: int) -> str:
    """A study file for the lab's devices."""
    swappiness, pages = lab.devices[0].files
    return STUDY.format(swappiness=swappiness, pages=pages, trials=trials, engine=engine, seed=seed)
