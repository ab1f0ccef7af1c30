"""A database that another program keeps busy, or that is damaged or gone."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest

from mnist_core import registry, store, trainer
from mnist_core.errors import RunError, StoreError
from mnist_core.learning import worker
from mnist_core.settings import PRESETS
from mnist_core.store import Moment, Validation, database
from tests.faults.rounds import LONG, ROUNDS, chance, long_only
from tests.faults.small import (
    SETTINGS,
    STEPS,
    a_sentence,
    at,
    ends_without_a_gap,
    once,
    work,
)
from tests.shipped import add_copy

BUSY = r"^The database of runs .+studio\.db, is busy: another program has been writing to it\. "
DAMAGED = r"^The database of runs .+studio\.db, is damaged: move it away to begin a new one, "


@contextmanager
def another_program(*, reading: bool = True):
    """Writes without an end; where `reading` is False nobody may even read."""
    with closing(sqlite3.connect(store.file(), isolation_level=None)) as other:
        if not reading:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE runs SET message = message")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("reading", [True, False])
def test_pages_wait_for_another_program_once_and_not_long(studio, reading, monkeypatch):
    assert database._PATIENCE <= 3
    monkeypatch.setattr(database, "_PATIENCE", 1.0)
    monkeypatch.setattr(database, "_gave_up", -100.0)
    store.runs()
    store.set_mark("test", 1, "wrong")
    asks = [lambda: store.set_mark("test", 2, "wrong"), lambda: trainer.start(SETTINGS)]
    if not reading:
        asks += [store.runs, trainer.tend, lambda: store.marked("test")]
    begun = time.monotonic()
    with another_program(reading=reading):
        if reading:
            assert store.marked("test") == {1: "wrong"}
        for ask in asks:
            with pytest.raises(StoreError, match=BUSY):
                ask()
        took = time.monotonic() - begun
    assert 1 <= took < len(asks), "only the first of them waits so long"
    assert store.runs() == [] and store.marked("test") == {1: "wrong"}


def test_a_training_outlasts_another_program(studio, monkeypatch):
    monkeypatch.setattr(database, "_PATIENCE", 0.1)
    held, let_go = threading.Event(), threading.Event()

    def hold():
        with another_program(reading=False):
            held.set()
            let_go.wait(60)

    other = threading.Thread(target=hold)

    def begin_to_hold():
        other.start()
        assert held.wait(20)
        # A page, in whose process nothing trains, does not.
        with monkeypatch.context() as elsewhere, pytest.raises(StoreError, match=BUSY):
            elsewhere.setattr(database, "_persevering", 0)
            store.runs()
        threading.Timer(30 if LONG else 1, let_go.set).start()

    with trainer.sole_trainer(SETTINGS) as run, trainer.Ear(run.id) as ear:
        run = worker.work(run, ear, watch=once(at(7), begin_to_hold))
        other.join()
        assert ear._thread.is_alive(), "it still hears what is asked"
    assert (run.state, run.message) == ("finished", "")
    np.testing.assert_array_equal(store.batches(run.id)[:, 0], np.arange(1, STEPS + 1))


def everything(run_id):
    """All that pages and trainers do with the database."""
    for read in (
        store.find_run,
        store.curves,
        store.batches,
        store.validations,
        store.last_moment,
        store.speeds,
        store.board,
    ):
        read(run_id)
    for pin in store.pins(run_id):
        store.followed(pin.number)
    store.runs()
    store.marked("test")
    trainer.tend()
    trainer.resume(run_id)
    store.set_mark("test", 7, "wrong")
    trainer.start(SETTINGS)


def fill(run_id):
    """What a training of 200 batches leaves."""
    with store.opened(write=True) as opened:
        store.update(opened, run_id, state="paused", step=200)
        store.add_batches(opened, run_id, [(i, 1 / i, 0.5, 0.1) for i in range(1, 201)])
        store.set_board(opened, run_id, np.zeros((100, 28, 28), np.uint8), np.zeros(100, np.uint8))
        for i in range(1, 50):
            store.add_moment(opened, run_id, Moment(i, 100.0, np.zeros(100, np.uint8)))
        for i in range(1, 5):
            store.add_validation(
                opened, run_id, Validation(i, 1.0, 0.5, np.zeros((10, 10), np.uint32))
            )
    store.pin(run_id, owner="me", image=np.zeros((28, 28), np.uint8))


def test_whatever_is_damaged_in_a_database_it_is_said_in_a_sentence(studio):
    run_ids = []
    for _ in range(2):
        with store.opened(write=True) as opened:
            run_ids.append(store.add_run(opened, PRESETS["fast"].settings, owner="").id)
        fill(run_ids[-1])
    whole = np.fromfile(store.file(), np.uint8)
    random, refused = chance(), 0
    for number in range(100 * ROUNDS if LONG else 25):
        for file in studio.glob("studio*"):
            file.unlink()
        damaged = whole.copy()
        if number % 2:  # bits here and there
            places = random.integers(len(whole), size=8)
            damaged[places] ^= 1 << random.integers(8, size=8, dtype=np.uint8)
        else:  # a stretch
            place, length = random.integers(len(whole)), random.integers(1, 5000)
            damaged[place : place + length] = random.integers(256)
        damaged.tofile(store.file())
        try:
            everything(run_ids[0])
        except StoreError as error:
            assert a_sentence(str(error)), error
            refused += 1
        except RunError:  # such as that there is no such run
            refused += 1
    assert refused


@pytest.mark.parametrize(
    ("table", "column", "read"),
    [
        ("runs", "settings", store.find_run),
        ("runs", "state", store.find_run),
        ("validations", "confusion", store.validations),
        ("moments", "board", store.last_moment),
        ("batches", "loss", store.batches),
        ("boards", "images", store.board),
        ("pins", "image", store.pins),
    ],
)
def test_what_only_we_can_tell_to_be_damaged_is_said_in_a_sentence(studio, table, column, read):
    with store.opened(write=True) as opened:
        run_id = store.add_run(opened, SETTINGS, owner="").id
    fill(run_id)
    with store.opened(write=True) as opened:
        opened.execute(f"UPDATE {table} SET {column} = 'damaged'")
    with pytest.raises(StoreError, match=DAMAGED):
        read(run_id)


def test_a_damaged_database_is_moved_away_and_nothing_else_is_lost(studio):
    with store.opened(write=True) as opened:
        kept = store.add_run(opened, SETTINGS, owner="").id
        store.update(opened, kept, state="finished", model=kept)
    add_copy(kept)
    registry.publish(kept)
    whole = store.file().read_bytes()

    def damage():
        for file in studio.glob("studio.db*"):
            with file.open("r+b") as stream:  # were it empty for a moment, it would count as new
                stream.write(b"damaged " * (file.stat().st_size // 8))

    with pytest.raises(StoreError, match=DAMAGED):
        work(watch=once(at(7), damage))
    for ask in (store.runs, trainer.tend, lambda: trainer.start(SETTINGS)):
        with pytest.raises(StoreError, match=DAMAGED):
            ask()
    assert registry.find().id == kept, "the model reads all the same"
    for file in studio.glob("studio.db*"):
        file.unlink()
    assert store.runs() == []
    run = work()
    assert (run.state, run.id) == ("finished", "mlp-3"), "no name is used twice"
    assert [model.id for model in registry.models()] == [registry.SHIPPED, kept, "mlp-3"]
    # Or a copy is put back.
    for file in studio.glob("studio.db*"):
        file.unlink()
    store.file().write_bytes(whole)
    assert [run.id for run in store.runs()] == [kept]


@long_only
def test_a_database_that_is_taken_away_ends_the_training_in_a_sentence(studio):
    def take_away():
        for file in studio.glob("studio.db*"):
            file.rename(studio / f"old-{file.name}")

    with pytest.raises(RunError, match=r"^There is no run named 'mlp-1'\.$"):
        work(watch=once(at(7), take_away))
    for file in studio.glob("old-*"):
        file.rename(studio / file.name.removeprefix("old-"))
    trainer.tend()
    assert store.find_run("mlp-1").state == "interrupted"
    ends_without_a_gap("mlp-1")
