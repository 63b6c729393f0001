"""Build every model ahead: ``python -m tuner_workers.workloads.tflite.prefetch [ARTIFACTS]``."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from tuner_workers.paths import StateDirectory, default_state_directory
from tuner_workers.workloads.base import Value, WorkloadError
from tuner_workers.workloads.tflite.build import build_all
from tuner_workers.workloads.tflite.variant import MODELS, QUANTIZATIONS, WIDTHS


def main() -> int:
    """Build all widths and quantizations of a model with its default settings."""
    parser = argparse.ArgumentParser(description="Train and convert the models of the tflite workload, unless cached.")
    parser.add_argument(
        "artifacts",
        type=Path,
        nargs="?",
        default=StateDirectory(default_state_directory()).artifacts,
        help="the worker's directory of artifacts (%(default)s)",
    )
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    arguments = parser.parse_args()
    choices: list[dict[str, Value]] = [
        {"width": width, "quantization": kind} for width, kind in itertools.product(WIDTHS, QUANTIZATIONS)
    ]
    try:
        count = build_all({"model": arguments.model}, choices, arguments.artifacts)
    except WorkloadError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    sys.stdout.write(f"{count} models of {arguments.model} are ready in {arguments.artifacts}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
