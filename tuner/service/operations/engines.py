"""A study held against its engine."""

from __future__ import annotations

from tuner.core.errors import InvalidInput, NotFound, Problem, Unavailable
from tuner.core.study import StudySpec
from tuner.engine.registry import engine_names, get_engine


def check_engine(spec: StudySpec) -> None:
    """Let the engine say what it cannot work with.

    Raises:
        InvalidInput: there is no such engine, or it refuses the space, the objectives or its options.
    """
    name = spec.engine.name
    try:
        engine = get_engine(name)
    except NotFound as error:
        raise InvalidInput(Problem("engine", "is not known", name, "one of " + ", ".join(engine_names()))) from error
    except Unavailable as error:
        raise InvalidInput(Problem("engine", str(error), name)) from error
    problems = engine.validate(spec.space, spec.objectives, spec.engine.options)
    if problems:
        raise InvalidInput(list(problems))
