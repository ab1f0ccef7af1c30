"""A training that takes a second in this process, to have things go wrong around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mnist_core import paths, store, trainer
from mnist_core.learning import worker
from mnist_core.settings import Settings
from mnist_core.store import Run
from tests.learning.small import SETTINGS

STEPS = 20  # batches in all


def work(what: Settings | str = SETTINGS, *, watch: Callable[[Run], None] | None = None) -> Run:
    """Train in this process, as the process does that pages start."""
    with trainer.sole_trainer(what) as run, trainer.Ear(run.id) as ear:
        return worker.work(run, ear, watch=watch)


def pause_at(step: int) -> Run:
    """Train until there is a checkpoint."""
    with trainer.sole_trainer(SETTINGS) as run:
        ear = trainer.Ear(run.id)  # not listening

        def watch(seen: Run) -> None:
            if seen.step >= step:
                ear.request = "pause"

        run = worker.work(run, ear, watch=watch)
    assert run.state == "paused" and paths.checkpoint(run.id).exists()
    return run


def once(condition: Callable[[Run], bool], action: Callable[[], object]) -> Callable[[Run], None]:
    """Something that happens once, as soon as the run is somewhere."""
    done: list[bool] = []

    def watch(seen: Run) -> None:
        if not done and condition(seen):
            done.append(True)
            action()

    return watch


def at(step: int) -> Callable[[Run], bool]:
    """Whether so many batches are learned from."""
    return lambda run: run.state == "running" and run.step >= step


def ends_without_a_gap(run_id: str) -> Run:
    """Go on with a run; it comes to its end with all its batches, and leaves a model."""
    run = work(run_id)
    assert (run.state, run.message, run.step, run.model) == ("finished", "", STEPS, run_id)
    np.testing.assert_array_equal(store.batches(run_id)[:, 0], np.arange(1, STEPS + 1))
    assert [seen.step for seen in store.validations(run_id)] == [5, 10, 15, 20]
    return run


def a_sentence(words: str) -> bool:
    """Whether it may be shown to a person: a capital, a full stop, no traceback."""
    return words[:1].isupper() and words.endswith(".") and "Traceback" not in words
