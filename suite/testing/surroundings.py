"""What belongs to the whole process and must be as it was after a plugin's code ran."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from suite.testing.rules import Broken

SEEDED = {
    "Python's random numbers": random.getstate,
    "numpy's random numbers": lambda: str(np.random.get_state()),
    "torch's random numbers": lambda: torch.get_rng_state().tolist(),
}
"""Global generators: whoever draws from one changes what everybody else draws."""
OTHERS: dict[str, Callable[[], Any]] = {
    "torch's threads": torch.get_num_threads,
    "torch's default dtype": torch.get_default_dtype,
    "torch's default device": lambda: str(torch.get_default_device()),
    "whether torch records gradients": torch.is_grad_enabled,
    "torch's deterministic mode": torch.are_deterministic_algorithms_enabled,
    "the working directory": os.getcwd,
}
OWN_GENERATOR = "draw from a generator of your own, seeded: torch.Generator().manual_seed(...)"


@contextmanager
def untouched(what: str) -> Iterator[None]:
    """Broken: the body (`what`) changed something of the whole process, which is put back."""
    readers = {**SEEDED, **OTHERS}
    before = {name: read() for name, read in readers.items()}
    keep = _keep()
    try:
        yield
        changed = [name for name, read in readers.items() if read() != before[name]]
    finally:
        keep()
    if changed:
        advice = OWN_GENERATOR if changed[0] in SEEDED else "put back what you change"
        raise Broken(f"{what} changes {' and '.join(changed)} of the whole process", advice)


@contextmanager
def put_back() -> Iterator[None]:
    """Whatever the body does to the whole process, it is as it was afterwards."""
    keep = _keep()
    try:
        yield
    finally:
        keep()


def disturb(seed: int) -> None:
    """Seed the global generators otherwise: what depends on them comes out otherwise."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _keep() -> Callable[[], None]:
    """Remember the state of the process; the function that is returned puts it back."""
    python, numpy, own = random.getstate(), np.random.get_state(), torch.get_rng_state()
    threads, dtype, folder = torch.get_num_threads(), torch.get_default_dtype(), os.getcwd()
    gradients = torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()

    def back() -> None:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(own)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        torch.use_deterministic_algorithms(deterministic)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        os.chdir(folder)

    return back
