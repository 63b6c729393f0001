"""What the README and the page on study files show is valid, and runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tuner.spec.yaml import parse_study

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [found.group(1) for found in re.finditer(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]


@pytest.mark.parametrize("page", ["README.md", "docs/study-file.md"])
def test_the_studies_shown_are_valid(page):
    studies = blocks(page, "yaml")
    assert studies
    for study in studies:
        parse_study(study, page)


def test_the_program_shown_runs_and_finds_something_better_than_the_default(capsys):
    pytest.importorskip("botorch")
    (program,) = blocks("README.md", "python")
    exec(compile(program, "README.md", "exec"), {"__name__": "readme"})
    best = re.search(r"mean=([\d.]+)", capsys.readouterr().out)
    assert best is not None
    assert float(best.group(1)) < 11  # one thread, the default, takes 10 / 1 + 1


def test_every_page_linked_from_the_readme_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
