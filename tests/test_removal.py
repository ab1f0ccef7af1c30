"""Runs that are deleted, with all that they left."""

import errno
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mnist_core import paths, registry, store, trainer
from mnist_core.errors import ModelError, RunError, StoreError
from mnist_core.settings import PRESETS
from mnist_core.store import Moment, Validation
from mnist_core.trainer import removal

FAST = PRESETS["fast"].settings
TABLES = ("runs", "batches", "validations", "moments", "boards", "pins", "followed")
NOTHING = {table: [] for table in TABLES}, [], ["default"]

pytestmark = pytest.mark.usefixtures("home")


def add_run(state="finished", *, model=True):
    """A run with a row or more in every table, a folder and, if wanted, a model."""
    blank = np.zeros((28, 28), np.uint8)
    with store.opened(write=True) as database:
        run_id = store.add_run(database, FAST, owner="").id
        store.add_batches(database, run_id, [(1, 2.0, 0.5, 0.1), (2, 1.0, 0.5, 0.1)])
        store.add_validation(
            database, run_id, Validation(2, 1.0, 0.5, np.zeros((10, 10), np.uint32))
        )
        store.add_moment(database, run_id, Moment(2, 100.0, np.zeros(100, np.uint8)))
        store.set_board(database, run_id, blank[None], np.zeros(1, np.uint8))
    for owner in ("me", "you"):
        store.pin(run_id, owner=owner, image=blank)
    pins = store.pins(run_id)
    with store.opened(write=True) as database:
        store.add_followed(database, pins, 2, np.zeros((2, 10), np.float32))
        store.update(database, run_id, state=state, model=run_id if model else None)
    paths.run(run_id).mkdir(parents=True)
    paths.checkpoint(run_id).write_bytes(b"checkpoint")
    (paths.run(run_id) / "log.txt").write_text("log")
    if model:
        with registry.new_model(run_id) as folder:
            (folder / "model.tflite").write_bytes(run_id.encode())
            registry.write_card(folder, {"id": run_id})
    return run_id


def left():
    """Everything that there is: rows by table, folders of runs, models."""
    with store.opened() as database:
        rows = {
            table: [tuple(row) for row in database.execute(f"SELECT * FROM {table}")]
            for table in TABLES
        }
    files = sorted(str(file.relative_to(paths.runs())) for file in paths.runs().rglob("*"))
    return rows, files, [model.id for model in registry.models()]


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_deleted_run_leaves_nothing_and_the_others_stay_as_they_were():
    add_run()
    others = left()
    run_id = add_run()
    assert all(len(rows) > len(others[0][table]) for table, rows in left()[0].items())
    trainer.delete(run_id)
    assert left() == others
    with pytest.raises(RunError, match=r"^There is no run named 'fast-2'\."):
        trainer.delete(run_id)
    registry.find("fast-1").check()


def test_the_number_of_a_deleted_run_is_never_given_out_again():
    for _ in range(2):
        trainer.delete(add_run())
    assert store.runs() == []
    assert add_run() == "fast-3"


@pytest.mark.parametrize("state", ["paused", "interrupted", "failed", "stopped", "finished"])
def test_what_is_over_or_rests_can_be_deleted_with_or_without_a_model(state):
    for model in (False, True):
        trainer.delete(add_run(state, model=model))
    assert store.runs() == []


@pytest.mark.parametrize("state", ["queued", "starting", "running", "finishing"])
def test_what_waits_or_is_under_way_is_refused(state):
    run_id = add_run(state)
    before = left()
    with pytest.raises(RunError, match=rf"^fast-1 is {state}: it can be deleted once it"):
        trainer.delete(run_id)
    assert left() == before


def test_a_run_whose_model_reads_the_drawings_is_refused_until_another_does():
    run_id = add_run()
    registry.publish(run_id)
    before = left()
    with pytest.raises(ModelError, match=r"^fast-1 reads the drawings now: "):
        trainer.delete(run_id)
    assert left() == before
    registry.publish("default")
    trainer.delete(run_id)
    assert store.runs() == [] and registry.find().id == "default"


def test_a_model_that_was_made_but_never_noted_goes_too():
    """As after a crash in the last moment of a run."""
    run_id = add_run("interrupted")
    with store.opened(write=True) as database:
        store.update(database, run_id, model=None)
    trainer.delete(run_id)
    assert [model.id for model in registry.models()] == ["default"]


@pytest.mark.parametrize("run_id", ["fast-9", "", "../models", "default"])
def test_an_unknown_run_is_refused(run_id):
    add_run()
    before = left()
    with pytest.raises(RunError, match=r"^There is no run named .+\.$"):
        trainer.delete(run_id)
    assert left() == before


def test_broken_off_at_its_folder_it_can_be_deleted_again(monkeypatch):
    run_id = add_run()
    rows, files, _ = left()
    with monkeypatch.context() as there:
        there.setattr(removal, "remove_folder", no_room)
        with pytest.raises(RunError, match=r"^fast-1 can't be deleted: No space left on device\.$"):
            trainer.delete(run_id)
    assert left() == (rows, files, ["default"]), "only its model is gone"
    trainer.delete(run_id)
    assert left() == NOTHING


def test_broken_off_at_the_database_it_can_be_deleted_again(monkeypatch):
    run_id = add_run()
    rows, _, _ = left()
    remove = store.remove

    def fail(database, run_id):
        remove(database, run_id)
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as there:
        there.setattr(store, "remove", fail)
        with pytest.raises(StoreError, match="disk I/O error"):
            trainer.delete(run_id)
    assert left() == (rows, [], ["default"]), "all of its rows are still there"
    trainer.delete(run_id)
    assert left() == NOTHING


def test_of_two_who_delete_at_once_one_is_told_that_it_is_gone(monkeypatch):
    run_id, together = add_run(), threading.Barrier(2)
    remove = removal.remove_folder

    def slowly(folder):
        time.sleep(0.1)
        remove(folder)

    monkeypatch.setattr(removal, "remove_folder", slowly)

    def delete(_):
        together.wait()
        try:
            trainer.delete(run_id)
        except RunError as error:
            return str(error)
        return "deleted"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(delete, range(2)))
    assert said[1] == "deleted"
    assert said[0].startswith("There is no run named 'fast-1'")
    assert left() == NOTHING


def test_what_a_waiting_run_is_to_start_from_is_kept_until_it_has_begun():
    base = add_run()
    with store.opened(write=True) as database:
        further = store.add_run(database, replace(FAST, start_from=base), owner="").id
    with pytest.raises(RunError, match=rf"^{further} is to start from {base} and hasn't begun: "):
        trainer.delete(base)
    paths.run(further).mkdir(parents=True)
    paths.checkpoint(further).write_bytes(b"from here it goes on")
    trainer.delete(base)
    assert registry.models()[1:] == []
