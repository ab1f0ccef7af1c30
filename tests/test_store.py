import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from mnist_core import handwriting, paths, store
from mnist_core.errors import InputError, RunError, StoreError
from mnist_core.settings import PRESETS
from mnist_core.store import Moment, Validation
from mnist_core.store.database import _STEPS as STEPS
from tests.together import run_together

FAST = PRESETS["fast"].settings
MLP = PRESETS["mlp"].settings

ADD_RUNS = """
import sys
from mnist_core import store
from mnist_core.settings import PRESETS
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    with store.opened(write=True) as database:
        store.add_run(database, PRESETS["fast"].settings, owner="")
"""


@pytest.fixture(autouse=True)
def studio(home):
    return home


def add_run(settings=FAST, owner="", **columns):
    with store.opened(write=True) as database:
        run = store.add_run(database, settings, owner=owner)
        if columns:
            store.update(database, run.id, **columns)
    return store.find_run(run.id)


def add_batches(run, rows):
    with store.opened(write=True) as database:
        store.add_batches(database, run.id, rows)


def validation(step, accuracy=0.5):
    confusion = np.arange(100, dtype=np.uint32).reshape(10, 10) * step
    return Validation(step, 1 / step, accuracy, confusion)


def moment(step, speed=100.0):
    return Moment(step, speed, np.full(100, step % 10, np.uint8))


def image(value):
    return np.full((28, 28), value, np.uint8)


def follow(pins, step):
    with store.opened(write=True) as database:
        rows = np.full((len(pins), 10), step, np.float32)
        store.add_followed(database, pins, step, rows)


# The file


def test_readers_go_on_while_somebody_writes():
    run = add_run()
    with closing(sqlite3.connect(store.file())) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with store.opened(write=True) as database:
        store.update(database, run.id, state="running")
        assert store.find_run(run.id).state == "queued"
    assert store.find_run(run.id).state == "running"


def test_what_failed_in_the_middle_leaves_nothing():
    run = add_run()
    with pytest.raises(ZeroDivisionError), store.opened(write=True) as database:
        store.update(database, run.id, state="failed")
        store.add_run(database, FAST, owner="")
        raise ZeroDivisionError
    assert store.runs() == [run]


def test_the_database_can_be_moved_away_to_begin_anew():
    add_run()
    store.file().rename(store.file().with_suffix(".old"))
    assert store.runs() == []


@pytest.mark.parametrize(
    "content", [b"no database at all, but text that is long enough" * 40, b"SQLite format 3\0oops"]
)
def test_a_file_that_is_no_database_is_refused_in_a_sentence(content):
    paths.home().mkdir()
    store.file().write_bytes(content)
    with pytest.raises(StoreError, match=r"^The database of runs .+studio\.db, is damaged: "):
        store.runs()
    with pytest.raises(StoreError, match="move it away to begin a new one"):
        add_run()
    assert store.file().read_bytes() == content


def test_a_database_that_lost_a_part_is_refused():
    add_batches(add_run(), ((i, 1.0, 0.5, 0.1) for i in range(1, 5000)))
    with closing(sqlite3.connect(store.file())) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = store.file().read_bytes()
    store.file().write_bytes(content[:8192] + bytes(len(content) - 8192))
    with pytest.raises(StoreError, match="is damaged"):
        store.curves("fast-1")


def test_a_database_of_another_release_is_refused_and_left_alone():
    add_run()
    with closing(sqlite3.connect(store.file())) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"it is of version 99, made by another release\. "):
        store.runs()
    with closing(sqlite3.connect(store.file())) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_place_where_no_file_can_be_made_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StoreError, match="Not a directory"):
        store.runs()


def test_a_folder_in_its_place_is_refused():
    store.file().mkdir(parents=True)
    with pytest.raises(StoreError, match="unable to open"):
        store.runs()


