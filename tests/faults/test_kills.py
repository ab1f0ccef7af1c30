"""Processes that train or publish are killed, again and again, at the worst moments.

Nothing is played here: the process is the one that pages start, and it gets SIGKILL. The moments
are drawn by chance; `FAULTS_SEED` repeats those of a run that failed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_core import paths, registry, store, trainer
from mnist_core.inference import Classifier
from mnist_core.settings import PRESETS
from mnist_core.store import Run
from tests.faults.rounds import LONG, ROUNDS, chance
from tests.shipped import add_copy

SETTINGS = replace(
    PRESETS["mlp"].settings,
    hidden=(512,),  # large enough that its files take a moment to write
    data="generated",
    images=500,
    batch_size=16,
    epochs=40,
    learning_rate=2e-4,
)
PATIENCE = 120.0  # seconds; a start alone takes ten where the computer is busy


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own; no training process outlives the test."""
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(tmp_path))
    yield tmp_path
    for run in store.runs(*store.ACTIVE):
        if run.pid:
            os.kill(run.pid, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Look often, and watch over the trainings as rarely as an open page does."""
    until, tended = time.monotonic() + PATIENCE, 0.0
    while not condition():
        if time.monotonic() - tended > 0.5:
            tended = time.monotonic()
            trainer.tend()
        assert time.monotonic() < until, f"{what} did not come: {store.runs()}"
        time.sleep(0.004)  # more often would take the computer away from the training


def nothing_half_written(run_id: str) -> None:
    """Every model that is listed is whole, and so is the one that serves."""
    listed = registry.models()
    assert {model.id for model in listed} <= {registry.SHIPPED, run_id}
    for model in [*listed, registry.find()]:
        model.check()


class Victim:
    """A run, and ways to wait until it is somewhere."""

    def __init__(self, run_id: str) -> None:
        self.id = run_id
        self.checkpoint = paths.run(run_id) / "checkpoint.npz"
        self.model = paths.models() / run_id

    @property
    def now(self) -> Run:
        return store.find_run(self.id)

    def has_a_process(self) -> None:
        wait_for(lambda: self.now.pid is not None, "a process")

    def has_a_phase(self) -> None:
        wait_for(lambda: bool(self.now.phase), "TensorFlow")

    def trains(self) -> None:
        """It has done something that it had not done before."""
        wait_for(lambda: self.now.state == "running", "the training")
        before = self.now.step
        wait_for(lambda: self.now.step > before or self.now.state != "running", "a batch")

    def writes_a_checkpoint(self) -> None:
        """Because it was asked to pause; a file stands beside, or it was too quick for us."""
        self.trains()
        trainer.pause(self.id)
        beside = f".{self.checkpoint.name}-*"
        wait_for(
            lambda: any(self.checkpoint.parent.glob(beside)) or self.now.state != "running",
            "a checkpoint",
        )

    def finishes(self) -> None:
        wait_for(lambda: self.now.state == "finishing", "the end of the training")

    def exports(self) -> None:
        def writes() -> bool:
            nothing_half_written(self.id)
            return any(self.model.parent.glob(f".{self.id}-*/*"))

        wait_for(writes, "a file of the model")

    def has_a_model(self) -> None:
        wait_for(self.model.exists, "the model")

    def pauses(self) -> None:
        self.trains()
        trainer.pause(self.id)
        wait_for(lambda: self.now.state == "paused", "the pause")

    def dies(self) -> Run:
        """Kill it; how it stands once `tend` has said that it is over, within five seconds."""
        pid = self.now.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 5
        while self.now.active:
            assert time.monotonic() < until, f"it still counts as alive: {self.now}"
            trainer.tend()
            time.sleep(0.02)
        return self.now


@pytest.mark.parametrize("_again", range(max(1, ROUNDS // 10)))
def test_a_run_survives_being_killed_at_many_moments(home: Path, _again: int) -> None:
    random = chance()
    victim = Victim(trainer.start(SETTINGS).run.id)
    begun = time.monotonic()
    # What is waited for, and how many seconds, at most, go by before the kill.
    first: list[tuple[Callable[[], None], float]] = [
        (victim.has_a_process, 0.5),
        (victim.has_a_process, 3.0),
        (victim.has_a_phase, 1.0),
        (victim.trains, 1.0),
        (victim.writes_a_checkpoint, 0.02),
    ]
    then: list[tuple[Callable[[], None], float]] = [
        (victim.trains, 1.0),
        (victim.finishes, 0.05),
        (victim.finishes, 1.0),
        (victim.exports, 0.3),
        (victim.has_a_model, 0.0),
    ]
    if not LONG:
        first, then = first[2:], then[::2]
    courses = []
    for number, (comes, at_most) in enumerate([*first, *then]):
        if number == len(first):  # from here on it has a checkpoint to go back to
            victim.pauses()
            assert victim.checkpoint.exists()
            kept = victim.now.step
            trainer.resume(victim.id)
        comes()
        time.sleep(delay := at_most * random.random())
        run = victim.dies()
        at = f"{time.monotonic() - begun:5.1f} s"
        print(f"{at}: kill {number}, {delay:.3f} s after {comes.__name__}: {run.state}, {run.step}")
        nothing_half_written(victim.id)
        courses.append(store.batches(victim.id))
        if run.state == "finished":  # the last kill came too late
            assert comes == victim.has_a_model
            break
        # A pause that came first is as good.
        assert run.state == "interrupted" or (
            run.state == "paused" and comes == victim.writes_a_checkpoint
        )
        assert trainer.current() is None
        assert trainer.resume(victim.id).state in ("queued", "starting")
    wait_for(lambda: not victim.now.active, "the end")
    print(f"{time.monotonic() - begun:5.1f} s: {victim.now.state}")

    run = victim.now
    assert (run.state, run.message, run.step) == ("finished", "", run.steps)
    assert run.steps == SETTINGS.epochs * run.steps_per_epoch
    course = store.batches(victim.id)
    np.testing.assert_array_equal(course[:, 0], np.arange(1, run.steps + 1))
    assert [v.step for v in store.validations(victim.id)] == [
        (epoch + 1) * run.steps_per_epoch for epoch in range(SETTINGS.epochs)
    ]
    assert course[-1, 1] < course[0, 1]
    # What was done twice, since a kill had undone it, came out the same.
    for before in courses:
        np.testing.assert_allclose(before[:, 1:], course[: len(before), 1:], atol=0.02)
    assert any(len(before) > kept for before in courses[len(first) :])
    # One model, whole, that reads digits.
    nothing_half_written(victim.id)
    digits, labels = store.board(victim.id) or pytest.fail("the board is gone")
    answers = Classifier.load(victim.id).predict(digits).argmax(axis=1)
    assert run.validation_accuracy is not None
    assert (answers == labels).mean() > run.validation_accuracy - 0.1
    assert registry.published() == registry.SHIPPED


def test_a_publish_that_is_killed_has_happened_or_has_not(home: Path) -> None:
    ids = ["fast-1", "fast-2"]
    for model_id in ids:
        add_copy(model_id)
    history = paths.models() / "published.json"
    random = chance()

    def publish(model_id: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "mnist_core", "publish", model_id]
        return subprocess.Popen(words, cwd=paths.PROJECT, stdout=subprocess.DEVNULL)

    begun = time.monotonic()
    assert publish(ids[0]).wait() == 0
    whole = time.monotonic() - begun
    outcomes = []
    for number in range(ROUNDS):
        events = json.loads(history.read_text())
        before = registry.published()
        after = ids[before == ids[0]]
        process = publish(after)
        if number % 2:  # while it writes
            while process.poll() is None and not any(history.parent.glob(".published.json-*")):
                pass
        else:
            time.sleep(whole * random.random())
        process.kill()
        process.wait()
        now = registry.published()
        assert now in (before, after)
        assert registry.find().id == now
        told = json.loads(history.read_text())
        assert told[: len(events)] == events
        assert len(told) - len(events) == (now == after)
        outcomes.append(now == after)
    print(f"{sum(outcomes)} of {len(outcomes)} happened")
    assert publish(ids[1]).wait() == 0, "nothing bars the way"
    assert registry.published() == ids[1]
