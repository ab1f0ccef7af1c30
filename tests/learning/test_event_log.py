import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_core import paths, store
from mnist_core.learning.event_log import EventLog
from mnist_core.settings import PRESETS
from mnist_core.store import Moment, Validation

TRAIN = {"loss", "accuracy", "learning_rate", "images_per_second"}
HOUR = 3600.0


@pytest.fixture
def run(home):
    """A run of an hour, with twelve batches, three looks and two validations in the store."""
    with store.opened(write=True) as database:
        run = store.add_run(database, PRESETS["fast"].settings, owner="")
        store.add_batches(database, run.id, rows(1, 12))
        for step, speed in ((0, 0.0), (1, 500.0), (7, 900.0), (12, 800.0)):
            board = np.zeros(100, np.uint8)
            store.add_moment(database, run.id, Moment(step, speed, board))
        for step in (6, 12):
            store.add_validation(database, run.id, validation(step))
    return run


def rows(first, last):
    return [(step, 2 / step, step / 128, 0.25) for step in range(first, last + 1)]


def validation(step):
    return Validation(step, 1 / step, step / 64, np.zeros((10, 10), np.uint32))


def opened(folder):
    """A folder as TensorBoard reads it, every point of it."""
    return EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0})


def curve(read, tag):
    """Steps and values, in the order in which they were written."""
    return [(point.step, point.value) for point in read.Reload().Scalars(tag)]


def times(read, tag):
    return np.array([point.wall_time for point in read.Reload().Scalars(tag)])


def folders(run):
    return [paths.event_log(run.id) / name for name in ("train", "validation")]


def test_tensorboard_reads_what_the_store_holds(run):
    with EventLog(run.id, seconds=HOUR):
        pass
    train, validations = map(opened, folders(run))
    assert set(train.Reload().Tags()["scalars"]) == TRAIN
    assert set(validations.Reload().Tags()["scalars"]) == {"loss", "accuracy"}
    for i, tag in enumerate(("loss", "accuracy", "learning_rate"), 1):
        wanted = [(row[0], np.float32(row[i])) for row in rows(1, 12)]
        assert curve(train, tag) == wanted
    assert curve(train, "images_per_second") == [(1, 500), (7, 900), (12, 800)]
    assert curve(validations, "loss") == [(6, np.float32(1 / 6)), (12, np.float32(1 / 12))]
    assert curve(validations, "accuracy") == [(6, 6 / 64), (12, 12 / 64)]


def test_what_was_done_before_lies_evenly_in_the_time_of_training(run):
    before = time.time()
    with EventLog(run.id, seconds=HOUR):
        after = time.time()
    train, validations = map(opened, folders(run))
    at = times(train, "loss")
    np.testing.assert_allclose(np.diff(at), HOUR / 12, atol=after - before)
    assert before <= at[-1] <= after
    np.testing.assert_allclose(times(validations, "loss"), at[[5, 11]], atol=after - before)


def test_what_is_added_can_be_read_at_once_with_times_that_grow(run):
    with EventLog(run.id, seconds=HOUR) as log:
        before = time.time()
        log.add_batches(rows(13, 14), {14: 700.0})
        log.add_validation(validation(14))
        log.add_batches(rows(15, 18), {})
        train, validations = map(opened, folders(run))
        assert [step for step, _ in curve(train, "loss")] == list(range(1, 19))
        assert curve(train, "images_per_second")[-1] == (14, 700)
        assert curve(validations, "loss")[-1] == (14, np.float32(1 / 14))
        at = times(train, "loss")
        assert (np.diff(at) >= 0).all()
        assert before <= at[13] <= times(validations, "loss")[-1] <= at[14] <= time.time()


def test_a_run_that_begins_has_an_empty_log(home):
    with store.opened(write=True) as database:
        run = store.add_run(database, PRESETS["fast"].settings, owner="")
    with EventLog(run.id, seconds=0.0) as log:
        for folder in folders(run):
            assert opened(folder).Reload().Tags()["scalars"] == []
        log.add_batches(rows(1, 2), {})
        assert [step for step, _ in curve(opened(folders(run)[0]), "loss")] == [1, 2]


def test_written_anew_it_holds_what_the_store_holds_and_nothing_else(run):
    """As after a crash: the log is ahead of the store, and its last record is a part of one."""
    with EventLog(run.id, seconds=HOUR) as log:
        log.add_batches(rows(13, 20), {})
        log.add_validation(validation(18))
    for folder in folders(run):
        (file,) = folder.iterdir()
        file.write_bytes(file.read_bytes()[:-5])
        file.rename(folder / "events.out.tfevents.1000000000.before")
    with EventLog(run.id, seconds=HOUR) as log:
        log.add_batches(rows(13, 14), {})
        log.add_validation(validation(14))
    train, validations = map(opened, folders(run))
    assert [step for step, _ in curve(train, "loss")] == list(range(1, 15))
    assert [step for step, _ in curve(validations, "loss")] == [6, 12, 14]


def test_a_tensorboard_that_is_open_forgets_what_was_undone(run):
    with EventLog(run.id, seconds=HOUR) as log:
        log.add_batches(rows(13, 20), {})
    for folder in folders(run):
        (file,) = folder.iterdir()
        file.rename(folder / "events.out.tfevents.1000000000.before")
    train = opened(folders(run)[0])
    assert len(curve(train, "loss")) == 20
    with EventLog(run.id, seconds=HOUR):
        assert [step for step, _ in curve(train, "loss")] == list(range(1, 13))


def test_the_files_are_what_tensorboard_looks_for_and_do_not_name_this_computer(run):
    with EventLog(run.id, seconds=HOUR):
        pass
    for folder in folders(run):
        (file,) = folder.iterdir()
        *head, seconds, name = file.name.split(".")
        assert (head, name) == (["events", "out", "tfevents"], run.id)
        assert time.time() - 60 < int(seconds) <= time.time()
        first = next(iter(tf.data.TFRecordDataset(str(file)))).numpy()
        assert tf.compat.v1.Event.FromString(first).file_version == "brain.Event:2"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_as_files_tell_it(run, monkeypatch):
    writer = tf.io.TFRecordWriter
    with EventLog(run.id, seconds=HOUR) as log:
        log._train = log._validation = writer("/dev/full")
        with pytest.raises(OSError, match="No space left on device"):
            log.add_batches(rows(13, 14), {})
        with pytest.raises(OSError, match="No space left on device"):
            log.add_validation(validation(14))
    monkeypatch.setattr(tf.io, "TFRecordWriter", lambda file: writer("/dev/full"))
    with pytest.raises(OSError, match="No space left on device"):
        EventLog(run.id, seconds=HOUR)


def test_a_place_where_no_folder_can_be_made_is_told_as_files_tell_it(run):
    paths.run(run.id).parent.mkdir(parents=True)
    paths.run(run.id).touch()
    with pytest.raises(OSError, match="Not a directory"):
        EventLog(run.id, seconds=HOUR)
