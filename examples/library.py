"""Tune a piece of your own program, without a server: `python examples/library.py`.

How should a softmax over a matrix be computed with NumPy: in which precision, how many rows at a time, in place or
not, so that it is quick and its error stays below one in a million?
"""

import statistics
import time

import numpy as np

from tuner import Observation, Optimizer

TRIALS, REPEATS = 16, 7
LOGITS = np.random.default_rng(0).normal(scale=3, size=(2048, 1024))


def softmax(logits: np.ndarray, block_rows: int, in_place: bool) -> np.ndarray:
    """Softmax over each row, a block of rows at a time."""
    result = np.empty_like(logits)
    for start in range(0, len(logits), block_rows):
        rows = slice(start, start + block_rows)
        out = result[rows] if in_place else None
        shifted = np.subtract(logits[rows], logits[rows].max(axis=1, keepdims=True), out=out)
        powers = np.exp(shifted, out=out)
        result[rows] = np.divide(powers, powers.sum(axis=1, keepdims=True), out=out)
    return result


def measure(precision: str, block_rows: int, in_place: bool, exact: np.ndarray) -> tuple[Observation, float]:
    """Milliseconds for the whole matrix, with how much they vary, and the greatest error of a probability."""
    logits = LOGITS.astype(precision)
    error = float(np.abs(softmax(logits, block_rows, in_place) - exact).max())  # also the warm-up
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        softmax(logits, block_rows, in_place)
        times.append((time.perf_counter() - began) * 1e3)
    return Observation("time_ms", statistics.fmean(times), statistics.variance(times), REPEATS, "ms"), error


def main() -> None:
    """Ask, measure, tell."""
    optimizer = Optimizer(
        space={
            "precision": {"type": "categorical", "values": ["float64", "float32", "float16"], "default": "float64"},
            "block_rows": {"type": "int", "low": 1, "high": 2048, "default": 2048, "log": True},
            "in_place": {"type": "bool", "default": False},
        },
        objectives=[{"metric": "time_ms", "goal": "minimize"}],
        outcome_constraints=["error <= 1e-6"],
        seed=7,
    )
    exact = softmax(LOGITS, len(LOGITS), in_place=False)
    measured = []
    for _ in range(TRIALS):
        (trial,) = optimizer.ask()
        time_ms, error = measure(**trial.config, exact=exact)
        optimizer.tell(trial.id, {"time_ms": time_ms, "error": error})
        measured.append(time_ms.mean)
        print(f"{trial.id:>3}  {time_ms.mean:8.2f} ms  error {error:.0e}  {trial.config}")
    best = optimizer.best()
    # The default configuration is asked first.
    print(f"{measured[0]:.2f} ms by default, {best.values['time_ms']:.2f} ms with {best.config}")


if __name__ == "__main__":
    main()
