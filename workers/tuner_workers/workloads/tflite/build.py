"""Making the artifacts of the tflite workload, each once. TensorFlow is imported only when something is to be made."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tuner_workers.workloads.artifacts import ArtifactStore
from tuner_workers.workloads.base import Value, WorkloadError
from tuner_workers.workloads.tflite.variant import Settings, Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_NEEDED = ("numpy", "tensorflow", "sklearn")


def build(settings: Settings, variant: Variant, store: ArtifactStore) -> None:
    """Make what ``variant`` needs, unless it is there. Of several processes one works, the others wait for it.

    Raises:
        WorkloadError: "unavailable" without TensorFlow.
    """
    if _complete(settings, variant, store):
        return
    with store.lock(settings.model):
        if _complete(settings, variant, store):
            return
        if absent := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
            raise WorkloadError(
                "unavailable",
                f"{settings.model} of width {variant.width:g} in {variant.quantization} is not built here, and "
                f"{', '.join(absent)} is not installed to build it; pip install 'mlsys-tuner[tensorflow]'",
            )
        _make(settings, variant, store)


def build_all(settings: Mapping[str, object], configurations: Iterable[Mapping[str, Value]], artifacts: Path) -> int:
    """Make ahead what a study's configurations need, so that its trials only measure; how many different models.

    Imports TensorFlow into the calling process if anything is to be made.

    Raises:
        WorkloadError: as ``build``; "refused" for a configuration that is none.
    """
    chosen = {Variant(v.quantization, v.width) for v in map(Variant.of, configurations)}
    store = ArtifactStore(artifacts)
    for variant in sorted(chosen, key=lambda variant: (variant.width, variant.quantization)):
        build(Settings.of(settings), variant, store)
    return len(chosen)


def _complete(settings: Settings, variant: Variant, store: ArtifactStore) -> bool:
    wanted = (settings.data, settings.converted(variant.width, variant.quantization))
    return all(store.find(recipe) is not None for recipe in wanted)


def _make(settings: Settings, variant: Variant, store: ArtifactStore) -> None:
    from tuner_workers.workloads.tflite import digits

    if store.find(settings.data) is None:
        _, _, images, labels = digits.dataset()
        store.add(settings.data, _packed([images, labels]))
    kept = store.find(settings.weights(variant.width))
    if kept is None:
        weights = digits.train(variant.width, settings.epochs, settings.seed)
        store.add(settings.weights(variant.width), _packed(weights))
    else:
        weights = unpacked(kept)
    converted = digits.convert(variant.width, weights, variant.quantization)
    store.add(settings.converted(variant.width, variant.quantization), converted)


def _packed(arrays: Sequence[NDArray[np.generic]]) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, *arrays)
    return buffer.getvalue()


def unpacked(content: bytes) -> list[NDArray[np.float32]]:
    """The arrays of an npz artifact, in their order."""
    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]
