"""Spaces that engines meet in the field and at the edges; the conformance suite runs over all of them."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.core.expression import parse
from tuner.core.param import BoolParam, CategoricalParam, FloatParam, IntParam, OrdinalParam
from tuner.core.space import Space

TINY = Space((BoolParam(name="pinned"), IntParam(name="threads", low=1, high=2)))
"""Four configurations."""

NESTED = Space(
    (
        BoolParam(name="pinned"),
        FloatParam(name="share", low=1.0, high=1.0, when=parse("pinned")),
        CategoricalParam(name="core", values=("little", "big"), when=parse("pinned")),
        IntParam(name="boost", low=0, high=2, when=parse("core == 'big'")),
    ),
    (parse("boost != 1"),),
)
"""Four configurations under conditions of conditions: unpinned, little, and big with a boost of 0 or 2."""

MIXED = Space(
    (
        IntParam(name="threads", low=1, high=8),
        CategoricalParam(name="precision", values=("float32", "float16", "int8")),
        OrdinalParam(name="width", values=(0.25, 0.5, 1, 2)),
        BoolParam(name="pinned"),
        FloatParam(name="cpu_share", low=0.25, high=1.0, when=parse("pinned")),
        FloatParam(name="rate", low=1e-5, high=1e-1, log=True),
    ),
    (parse("threads <= 4 or width >= 1"), parse("cpu_share >= 0.5 or threads < 8")),
)
"""Every kind of parameter, a condition, and two known constraints."""

CONTINUOUS = Space((FloatParam(name="x", low=-5.0, high=10.0), FloatParam(name="y", low=0.0, high=15.0)))

SPECIAL = Space(
    (
        IntParam(name="timeout", low=1, high=100_000, log=True, special=(-1, 0)),
        FloatParam(name="ratio", low=0.1, high=0.9, special=("auto",)),
        CategoricalParam(name="flag", values=(1, True, "1")),
    )
)
"""Special values outside the domain, and values that Python takes for equal but the project tells apart."""

WIDE_LOG = Space(
    (
        FloatParam(name="learning_rate", low=1e-300, high=1e300, log=True),
        IntParam(name="bytes", low=1, high=2**53, log=True),
        IntParam(name="offset", low=-(2**53), high=2**53),
    )
)

ONE_POINT = Space((FloatParam(name="x", low=3.0, high=3.0), CategoricalParam(name="only", values=("this",))))

UNICODE = Space(
    (
        FloatParam(name="μ_größe", low=0.0, high=1.0),
        CategoricalParam(name="モード", values=("速い", "遅い", "")),
        BoolParam(name="défaut", when=parse("モード == '速い'")),
    )
)

LARGE = Space(
    tuple(
        parameter
        for i in range(10)
        for parameter in (
            FloatParam(name=f"f{i}", low=0.0, high=1.0),
            IntParam(name=f"i{i}", low=0, high=1_000),
            BoolParam(name=f"b{i}"),
            CategoricalParam(name=f"c{i}", values=("a", "b", "c"), when=parse(f"b{i}")),
        )
    )
)
"""Forty parameters, ten of them conditional."""

SPACES: Mapping[str, Space] = {
    "tiny": TINY,
    "nested": NESTED,
    "mixed": MIXED,
    "continuous": CONTINUOUS,
    "special": SPECIAL,
    "wide-log": WIDE_LOG,
    "one-point": ONE_POINT,
    "unicode": UNICODE,
    "large": LARGE,
}
"""By name."""
