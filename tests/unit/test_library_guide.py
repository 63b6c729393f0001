"""What docs/library.md shows, runs, and does what the text says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("optuna")

GUIDE = Path(__file__).parents[2] / "docs" / "library.md"


@pytest.fixture
def verbosity():
    import optuna

    before = optuna.logging.get_verbosity()
    yield
    optuna.logging.set_verbosity(before)


def test_the_guide_runs_from_top_to_bottom(verbosity, capsys):
    text = GUIDE.read_text(encoding="utf-8")
    session: dict[str, object] = {"__name__": "guide"}
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block.group(1), str(GUIDE), "exec"), session)  # the line is that of the page
    printed = capsys.readouterr().out
    assert "recommended: {" in printed
    assert "Intermediate(step=2" in printed


def test_the_guide_names_every_engine_that_ships(monkeypatch):
    from tuner.engine import registry

    monkeypatch.setattr(registry, "entry_points", lambda **_: [])
    text = GUIDE.read_text(encoding="utf-8")
    missing = [name for name in registry.engine_names() if f"`{name}`" not in text]
    assert not missing