@pytest.mark.parametrize("version", range(1, len(STEPS)))
def test_runs_of_an_earlier_release_are_as_they_were(version):
    store.file().parent.mkdir()
    with closing(sqlite3.connect(store.file())) as old:
        for statements in STEPS[:version]:
            old.executescript(statements)
        for number, state in ((3, "finished"), (4, "paused")):
            old.execute(
                "INSERT INTO runs (number, id, settings, owner, state, created, queued, heartbeat,"
                " step, validation_accuracy) VALUES (?, ?, ?, 'me', ?, 10, 11, 12, 20, 0.75)",
                (number, f"fast-{number}", FAST.as_json(), state),
            )
        confusion = validation(20).confusion.astype("<u4").tobytes()
        rows = [("fast-3", step, 0.5, 0.75, confusion) for step in (10, 20)]
        old.executemany("INSERT INTO validations VALUES (?, ?, ?, ?, ?)", rows)
        old.execute(f"PRAGMA user_version = {version}")
        old.commit()
    second, first = store.runs()
    assert (first.id, first.state, second.id, second.state) == (
        "fast-3", "finished", "fast-4", "paused",
    )  # fmt: skip
    assert (first.settings, first.owner, first.created, first.step) == (FAST, "me", 10, 20)
    assert (first.name, first.notes, first.best_step, first.called) == ("", "", None, "fast-3")
    assert store.kept_validation("fast-3").step == 20
    store.describe("fast-4", name="second", notes="of many")
    assert store.find_run("fast-4") == replace(second, name="second", notes="of many")
    assert add_run().id == "fast-5"
    assert handwriting.own_profile("me").name == "My digits"


# Many at once


@pytest.mark.parametrize("_again", range(3))
def test_many_threads_that_come_first_make_one_database(_again):
    together = threading.Barrier(16)

    def first(_):
        together.wait()
        return add_run().number

    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(first, range(16)))
    assert sorted(numbers) == list(range(1, 17))


def test_many_processes_that_come_first_lose_nothing():
    run_together(sys.executable, ADD_RUNS)
    assert sorted(run.number for run in store.runs()) == list(range(1, 81))


# Runs


def test_a_new_run_waits_and_has_its_own_name():
    first, second = add_run(FAST, owner="me"), add_run(MLP)
    assert (first.id, second.id) == ("fast-1", "mlp-2")
    assert first.settings == FAST
    assert (first.owner, first.state, first.request) == ("me", "queued", None)
    assert first.created == first.queued <= second.created
    assert (first.step, first.epoch, first.seconds_left, first.model) == (0, 0, None, None)


def test_names_are_never_used_twice():
    add_run()
    with store.opened(write=True) as database:
        database.execute("DELETE FROM runs")
    assert add_run().id == "fast-2"


def test_drawings_that_are_followed_take_no_numbers_of_runs():
    run = add_run()
    for owner in "abcdef":
        store.pin(run.id, owner=owner, image=image(1))
    assert add_run().id == "fast-2"


def test_runs_are_listed_newest_first_and_by_state():
    made = [add_run(state=state) for state in ("finished", "paused", "running")]
    assert store.runs() == made[::-1]
    assert store.runs("paused", "finished") == [made[1], made[0]]
    assert store.runs("queued") == []
    assert store.runs(limit=1) == [made[2]]


def test_only_what_was_named_is_updated():
    first, second = add_run(), add_run()
    with store.opened(write=True) as database:
        store.update(database, first.id, state="running", step=7, phase="It's ?; at work")
    assert store.find_run(first.id) == replace(
        first, state="running", step=7, phase="It's ?; at work"
    )
    assert store.find_run(second.id) == second


@pytest.mark.parametrize("run_id", ["", "fast-9", "' OR 1 = 1 --"])
def test_an_unknown_run_is_refused(run_id):
    add_run()
    with pytest.raises(RunError, match=r"^There is no run named .+\.$"):
        store.find_run(run_id)


@pytest.mark.parametrize(
    ("state", "active", "resumable"),
    [
        ("queued", False, False),
        ("starting", True, False),
        ("running", True, False),
        ("finishing", True, False),
        ("paused", False, True),
        ("interrupted", False, True),
        ("failed", False, True),
        ("stopped", False, False),
        ("finished", False, False),
    ],
)
def test_states(state, active, resumable):
    run = add_run(state=state)
    assert (run.active, run.resumable) == (active, resumable)


