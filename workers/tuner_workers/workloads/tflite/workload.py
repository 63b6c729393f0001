"""Running a converted model and taking its latency, throughput and accuracy."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuner_workers.workloads import litert
from tuner_workers.workloads.artifacts import ArtifactStore
from tuner_workers.workloads.base import (
    Context,
    Grants,
    MetricSamples,
    Report,
    RunOutput,
    Value,
    Workload,
    WorkloadError,
)
from tuner_workers.workloads.tflite.build import build, unpacked
from tuner_workers.workloads.tflite.variant import MODELS, Settings, Variant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RUN_SECONDS = 0.3
MAX_SAMPLES = 4000
_ROTATION = 16


class TfliteWorkload(Workload):
    """Invocations of one interpreter, back to back, on held-out images.

    A run lasts ``RUN_SECONDS`` or as many invocations as the setting ``samples`` asks, whichever is longer. Latency is
    that of one invocation: from handing over a batch to having its result. Accuracy is taken once, while loading.
    """

    kind = "tflite"
    builds = True

    @classmethod
    def missing(cls) -> str:
        return litert.missing()

    @classmethod
    def describe(cls, grants: Grants) -> str:
        return f"model: {', '.join(MODELS)}"

    @classmethod
    def check(cls, settings: Mapping[str, object]) -> list[str]:
        return Settings.problems(settings)

    @classmethod
    def declares(cls, settings: Mapping[str, object]) -> Mapping[str, str]:
        return {"latency_ms": "ms", "throughput": "1/s", "accuracy": "1", "model_kb": "kB"}

    def prepare(self, settings: Mapping[str, object], context: Context) -> None:
        self._settings = Settings.of(settings)
        self._store = ArtifactStore(context.artifacts)

    def build(self, configuration: Mapping[str, Value]) -> None:
        build(self._settings, Variant.of(configuration), self._store)

    def load(self, configuration: Mapping[str, Value]) -> None:
        self._variant = variant = Variant.of(configuration)
        content = self._store.find(self._settings.converted(variant.width, variant.quantization))
        data = self._store.find(self._settings.data)
        if content is None or data is None:
            raise WorkloadError("unavailable", f"{self._settings.model} is not built here for {variant}")
        images, labels = unpacked(data)
        self._bytes = len(content)
        self._interpreter, self._runtime = litert.open_interpreter(
            content, threads=variant.threads, xnnpack=variant.delegate == "xnnpack"
        )
        self._allocate(images.shape[1:])
        count = self._settings.test_images
        self._accuracy = self._measure_accuracy(images[:count], labels[:count])
        self._batches = self._batched(images, min(_ROTATION, -(-len(images) // variant.batch)))

    def run(self, configuration: Mapping[str, Value], report: Report) -> RunOutput:
        clock, batches, invoke = time.perf_counter, self._batches, self._invoke
        latencies: list[float] = []
        begin = end = clock()
        while end - begin < RUN_SECONDS or len(latencies) < self._settings.samples:
            start = clock()
            invoke(batches[len(latencies) % len(batches)])
            end = clock()
            latencies.append((end - start) * 1e3)
        items = len(latencies) * self._variant.batch
        every = -(-len(latencies) // MAX_SAMPLES)
        images = "1 image" if self._variant.batch == 1 else f"{self._variant.batch} images"
        timed = f"{self._runtime}: one invocation of {images}, at most {MAX_SAMPLES} samples evenly taken"
        return RunOutput(
            {
                "latency_ms": MetricSamples(tuple(latencies[::every]), "ms", timed),
                "throughput": MetricSamples((items / (end - begin),), "1/s", "images per second over the run"),
                "accuracy": MetricSamples(
                    (self._accuracy,), "1", f"share of {self._settings.test_images} held-out images"
                ),
                "model_kb": MetricSamples((self._bytes / 1000,), "kB", "size of the converted model"),
            },
            items=items,
        )

    def cleanup(self) -> None:
        self._interpreter = None

    def _allocate(self, shape: tuple[int, ...]) -> None:
        interpreter = self._interpreter
        try:
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [self._variant.batch, *shape])
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise WorkloadError("refused", f"{self._runtime} cannot allocate {self._variant}: {error}") from error
        self._input: Mapping[str, Any] = interpreter.get_input_details()[0]
        self._output: Mapping[str, Any] = interpreter.get_output_details()[0]

    def _invoke(self, batch: NDArray[np.generic]) -> NDArray[np.generic]:
        self._interpreter.set_tensor(self._input["index"], batch)
        self._interpreter.invoke()
        result: NDArray[np.generic] = self._interpreter.get_tensor(self._output["index"])
        return result

    def _batched(self, images: NDArray[np.float32], count: int) -> list[NDArray[np.generic]]:
        """``count`` batches as the model's input type; the images are gone through again where they do not suffice."""
        import numpy as np

        kind, (scale, zero) = self._input["dtype"], self._input["quantization"]
        size = self._variant.batch
        batches: list[NDArray[np.generic]] = []
        for start in range(0, count * size, size):
            batch = images.take(range(start, start + size), axis=0, mode="wrap")
            if np.issubdtype(kind, np.integer):
                limits = np.iinfo(kind)
                batch = np.round(batch / scale + zero).clip(limits.min, limits.max)
            batches.append(np.ascontiguousarray(batch.astype(kind)))
        return batches

    def _measure_accuracy(self, images: NDArray[np.float32], labels: NDArray[np.generic]) -> float:
        import numpy as np

        found: list[NDArray[np.generic]] = []
        for batch in self._batched(images, -(-len(images) // self._variant.batch)):
            result = self._invoke(batch)
            if result.ndim != 2 or len(result) != self._variant.batch:
                raise WorkloadError("wrong result", f"{len(batch)} images gave an output of shape {result.shape}")
            if not np.isfinite(result).all():
                raise WorkloadError("wrong result", "the output holds values that are not finite")
            found.append(result.argmax(axis=1))
        return float((np.concatenate(found)[: len(labels)] == labels).mean())
