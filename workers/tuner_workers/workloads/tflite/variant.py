"""What a study file may say about a tflite workload, and what a configuration may choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import cast

from tuner_workers.workloads import parse
from tuner_workers.workloads.artifacts import Recipe
from tuner_workers.workloads.base import Value, WorkloadError

MODELS = ("digits-cnn",)
QUANTIZATIONS = ("float32", "float16", "dynamic", "int8")
WIDTHS = (0.25, 0.5, 1.0, 2.0)
DELEGATES = ("xnnpack", "none")
MAX_THREADS = 256
MAX_BATCH = 4096


@dataclass(frozen=True)
class Settings:
    """The workload's settings.

    Attributes:
        model: registered name.
        samples: latency samples that a run takes at least.
        test_images: held-out images that accuracy is taken over, from the first.
        epochs: of training.
        seed: of training.
    """

    model: str
    samples: int = 50
    test_images: int = 360
    epochs: int = 10
    seed: int = 0

    @classmethod
    def problems(cls, settings: Mapping[str, object]) -> list[str]:
        """What is wrong with settings, as sentences."""
        found = parse.unknown(settings, [field.name for field in fields(cls)])
        unnamed = parse.text(settings, "model")
        found += unnamed
        if not unnamed and settings["model"] not in MODELS:
            found.append(f"workload.model: there is no model {settings['model']!r}; there is {', '.join(MODELS)}")
        for name, low, high in (("samples", 1, 100_000), ("test_images", 1, 360), ("epochs", 1, 1000)):
            found += _whole(settings, name, low, high)
        return found + _whole(settings, "seed", 0, 2**32 - 1)

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> Settings:
        """From settings without problems."""
        return cls(**cast("dict[str, int]", dict(settings)))  # type: ignore[arg-type]  # checked by problems()

    @property
    def data(self) -> Recipe:
        """Recipe of the held-out images and their labels (npz)."""
        return {"model": self.model, "part": "held-out", "version": 1}

    def weights(self, width: float) -> Recipe:
        """Recipe of the trained weights (npz)."""
        return {
            "model": self.model,
            "part": "weights",
            "version": 1,
            "width": width,
            "epochs": self.epochs,
            "seed": self.seed,
        }

    def converted(self, width: float, quantization: str) -> Recipe:
        """Recipe of the converted model (a .tflite flat buffer)."""
        return {**self.weights(width), "part": "model", "quantization": quantization}


@dataclass(frozen=True)
class Variant:
    """What a configuration chooses; every parameter may be left out.

    Attributes:
        quantization: of weights (float16, dynamic) or of weights and activations (int8).
        width: multiplies the number of filters of each layer.
        batch: images in one invocation.
        threads: of the runtime.
        delegate: "xnnpack", or "none" for the built-in kernels.
    """

    quantization: str = "float32"
    width: float = 1.0
    batch: int = 1
    threads: int = 1
    delegate: str = "xnnpack"

    @classmethod
    def of(cls, configuration: Mapping[str, Value]) -> Variant:
        """From a configuration.

        Raises:
            WorkloadError: "refused", naming the parameter, the value and what would be right.
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(configuration.keys() - set(known)):
            raise WorkloadError("refused", f"tflite has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
        chosen = {**{field.name: field.default for field in fields(cls)}, **configuration}
        return cls(
            quantization=str(_one_of("quantization", chosen, QUANTIZATIONS)),
            width=float(_one_of("width", chosen, WIDTHS)),
            batch=_count("batch", chosen, MAX_BATCH),
            threads=_count("threads", chosen, MAX_THREADS),
            delegate=str(_one_of("delegate", chosen, DELEGATES)),
        )


def _whole(settings: Mapping[str, object], name: str, low: int, high: int) -> list[str]:
    value = settings.get(name, low)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return []
    return [f"workload.{name}: expected a whole number from {low} to {high}, got {value!r}"]


def _one_of(name: str, chosen: Mapping[str, object], values: tuple[str, ...] | tuple[float, ...]) -> str | float:
    for value in values:
        if chosen[name] == value and not isinstance(chosen[name], bool):
            return value
    raise WorkloadError("refused", f"{name} is one of {', '.join(map(str, values))}, not {chosen[name]!r}")


def _count(name: str, chosen: Mapping[str, object], high: int) -> int:
    value = chosen[name]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value in range(1, high + 1):
        return int(value)
    raise WorkloadError("refused", f"{name} is a whole number from 1 to {high}, not {value!r}")
