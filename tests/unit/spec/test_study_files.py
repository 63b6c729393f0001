"""Study files as people write them: good ones are read, bad ones say where and why, the JSON Schema agrees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tuner.core.errors import InvalidInput
from tuner.spec import study
from tuner.spec.document import spec_from_document, spec_to_document
from tuner.spec.node import Node, Tree
from tuner.spec.objectives import OBJECTIVE_KEYS
from tuner.spec.param import COMMON_KEYS, OWN_KEYS
from tuner.spec.schema import json_schema
from tuner.spec.yaml import compose, parse_study

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*.yaml"))
BAD = sorted((HERE / "bad").glob("*.yaml"))
BEYOND_SCHEMA = {"default-breaks-constraint", "no-end", "nothing-satisfies", "same-objective-twice"}
"""What relates one value to another is no matter of a JSON Schema."""


def named(path: Path) -> str:
    return path.stem


def schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def sound_tree(text: str) -> Node | None:
    tree = Tree()
    try:
        node = compose(tree, text)
    except InvalidInput:
        return None
    return None if tree.problems else node


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_good_files_are_read_and_written_back(path: Path) -> None:
    spec = parse_study(path.read_bytes())
    document = spec_to_document(spec)
    assert spec_from_document(json.loads(json.dumps(document))) == spec
    assert list(schema().iter_errors(document)) == []


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_the_schema_accepts_good_files(path: Path) -> None:
    node = sound_tree(path.read_text(encoding="utf-8"))
    assert node is not None
    assert [error.message for error in schema().iter_errors(node.plain())] == []


@pytest.mark.parametrize("path", BAD, ids=named)
def test_bad_files_are_refused_with_exactly_these_messages(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = [line[3:] for line in text.splitlines() if line.startswith("#! ")]
    assert expected
    with pytest.raises(InvalidInput) as raised:
        parse_study(text)
    assert str(raised.value).splitlines() == expected


@pytest.mark.parametrize("path", BAD, ids=named)
def test_the_schema_refuses_bad_files(path: Path) -> None:
    node = sound_tree(path.read_text(encoding="utf-8"))
    if node is None:
        return  # no YAML that an editor would hand to a schema
    assert schema().is_valid(node.plain()) == (path.stem in BEYOND_SCHEMA)


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    json.dumps(json_schema())


def test_the_schema_and_the_reader_know_the_same_keys() -> None:
    properties: dict[str, Any] = json_schema()["properties"]  # type: ignore[assignment]
    assert tuple(properties) == study.KEYS
    assert tuple(properties["budget"]["properties"]) == study.BUDGET_KEYS
    assert tuple(properties["measurement"]["properties"]) == study.MEASUREMENT_KEYS
    assert tuple(properties["objectives"]["items"]["properties"]) == OBJECTIVE_KEYS
    shapes = {shape["properties"]["type"]["const"]: tuple(shape["properties"])
              for shape in properties["space"]["additionalProperties"]["oneOf"]}  # fmt: skip
    assert shapes == {kind: ("type", *own, *COMMON_KEYS) for kind, own in OWN_KEYS.items()}


def test_reading_a_study_loads_nothing_heavy() -> None:
    code = (
        "import sys, tuner.spec.yaml, tuner.spec.schema, tuner.spec.diff\n"
        "print([name for name in ('numpy', 'torch', 'sqlalchemy', 'optuna', 'grpc') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
