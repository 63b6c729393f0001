"""Use the tuner's Gaussian process in a study that is otherwise plain Optuna: `python examples/optuna_sampler.py`.

A signal is learnt by ridge regression on random Fourier features. Which kernel, how many features, which bandwidth and
how much regularization predict best with a model of at most 8 kB? Optuna's default sampler gets as many trials.
"""

import logging

import numpy as np
import optuna

from tuner.optuna import TunerSampler

TRIALS = 25
LIMIT_KB = 8


def signal(x: np.ndarray) -> np.ndarray:
    """What is to be learnt, without the noise."""
    return np.sin(3 * x[:, 0]) * np.exp(-(x[:, 1] ** 2)) + 0.5 * np.cos(3 * x[:, 0] * x[:, 1])


RNG = np.random.default_rng(0)
INPUTS, HELD_OUT = RNG.uniform(-2, 2, (1500, 2)), RNG.uniform(-2, 2, (500, 2))
TARGETS = signal(INPUTS) + RNG.normal(scale=0.1, size=len(INPUTS))


def objective(trial: optuna.Trial) -> float:
    """Root mean squared error on held-out inputs."""
    kernel = trial.suggest_categorical("kernel", ["gaussian", "laplacian"])
    count = trial.suggest_int("count", 16, 1024, log=True)
    bandwidth = trial.suggest_float("bandwidth", 0.05, 5, log=True)
    ridge = trial.suggest_float("ridge", 1e-6, 10, log=True)
    # Feasible up to 0: two frequencies, a phase and a weight for each feature, 8 bytes each.
    trial.set_constraint("kilobytes", 4 * 8 * count / 1000 - LIMIT_KB)

    # Rahimi and Recht, "Random features for large-scale kernel machines", NIPS 2007: a kernel's spectrum is sampled.
    rng = np.random.default_rng(1)
    spectrum = rng.standard_normal if kernel == "gaussian" else rng.standard_cauchy
    frequencies, phases = spectrum((2, count)) / bandwidth, rng.uniform(0, 2 * np.pi, count)
    known, new = np.cos(INPUTS @ frequencies + phases), np.cos(HELD_OUT @ frequencies + phases)
    weights = np.linalg.solve(known.T @ known + ridge * np.eye(count), known.T @ TARGETS)
    return float(np.sqrt(np.mean((new @ weights - signal(HELD_OUT)) ** 2)))


def main() -> None:
    """The same study twice."""
    optuna.logging.set_verbosity(logging.WARNING)
    for name, sampler in {"TPE": optuna.samplers.TPESampler(seed=7), "gp": TunerSampler("gp", seed=7)}.items():
        study = optuna.create_study(sampler=sampler)
        study.optimize(objective, n_trials=TRIALS)
        print(f"{name:>3}: error {study.best_value:.4f} with {study.best_params}")


if __name__ == "__main__":
    main()
