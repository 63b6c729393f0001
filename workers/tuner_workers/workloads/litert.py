"""LiteRT under whichever name it is installed: ai-edge-litert, tflite-runtime (old boards), or inside TensorFlow."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from tuner_workers.workloads.base import WorkloadError

_RUNTIMES = (
    ("ai_edge_litert", "ai_edge_litert.interpreter"),
    ("tflite_runtime", "tflite_runtime.interpreter"),
    ("tensorflow", "tensorflow.lite.python.interpreter"),
)


def missing() -> str:
    """What has to be installed to run models; empty when nothing has. Imports nothing."""
    if importlib.util.find_spec("numpy") is None or _installed() is None:
        return "LiteRT is not installed; pip install 'mlsys-tuner[tflite]'"
    return ""


def open_interpreter(content: bytes, *, threads: int, xnnpack: bool) -> tuple[Any, str]:
    """An interpreter for a model that is held in memory, and the name of the runtime.

    Args:
        content: a .tflite flat buffer.
        threads: for the kernels, and for the delegate where there is one.
        xnnpack: whether the runtime may hand the model to XNNPACK, as it does by default.

    Raises:
        WorkloadError: "unavailable" without a runtime, "refused" when it does not take the model.
    """
    installed = _installed()
    if installed is None:
        raise WorkloadError("unavailable", missing())
    package, module = installed
    runtime = importlib.import_module(module)
    resolvers = runtime.OpResolverType
    resolver = resolvers.AUTO if xnnpack else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        interpreter = runtime.Interpreter(
            model_content=content, num_threads=threads, experimental_op_resolver_type=resolver
        )
    except (RuntimeError, ValueError) as error:
        raise WorkloadError("refused", f"{package} does not take the model: {error}") from error
    return interpreter, package


def _installed() -> tuple[str, str] | None:
    return next((names for names in _RUNTIMES if importlib.util.find_spec(names[0]) is not None), None)
