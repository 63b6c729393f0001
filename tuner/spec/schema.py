"""JSON Schema of study.yaml, so that editors complete and check it while it is written.

It says what can be said of each value by itself. What relates one value to another (a default outside its domain, a
condition that reads a later parameter) is for ``tuner validate``.
"""

from __future__ import annotations

from tuner.core.observation import STATISTICS
from tuner.core.param import MAX_INT
from tuner.core.study import Budget, EngineChoice, Goal, Measurement
from tuner.spec.duration import PATTERN
from tuner.spec.fields import MAX_NAME
from tuner.spec.objectives import MAX_BOUNDS, MAX_OBJECTIVES
from tuner.spec.param import MAX_VALUES
from tuner.spec.space import MAX_CONSTRAINTS, MAX_PARAMS
from tuner.spec.study import MAX_ENVIRONMENTS, MAX_PRIORS, MIN_BLOCKS

Schema = dict[str, object]


def json_schema() -> Schema:
    """The schema, in the dialect of 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "study.yaml of mlsys-tuner",
        "description": "What may vary, what to run, what to measure, and what better means.",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "workload", "space", "objectives"],
        "properties": _PROPERTIES,
        "$defs": _DEFINITIONS,
    }


def _ref(name: str, description: str = "") -> Schema:
    reference: Schema = {"$ref": f"#/$defs/{name}"}
    return reference | ({"description": description} if description else {})


def _list(item: Schema, most: int, description: str = "") -> Schema:
    return {"type": "array", "items": item, "minItems": 1, "maxItems": most, "description": description}


def _section(properties: Schema, description: str, required: tuple[str, ...] = ()) -> Schema:
    section: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "description": description,
    }
    return section | ({"required": list(required)} if required else {})


def _open(properties: Schema, others: Schema, description: str) -> Schema:
    """A section with one required key and others of the writer's choice."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": others,
        "description": description,
    }


def _texts(description: str) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": MAX_NAME},
        "additionalProperties": _ref("word"),
        "description": description,
    }


def _whole(low: int, high: int = MAX_INT, description: str = "", **more: object) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high, "description": description, **more}


def _whole_or_auto(low: int, description: str, default: object) -> Schema:
    return {"anyOf": [{"const": "auto"}, _whole(low)], "default": default, "description": description}


_DEFINITIONS: Schema = {
    "word": {
        "description": "Text on one line; a whole number is taken as its digits.",
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": MAX_NAME}, {"type": "integer"}],
    },
    "scalar": {"description": "A number, text, true or false.", "type": ["number", "string", "boolean"]},
    "expression": {
        "description": "A condition over parameters, such as: threads <= 2 or batch in [4, 8]",
        "type": "string",
        "pattern": r"\S",
        "maxLength": 1000,
    },
    "duration": {
        "description": "500ms, 90s, 10m, 1h30m, or a number of seconds.",
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": rf"^\s*{PATTERN}\s*$"},
        ],
    },
    "values": _list(_ref("scalar"), MAX_VALUES) | {"uniqueItems": True},
}

_COMMON: Schema = {
    "default": _ref("scalar", "The value that the system has today. For a knob it can be read on the device."),
    "when": _ref("expression", "The condition on earlier parameters under which this one exists at all."),
    "special": _ref("values", "Values outside the ordinary domain, such as 0 for off."),
    "knob": _ref(
        "word", "The knob that the worker applies the value to. Without one it is an argument of the workload."
    ),
    "switch_cost": _ref("duration", "What changing the value costs."),
    "optional": {
        "type": "boolean",
        "default": False,
        "description": "For a knob: leave the parameter out where the device does not offer it.",
    },
}


def _param(kind: str, own: Schema, required: tuple[str, ...], description: str) -> Schema:
    shape = _section({"type": {"const": kind}, **own, **_COMMON}, description, ("type", *required))
    return shape | {"anyOf": [{"required": ["default"]}, {"required": ["knob"]}]}


def _range(bound: Schema) -> Schema:
    return {
        "low": bound | {"description": "The least value."},
        "high": bound | {"description": "The greatest value."},
        "log": {"type": "boolean", "default": False, "description": "Whether ratios matter rather than differences."},
    }


_VALUES: Schema = {"values": _ref("values", "Every value that it may take.")}

