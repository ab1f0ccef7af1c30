"""Runs as a training process would leave them in the store, without one."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from mnist_core import paths, store
from mnist_core.files import lock
from mnist_core.generated import GeneratedDigits, make_digits
from mnist_core.settings import PRESETS, Settings
from mnist_core.store import Moment, Run, State, Validation

SETTINGS = replace(PRESETS["fast"].settings, data="generated", images=400, epochs=2, batch_size=40)
STEPS = 20


def put(state: State, *, done: int = 0, settings: Settings = SETTINGS, **columns: Any) -> Run:
    """Add a run that stands so after `done` of its 20 batches.

    Args:
        state: of the run.
        done: batches; with any there are a board, and a validation for each ten.
        settings: two epochs of ten batches, whatever they say.
        columns: of the table `runs`, besides.
    """
    with store.opened(write=True) as database:
        run = store.add_run(database, settings, owner="")
        told: dict[str, Any] = {"state": state, "step": done, "seconds": done / 10}
        if done:
            told |= {"steps": STEPS, "steps_per_epoch": STEPS // 2, "images_per_second": 1234.0}
            digits = _digits()
            store.set_board(database, run.id, digits.images, digits.labels)
            rows = [(i, 2.3 / i, i / STEPS, 0.01) for i in range(1, done + 1)]
            store.add_batches(database, run.id, rows)
            answers = digits.labels.copy()
            answers[:7] = (answers[:7] + 1) % 10
            store.add_moment(database, run.id, Moment(done, 1234.0, answers))
        for step in range(10, done + 1, 10):
            confusion = np.diag(np.full(10, 90, np.uint32))
            confusion[4, 9] = 10
            store.add_validation(database, run.id, Validation(step, 0.5, 0.9, confusion))
            told["validation_accuracy"] = 0.9
        store.update(database, run.id, **told | columns)
        return store.select_run(database, run.id)


@functools.cache
def _digits() -> GeneratedDigits:
    return make_digits(100, seed=1)


def be_the_trainer() -> int:
    """Take the lock that a training process holds, or no run counts as being trained."""
    handle = lock(paths.home() / "trainer.lock")
    assert handle is not None
    return handle
