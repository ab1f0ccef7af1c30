"""A clock that is set back by an hour, while something trains, waits, starts or is to stop."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from mnist_core import paths, store, trainer
from mnist_core.trainer import tending
from tests.faults.rounds import long_only
from tests.faults.small import SETTINGS, STEPS, at, once, work

HOUR = 3600.0


class Clock:
    """The clock on the wall of this process."""

    def __init__(self):
        self.back = 0.0

    def set_back(self):
        self.back = HOUR


@pytest.fixture
def clock(studio, monkeypatch):
    clock, now = Clock(), time.time
    monkeypatch.setattr(time, "time", lambda: now() - clock.back)
    return clock


def waiting(**columns):
    with store.opened(write=True) as database:
        run = store.add_run(database, SETTINGS, owner="")
        if columns:
            store.update(database, run.id, **columns)
    return store.find_run(run.id)


def test_a_training_goes_on_and_gives_signs_of_life(clock):
    beats = []

    def watch(seen):
        set_back(seen)
        if clock.back:
            beats.append(time.time() - seen.heartbeat)
            # Or the training would be over before the next sign.
            time.sleep(0.15 if len(beats) < 12 else 0)

    set_back = once(at(3), clock.set_back)
    run = work(watch=watch)
    assert (run.state, run.message, run.step) == ("finished", "", STEPS)
    np.testing.assert_array_equal(store.batches(run.id)[:, 0], np.arange(1, STEPS + 1))
    assert beats[0] < -HOUR / 2 and abs(beats[-1]) < HOUR / 2


SET_BACK_WITH_THE_FILE = """
import os, time
now, sign = time.time, os.environ["CLOCK_SET_BACK"]
time.time = lambda: now() - 3600 * os.path.exists(sign)
"""


@long_only
def test_a_process_of_its_own_goes_on_and_is_not_taken_for_dead(real, clock, tmp_path, monkeypatch):
    sign = tmp_path / "back"
    (tmp_path / "sitecustomize.py").write_text(SET_BACK_WITH_THE_FILE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CLOCK_SET_BACK", str(sign))
    run_id = trainer.start(replace(SETTINGS, images=500, batch_size=8, epochs=40)).run.id
    until = time.monotonic() + 120

    def wait_for(*states):
        seen = set()
        while (run := store.find_run(run_id)).state not in states:
            assert time.monotonic() < until, run
            trainer.tend()
            seen.add(run.heartbeat - time.time() > HOUR / 2)
            time.sleep(0.05)
        return seen

    wait_for("running")
    clock.set_back()
    sign.touch()
    ahead = wait_for("finished", "failed", "interrupted")
    run = store.find_run(run_id)
    assert (run.state, run.message, run.step) == ("finished", "", run.steps)
    assert ahead == {True, False}, "its signs of life go by the new clock"


def test_who_comes_later_waits_behind_who_came_before(clock):
    paused = waiting(state="paused")
    waiting(state="running")
    first, second = (waiting() for _ in range(2))
    clock.set_back()
    third = waiting()
    with store.opened(write=True) as database:
        store.update(
            database, paused.id, state="queued", queued=store.end_of_queue(database, time.time())
        )
    line = [first, second, third, store.find_run(paused.id)]
    assert [trainer.ahead_of(store.find_run(run.id)) for run in line] == [1, 2, 3, 4]


def test_one_that_never_comes_is_given_up_in_time(clock, monkeypatch):
    monkeypatch.setattr(tending, "_START", 0.2)
    run = waiting(state="starting", heartbeat=time.time(), pid=None)
    clock.set_back()
    trainer.tend()
    assert store.find_run(run.id).state == "starting", "it has a moment to come"
    time.sleep(0.25)
    trainer.tend()
    assert store.find_run(run.id).state == "interrupted"


def test_one_that_does_not_hear_stop_is_ended_in_time(clock, monkeypatch):
    ended = []
    monkeypatch.setattr(tending, "_STUCK", 0.2)
    monkeypatch.setattr(os, "kill", lambda pid, sign: ended.append(pid))
    with trainer.sole_trainer(replace(SETTINGS, seed=9)) as run:
        with store.opened(write=True) as database:
            store.update(database, run.id, state="running", heartbeat=time.time())
        trainer.stop(run.id)
        clock.set_back()
        trainer.tend()
        assert not ended, "it has a moment to hear"
        time.sleep(0.25)
        trainer.tend()
        assert ended == [run.pid]
    assert not paths.checkpoint(run.id).exists()