_PARAM: Schema = {
    "oneOf": [
        _param("float", _range({"type": "number"}), ("low", "high"), "A real number."),
        _param("int", _range(_whole(-MAX_INT)), ("low", "high"), "A whole number."),
        _param("ordinal", _VALUES, ("values",), "One of a list whose order means something."),
        _param("categorical", _VALUES, ("values",), "One of a list without order."),
        _param("bool", {}, (), "True or false."),
    ]
}

_OBJECTIVE = _section(
    {
        "metric": {"type": "string", "description": "latency_ms, or with its statistic p95(latency_ms)."},
        "goal": {"enum": [goal.value for goal in Goal], "description": "Which way is better."},
        "statistic": {
            "enum": list(STATISTICS),
            "default": "mean",
            "description": "Of the values within a run; over runs it is always their mean.",
        },
    },
    "A metric and which way is better.",
    ("metric", "goal"),
)

_BUDGET = _section(
    {
        "trials": _whole(1, description="Configurations to try."),
        "time": _ref("duration", "Wall time, the final check included."),
        "max_attempts": _whole(
            1, 100, "Tries at one trial whose worker is lost, before it fails.", default=Budget.max_attempts
        ),
    },
    "When to stop: after so many trials, so much time, or whichever comes first.",
)

_MEASUREMENT = _section(
    {
        "warmup": _whole_or_auto(0, "Runs thrown away before the first that counts.", Measurement.warmup),
        "runs": _whole_or_auto(1, "Runs that count, in one attempt.", Measurement.runs),
        "replicates": _whole_or_auto(0, "Trials that measure a promising configuration anew.", Measurement.replicates),
        "timeout": _ref("duration", "How long an attempt may take.") | {"default": Measurement.timeout},
        "blocks": {
            "anyOf": [{"const": 0}, _whole(MIN_BLOCKS)],
            "default": Measurement.blocks,
            "description": "Pairs of default and recommended in the final check; 0 for no check.",
        },
    },
    "How one trial is measured.",
)

_PROPERTIES: Schema = {
    "name": {
        "type": "string",
        "pattern": r"^[^/\n]*[^/\s][^/\n]*$",
        "maxLength": MAX_NAME,
        "description": "What the study is called.",
    },
    "workload": _open(
        {"kind": _ref("word", "Its registered name.")}, {}, "What is run and measured, and its settings."
    ),
    "space": {
        "type": "object",
        "propertyNames": {
            # Letters, digits and _ of every script; \w means ASCII alone to the editors that read this.
            "pattern": r"^[^\d\s!-/:-@\[-^`{-~][^\s!-/:-@\[-^`{-~]*$",
            "maxLength": 100,
            "not": {"enum": ["and", "or", "not", "in", "true", "false", "default"]},
        },
        "additionalProperties": _PARAM,
        "minProperties": 1,
        "maxProperties": MAX_PARAMS,
        "description": "The parameters that may vary.",
    },
    "constraints": _list(_ref("expression"), MAX_CONSTRAINTS, "What every configuration must satisfy."),
    "objectives": _list(_OBJECTIVE, MAX_OBJECTIVES, "What better means. Several make a Pareto front."),
    "outcome_constraints": _list(
        {"type": "string", "pattern": "^[^<>=!]+[<>]=.+$"},
        MAX_BOUNDS,
        "Bounds on metrics: accuracy >= 0.95, or relative to the default: latency_ms <= 1.1 * default",
    ),
    "budget": _BUDGET,
    "measurement": _MEASUREMENT,
    "engine": {
        "description": "What proposes configurations: auto, gp, sobol, random, grid, optuna:SAMPLER.",
        "anyOf": [
            _ref("word"),
            _open({"name": _ref("word")}, _ref("scalar"), "An engine and its options."),
        ],
        "default": EngineChoice().name,
    },
    "priors": {
        "description": "What to learn from beforehand: auto, none, or names of studies.",
        "anyOf": [{"enum": ["auto", "none"]}, _list(_ref("word"), MAX_PRIORS)],
        "default": "auto",
    },
    "contexts": {
        "type": "object",
        "additionalProperties": _list(_ref("word"), MAX_ENVIRONMENTS) | {"uniqueItems": True},
        "description": "Conditions to measure under, each with its values; every combination gets its own answer.",
    },
    "environments": {
        "enum": ["one", "each"],
        "default": "one",
        "description": "one: the first device's type only; each: every type of device gets its own answer.",
    },
    "workers": _texts("Which workers may measure: facts and labels that must match, such as {arch: x86_64}."),
    "labels": _texts("Words of your own, to find the study by."),
    "seed": _whole(0, description="Makes the suggestions reproducible.", default=0),
}
