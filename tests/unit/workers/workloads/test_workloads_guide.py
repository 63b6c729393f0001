"""What docs/workloads.md shows works."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
import yaml
from tuner_workers.testing.workload import WorkloadTestCase
from tuner_workers.workloads.command import CommandWorkload
from tuner_workers.workloads.replay import ReplayWorkload

GUIDE = Path(__file__).parents[4] / "docs" / "workloads.md"


class TestItsExample(WorkloadTestCase):
    @pytest.fixture
    def workload(self, tmp_path, monkeypatch):
        source = re.search(r"```python\n(import random.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
        assert source is not None
        (tmp_path / "shown_in_the_guide.py").write_text(source[1], encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "shown_in_the_guide", raising=False)
        return importlib.import_module("shown_in_the_guide").Sorting

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def configuration(self):
        return {"reverse": True}


@pytest.mark.parametrize(("heading", "workload"), [("command", CommandWorkload), ("replay", ReplayWorkload)])
def test_its_settings_are_valid(heading, workload):
    """The right column of the two that stand side by side is the study's."""
    section = GUIDE.read_text(encoding="utf-8").split(f"## `{heading}`")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("    ")]
    column = next(line.index("# study.yaml") for line in lines if "# study.yaml" in line)
    study = "\n".join(line[column:] for line in lines)
    settings = yaml.safe_load(study)["workload"]
    assert settings.pop("kind") == heading
    assert workload.check(settings) == []
