"""Disks that are full or read-only: a sentence, and nothing is lost. On real disks, though small.

To mount them takes root. Others become root within a namespace of their own, where the computer
lets them, and run these tests there.
"""

import errno
import fcntl
import io
import os
import subprocess
import sys

import pytest

from mnist_core import cli_training, paths, registry, store, trainer
from mnist_core.errors import ModelError, StoreError
from mnist_core.learning.training import Training
from mnist_core.trainer import last_words
from mnist_core.trainer.presence import is_held, lock_file
from tests.faults.rounds import ROUNDS, chance, long_only
from tests.faults.small import (
    SETTINGS,
    STEPS,
    at,
    ends_without_a_gap,
    once,
    pause_at,
    work,
)
from tests.shipped import add_copy

FULL = "has no room left on its disk: make room, then try again."
CLOSED = "can't be written: see that its folder can be, then try again."


def test_those_who_are_not_root_see_to_it_in_a_namespace():
    if os.geteuid() == 0:
        pytest.skip("is root")
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*unshare, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk can be mounted here: needs root, or `unshare --map-root-user`")
    words = [*unshare, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", __file__]
    ended = subprocess.run(words, cwd=paths.PROJECT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def full_at_the_save(disk, monkeypatch):
    save = Training.save

    def saves(self, file):
        disk.fill()
        monkeypatch.setattr(Training, "save", save)
        save(self, file)

    monkeypatch.setattr(Training, "save", saves)


def in_the_middle(disk, monkeypatch):
    return once(at(7), disk.fill)


def at_the_checkpoint(disk, monkeypatch):
    full_at_the_save(disk, monkeypatch)


def at_the_export(disk, monkeypatch):
    return once(lambda run: run.state == "finishing", disk.fill)


@pytest.mark.parametrize("fills", [in_the_middle, at_the_checkpoint, at_the_export])
def test_a_training_on_a_disk_that_fills_up_goes_on_once_there_is_room(disk, monkeypatch, fills):
    run = work(watch=fills(disk, monkeypatch))
    assert (run.state, run.message) == ("failed", last_words.NO_ROOM)
    assert registry.models()[1:] == []
    assert registry.find().id == registry.SHIPPED
    # While it is full nothing can be begun, and that is said.
    disk.fill()
    with pytest.raises(StoreError, match=FULL):
        for _ in range(1000):  # until what SQLite has put by is used up
            trainer.start(SETTINGS)
            trainer.resume(run.id)
            trainer.stop(run.id)
    disk.free()
    ends_without_a_gap(run.id)


@long_only
def test_a_disk_that_fills_up_at_any_moment(disk):
    random = chance()
    run_id = work(watch=once(at(1), disk.fill)).id
    for _ in range(ROUNDS):
        disk.free()
        looks = int(random.integers(1, 60))
        seen = []

        def watch(run, seen=seen, looks=looks):
            seen.append(run)
            if len(seen) == looks:
                disk.fill()

        run = work(run_id, watch=watch)
        if run.state == "finished":
            run_id = work(watch=once(at(1), disk.fill)).id
            continue
        assert (run.state, run.message) == ("failed", last_words.NO_ROOM), looks
    disk.free()
    ends_without_a_gap(run_id)


def test_a_log_that_can_not_be_written_ends_no_training(studio, monkeypatch):
    class Full(io.StringIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    lines = cli_training._EpochLines()
    with monkeypatch.context() as there:
        there.setattr(sys, "stderr", Full())
        run = work(watch=lines)
        assert (run.state, run.message) == ("finished", "")
        assert lines.step == STEPS, "all of it was to be told"
        there.setattr(Training, "advance", lambda self, count: 1 / 0)
        run = work()
    assert run.message == "Something unforeseen happened: ZeroDivisionError: division by zero"


def test_a_folder_that_can_not_be_written_is_told_and_what_is_there_stays(disk):
    paused = pause_at(3)
    model = "fast-9"
    add_copy(model)
    with disk.read_only():
        for ask in (
            lambda: trainer.start(SETTINGS),
            lambda: trainer.resume(paused.id),
            lambda: store.set_mark("test", 1, "wrong"),
        ):
            with pytest.raises(StoreError, match=f"studio.db, {CLOSED}"):
                ask()
        with pytest.raises(ModelError, match=r"^The choice can't be written down: .+\.$"):
            registry.publish(model)
        assert registry.find().id == registry.SHIPPED
        assert [each.id for each in registry.models()] == [registry.SHIPPED, model]
        # Whether somebody trains can be seen.
        assert not is_held()
        held = os.open(lock_file(), os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        assert is_held()
        os.close(held)
    assert registry.publish(model).id == model
    assert store.find_run(paused.id) == paused


def test_a_folder_that_was_never_written_is_told(disk):
    with disk.read_only(), pytest.raises(StoreError, match=f"studio.db, {CLOSED}"):
        store.runs()
    assert store.runs() == []


def test_a_training_whose_folder_turns_read_only_goes_on_once_it_is_not(disk, monkeypatch):
    closed = disk.read_only()
    with pytest.raises(StoreError, match=CLOSED):
        work(watch=once(at(7), closed.__enter__))
    try:
        # A page that is open says so, too, and doesn't take the run for alive.
        with pytest.raises(StoreError, match=CLOSED):
            trainer.tend()
    finally:
        closed.__exit__(None, None, None)
    trainer.tend()
    (run,) = store.runs()
    assert run.state == "interrupted"
    ends_without_a_gap(run.id)
