"""The numerical ground rules: float64, seeded, alone; and what may go wrong in linear algebra."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from botorch.exceptions.errors import BotorchError
from botorch.exceptions.warnings import BotorchWarning
from gpytorch.utils.warnings import GPInputWarning, NumericalWarning
from linear_operator.utils.errors import NanError, NotPSDError
from linear_operator.utils.warnings import NumericalWarning as LinearOperatorWarning
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

NUMERICAL_ERRORS = (ArithmeticError, ValueError, BotorchError, LinAlgError, NanError, NotPSDError)
"""What a fit or an acquisition function may raise on data that are too much for float64 (singular, NaN, ...)."""


@contextmanager
def isolated(seed: int, threads: int) -> Iterator[None]:
    """Run with torch's generator seeded and ``threads`` threads (their number decides the order of sums, and so the
    last digits), and leave both as they were. Warnings of the numerical libraries are silent within."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        for category in (BotorchWarning, GPInputWarning, NumericalWarning, LinearOperatorWarning):
            warnings.simplefilter("ignore", category)
        torch.manual_seed(seed % 2**63)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
