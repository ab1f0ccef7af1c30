"""How often a fault is repeated, and at what moments."""

from __future__ import annotations

import os
import secrets

import numpy as np
import pytest

# Few times with all other tests, many in `make test-faults`.
ROUNDS = int(os.environ.get("FAULTS_ROUNDS") or 10)
LONG = ROUNDS > 10
long_only = pytest.mark.skipif(not LONG, reason="takes long: make test-faults")


def chance() -> np.random.Generator:
    """Moments and places at random; `FAULTS_SEED` repeats those of a run that failed."""
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(10**6))
    print(f"FAULTS_SEED={seed}")
    return np.random.default_rng(seed)