def test_the_epoch_is_counted_from_one_up_to_the_last():
    run = replace(add_run(MLP), steps=1000, steps_per_epoch=100)
    epochs = {step: replace(run, step=step).epoch for step in (0, 99, 100, 999, 1000)}
    assert epochs == {0: 1, 99: 1, 100: 2, 999: 10, 1000: 10}


def test_the_time_left_goes_by_the_speed_so_far():
    run = replace(add_run(), step=250, steps=1000, seconds=10.0)
    assert run.seconds_left == pytest.approx(30)


# What people say of a run


def test_a_run_is_called_by_its_name_or_else_by_its_id():
    run, other = add_run(), add_run()
    assert (run.name, run.notes, run.called) == ("", "", "fast-1")
    store.describe(run.id, name="Wide one", notes="Two lines:\n  with 512 neurons.")
    described = store.find_run(run.id)
    assert described == replace(run, name="Wide one", notes="Two lines:\n  with 512 neurons.")
    assert described.called == "Wide one"
    assert store.find_run(other.id) == other
    store.describe(run.id, name="", notes="")
    assert store.find_run(run.id) == run


def test_a_name_is_one_line_without_space_to_spare():
    run = add_run()
    store.describe(run.id, name=" \t Wide\n\n one \u00a0 ", notes=" \n First.\n\n Second. \n")
    described = store.find_run(run.id)
    assert described.name == "Wide one"
    assert described.notes == "First.\n\n Second."


def test_words_that_are_too_long_are_refused_and_change_nothing():
    run = add_run()
    store.describe(run.id, name="n" * 60, notes="t" * 4000)
    described = store.find_run(run.id)
    assert (len(described.name), len(described.notes)) == (60, 4000)
    with pytest.raises(InputError, match=r"^The name can have 60 characters, not 61\.$"):
        store.describe(run.id, name="n" * 30 + " " + "n" * 30, notes="other")
    with pytest.raises(InputError, match=r"^The notes can have 4,000 characters, not 4,001\.$"):
        store.describe(run.id, name="other", notes="t" * 4001)
    assert store.find_run(run.id) == described
    store.describe(run.id, name="n" * 30 + "  " + "n" * 29, notes=" " * 5000)
    assert store.find_run(run.id).notes == "", "what counts is what is kept"


def test_nothing_is_said_of_an_unknown_run():
    run = add_run()
    with pytest.raises(RunError, match=r"^There is no run named 'fast-9'\."):
        store.describe("fast-9", name="name", notes="")
    assert store.runs() == [run]


# Curves


def test_few_batches_are_a_point_each():
    run = add_run()
    rows = [(1, 2.0, 0.25, 0.1), (2, 1.0, 0.5, 0.2), (3, 0.5, 0.75, 0.3)]
    add_batches(run, rows)
    add_batches(add_run(), [(1, 9.0, 0.0, 9.0)])
    curves = store.curves(run.id)
    assert curves.batches == 3
    np.testing.assert_array_equal(
        np.stack([curves.step, curves.loss, curves.accuracy, curves.learning_rate], axis=1), rows
    )
    np.testing.assert_array_equal(curves.loss_low, curves.loss_high)
    np.testing.assert_array_equal(store.batches(run.id), rows)


def test_many_batches_are_gathered_with_their_means_and_ranges():
    run = add_run()
    random = np.random.default_rng(1)
    values = random.random((1003, 3))
    add_batches(run, ((i, *row) for i, row in enumerate(values.tolist(), 1)))
    curves = store.curves(run.id, points=100)
    parts = [values[i : i + 11] for i in range(0, 1003, 11)]
    assert curves.batches == 1003
    np.testing.assert_array_equal(curves.step, [*range(11, 1003, 11), 1003])
    for got, column, combine in (
        (curves.loss, 0, np.mean),
        (curves.loss_low, 0, np.min),
        (curves.loss_high, 0, np.max),
        (curves.accuracy, 1, np.mean),
        (curves.accuracy_low, 1, np.min),
        (curves.accuracy_high, 1, np.max),
        (curves.learning_rate, 2, np.mean),
    ):
        np.testing.assert_allclose(got, [combine(part[:, column]) for part in parts])


