"""A run's log for TensorBoard: scalars in event files, a folder for training, one for validation.

The store is the truth: whoever trains writes the log anew from it, so that it has no gap and
nothing twice whatever a pause or a crash left behind, and continues it from there. TensorBoard
takes the two folders for two runs; the same tags in both, so that it draws them into one picture.

An event file is a TFRecord file of `Event` messages, the first of which tells the version.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from mnist_core import paths, store
from mnist_core.store import Validation

_VERSION = "brain.Event:2"


@contextmanager
def _as_file_errors() -> Iterator[None]:
    """Raise as OSError what TensorFlow says of files in errors of its own."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


class EventLog:
    """The log of a run, open for writing; what is added is in the files at once.

    Whatever it does raises OSError where a file can't be written.
    """

    def __init__(self, run_id: str, *, seconds: float) -> None:
        """Write anew what the store holds of a run.

        Args:
            run_id: of the run; nobody else writes its log meanwhile.
            seconds: how long it has trained so far. The store doesn't tell when a batch was done:
                they are spread evenly over as many seconds before now, as if it had never paused.
        """
        rows = store.batches(run_id).tolist()
        # There are no more looks than batches, so that none is gathered with others.
        speeds = dict(store.speeds(run_id, points=len(rows) + 1).tolist())
        began = time.time() - seconds
        folder = paths.event_log(run_id)
        if folder.exists():
            shutil.rmtree(folder)
        # TensorBoard knows an event file by its name. By custom the computer's name is in it, too,
        # but people pass on what they download.
        name = f"events.out.tfevents.{int(time.time())}.{run_id}"
        self._train = _begin(folder / "train" / name, began)
        self._validation = _begin(folder / "validation" / name, began)
        self._until = began  # when the last was added
        self.add_batches(rows, speeds)
        for seen in store.validations(run_id):
            self.add_validation(seen, at=began + seconds * seen.step / rows[-1][0])

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in (self._train, self._validation):
            # Nothing is left to be written, but what failed before fails again.
            with contextlib.suppress(tf.errors.OpError):
                writer.close()

    @_as_file_errors()
    def add_batches(
        self, rows: Iterable[tuple[int, float, float, float]], speeds: Mapping[int, float]
    ) -> None:
        """Add consecutive batches, spread evenly over the time since the last were added.

        Args:
            rows: the step counted from 1, loss, accuracy 0-1, learning rate.
            speeds: images a second, by the steps at which it is known.
        """
        rows, now = list(rows), time.time()
        times = np.linspace(self._until, now, len(rows) + 1)[1:].tolist()
        for at, (step, loss, accuracy, rate) in zip(times, rows, strict=True):
            values = {"loss": loss, "accuracy": accuracy, "learning_rate": rate}
            if step in speeds:
                values["images_per_second"] = speeds[step]
            self._train.write(_scalars(int(step), at, values))
        self._train.flush()
        self._until = now

    @_as_file_errors()
    def add_validation(self, seen: Validation, *, at: float | None = None) -> None:
        """Add a validation of just now, or of another time, in seconds since 1970."""
        if at is None:
            at = self._until = time.time()
        values = {"loss": seen.loss, "accuracy": seen.accuracy}
        self._validation.write(_scalars(seen.step, at, values))
        self._validation.flush()


@_as_file_errors()
def _begin(file: Path, at: float) -> tf.io.TFRecordWriter:
    """An event file with the head that TensorBoard looks for."""
    file.parent.mkdir(parents=True)
    writer = tf.io.TFRecordWriter(str(file))
    writer.write(tf.compat.v1.Event(wall_time=at, file_version=_VERSION).SerializeToString())
    # A TensorBoard that has been open forgets at this what it read in the file before.
    start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
    writer.write(tf.compat.v1.Event(wall_time=at, session_log=start).SerializeToString())
    writer.flush()
    return writer


def _scalars(step: int, at: float, values: Mapping[str, float]) -> bytes:
    """An event with a value for each tag."""
    one = tf.compat.v1.Summary.Value
    summary = tf.compat.v1.Summary(
        value=[one(tag=tag, simple_value=value) for tag, value in values.items()]
    )
    return tf.compat.v1.Event(wall_time=at, step=step, summary=summary).SerializeToString()