def test_a_hundred_thousand_batches_are_no_more_points():
    run = add_run()
    add_batches(run, ((i, 1 / i, i / 1e5, 0.1) for i in range(1, 100_001)))
    curves = store.curves(run.id)
    assert curves.batches == 100_000
    assert 550 <= len(curves.step) <= 600
    assert curves.step[-1] == 100_000
    assert curves.loss_high[0] == 1
    assert store.batches(run.id).shape == (100_000, 4)


def test_without_batches_the_curves_are_empty():
    run = add_run()
    curves = store.curves(run.id)
    assert curves.batches == 0
    assert curves.step.shape == curves.loss.shape == curves.learning_rate.shape == (0,)
    assert store.batches(run.id).shape == (0, 4)
    assert store.speeds(run.id).shape == (0, 2)
    assert (store.validations(run.id), store.last_moment(run.id)) == ([], None)
    assert (store.board(run.id), store.pins(run.id)) == (None, [])


def test_the_same_batch_twice_is_an_error():
    run = add_run()
    add_batches(run, [(1, 1.0, 0.5, 0.1)])
    with pytest.raises(StoreError, match="UNIQUE"):
        add_batches(run, [(1, 1.0, 0.5, 0.1)])


# Validations, looks, the board


def test_validations_come_back_in_order():
    run = add_run()
    with store.opened(write=True) as database:
        for seen in (validation(20), validation(10, 0.1), validation(10, 0.4)):
            store.add_validation(database, run.id, seen)
    first, second = store.validations(run.id)
    assert (first.step, first.loss, first.accuracy) == (10, 0.1, 0.4)
    assert second.step == 20
    np.testing.assert_array_equal(second.confusion, validation(20).confusion)


def test_the_kept_validation_is_the_one_of_the_best_step():
    run, other = add_run(), add_run()
    assert store.kept_validation(run.id) is None
    with store.opened(write=True) as database:
        store.add_validation(database, other.id, validation(40, 0.99))
        for seen in (validation(10, 0.9), validation(20, 0.7), validation(30, 0.8)):
            store.add_validation(database, run.id, seen)
        store.update(database, run.id, best_step=20)
    kept = store.kept_validation(run.id)
    assert (kept.step, kept.loss, kept.accuracy) == (20, 1 / 20, 0.7)
    np.testing.assert_array_equal(kept.confusion, validation(20).confusion)
    assert store.kept_validation(other.id).step == 40
    assert store.kept_validation("fast-9") is None


@pytest.mark.parametrize("best_step", [None, 25])
def test_without_a_best_step_it_is_the_most_accurate_and_of_equals_the_later(best_step):
    run = add_run(best_step=best_step)
    with store.opened(write=True) as database:
        for seen in ((10, 0.9), (20, 0.95), (30, 0.95), (40, 0.8)):
            store.add_validation(database, run.id, validation(*seen))
    assert store.kept_validation(run.id).step == 30


def test_the_last_look_is_the_one_of_the_latest_step():
    run = add_run()
    with store.opened(write=True) as database:
        for step in (3, 17, 5):
            store.add_moment(database, run.id, moment(step))
    last = store.last_moment(run.id)
    assert (last.step, last.images_per_second) == (17, 100)
    np.testing.assert_array_equal(last.board, np.full(100, 7, np.uint8))


def test_speeds_are_gathered_and_moments_without_one_left_out():
    run = add_run()
    with store.opened(write=True) as database:
        store.add_moment(database, run.id, moment(0, speed=0.0))
        for step in range(1, 101):
            store.add_moment(database, run.id, moment(step, speed=float(step)))
    np.testing.assert_array_equal(store.speeds(run.id), [[s, s] for s in range(1, 101)])
    few = store.speeds(run.id, points=10)
    np.testing.assert_array_equal(few[:, 0], range(10, 101, 10))
    np.testing.assert_allclose(few[:, 1], np.arange(10, 101, 10) - 4.5)


def test_the_board_comes_back():
    run = add_run()
    images = np.random.default_rng(3).integers(0, 256, (100, 28, 28), np.uint8)
    labels = (np.arange(100) % 10).astype(np.uint8)
    with store.opened(write=True) as database:
        store.set_board(database, run.id, images[::-1], labels)
        store.set_board(database, run.id, images, labels)
    got_images, got_labels = store.board(run.id)
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)


# Drawings that are followed


def test_every_visit_follows_one_drawing_a_run():
    run, other = add_run(), add_run()
    store.pin(run.id, owner="me", image=image(1))
    store.pin(run.id, owner="you", image=image(2))
    store.pin(other.id, owner="me", image=image(3))
    store.pin(run.id, owner="me", image=image(4))
    mine, yours = store.pins(run.id)
    assert (mine.run, mine.owner, yours.owner) == (run.id, "me", "you")
    np.testing.assert_array_equal(mine.image, image(4))
    np.testing.assert_array_equal(yours.image, image(2))
    np.testing.assert_array_equal(store.pins(other.id)[0].image, image(3))


def test_another_drawing_forgets_how_the_one_before_was_read():
    run = add_run()
    for owner in ("me", "you"):
        store.pin(run.id, owner=owner, image=image(1))
    mine, yours = store.pins(run.id)
    follow([mine, yours], 5)
    store.pin(run.id, owner="me", image=image(1))
    assert store.followed(mine.number)[0].tolist() == [5], "it is the same drawing"
    store.pin(run.id, owner="me", image=image(2))
    assert store.followed(mine.number)[0].tolist() == []
    assert store.followed(yours.number)[0].tolist() == [5]


def test_a_drawing_of_an_unknown_run_is_refused():
    with pytest.raises(RunError, match="no run named"):
        store.pin("fast-9", owner="me", image=image(1))


def test_what_a_drawing_was_read_as_comes_back_thinned_between_the_ends():
    run = add_run()
    store.pin(run.id, owner="me", image=image(1))
    pins = store.pins(run.id)
    steps, probabilities = store.followed(pins[0].number)
    assert (steps.shape, probabilities.shape) == ((0,), (0, 10))
    for step in range(50):
        follow(pins, step)
    steps, probabilities = store.followed(pins[0].number)
    np.testing.assert_array_equal(steps, range(50))
    np.testing.assert_array_equal(probabilities, np.repeat(np.arange(50)[:, None], 10, axis=1))
    few, of_few = store.followed(pins[0].number, points=7)
    assert (few[0], few[-1], len(few)) == (0, 49, 7)
    np.testing.assert_array_equal(of_few[:, 0], few)


# Going on from a checkpoint


def test_what_came_after_the_checkpoint_is_forgotten():
    run, other = add_run(), add_run()
    for each in (run, other):
        add_batches(each, ((i, 1.0, 0.5, 0.1) for i in range(1, 11)))
        store.pin(each.id, owner="me", image=image(1))
        with store.opened(write=True) as database:
            for step in (0, 6, 7, 10):
                store.add_moment(database, each.id, moment(step))
            for step in (3, 6, 9):
                store.add_validation(database, each.id, validation(step))
        for step in (0, 6, 8):
            follow(store.pins(each.id), step)
    with store.opened(write=True) as database:
        store.forget_from(database, run.id, 6)

    def left(of):
        pins = store.pins(of.id)
        steps = [seen.step for seen in store.validations(of.id)]
        followed = store.followed(pins[0].number)[0].tolist()
        return store.curves(of.id).batches, steps, store.last_moment(of.id).step, followed

    assert left(run) == (6, [3, 6], 6, [0, 6])
    assert left(other) == (10, [3, 6, 9], 10, [0, 6, 8])
