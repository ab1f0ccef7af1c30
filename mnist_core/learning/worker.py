"""What the training process does: train, note everything in the store, listen, leave a model."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mnist_core import paths, registry, store
from mnist_core.errors import RunError
from mnist_core.learning import material, packing
from mnist_core.learning.event_log import EventLog
from mnist_core.learning.training import Batches, Training
from mnist_core.store import Moment, Run
from mnist_core.trainer import Ear, last_words

_CHUNK = 0.2  # seconds of training between two looks at what was asked
_LOOK = 0.4  # seconds between two looks at the board
_CHECKPOINT = 10.0  # seconds between two checkpoints: what a crash can cost
_BOARD = 100


def work(run: Run, ear: Ear, *, watch: Callable[[Run], None] | None = None) -> Run:
    """Train a run to its end, or until it is asked to leave. To be called as its sole trainer.

    Args:
        run: starting; with a checkpoint it goes on from there.
        ear: hears what is asked.
        watch: called with the run a few times a second.

    Returns:
        The run as it ended; an error is in its state and message.
    """
    worker = _Worker(run, ear, watch)
    try:
        worker.work()
    except _Left:
        worker.leave_before_training()
    except Exception as error:
        last_words.give_up(run.id, error)
    return store.find_run(run.id)


class _Left(Exception):
    """It was asked to leave before the training began."""


class _Worker:
    def __init__(self, run: Run, ear: Ear, watch: Callable[[Run], None] | None) -> None:
        self.run = run
        self.ear = ear
        self.watch = watch
        self.checkpoint = paths.checkpoint(run.id)
        self.seconds = run.seconds
        self.told = 0.0
        self.before = 0.0

    def work(self) -> None:
        self.note(phase="Starting", share=0.0)
        self.sweep()
        gathered = material.gather(self.run.settings, report=self.report)
        self.report("Building the network")
        self.before = time.monotonic()
        training = Training(self.run.settings, gathered)
        if self.checkpoint.exists():
            self.restore(training)
        elif base := self.run.settings.start_from:
            training.start_from(registry.find(base))
        training.warm_up()
        self.begin(training)
        with EventLog(self.run.id, seconds=self.seconds) as self.log:
            self.train(training)
            # From here on a crash costs nothing that was learned.
            training.save(self.checkpoint)
            if self.ear.request == "pause" and not training.over:
                self.note(state="paused", request=None, phase="", ended=time.time())
            else:
                self.finish(training)

    def sweep(self) -> None:
        """Remove what a trainer that was killed left half written; nobody else writes there."""
        for folder in (*paths.models().glob(".*-*/"), *paths.runs().glob(".*-*/")):
            shutil.rmtree(folder, ignore_errors=True)
        for file in self.checkpoint.parent.glob(".*-*"):
            file.unlink(missing_ok=True)

    def restore(self, training: Training) -> None:
        try:
            training.restore(self.checkpoint)
        except RunError as error:
            raise RunError(
                f"{error} So {self.run.id} can't go on: train anew with the same settings."
            ) from error

    def begin(self, training: Training) -> None:
        digits = training.material.validation
        self.board = digits.images[:_BOARD]
        with store.opened(write=True) as database:
            store.forget_from(database, self.run.id, training.step)
            store.set_board(database, self.run.id, self.board, digits.labels[:_BOARD])
        if self.run.step and not training.step:
            self.seconds = 0.0
            self.note(
                message="There was no checkpoint to go on from, so it began anew.",
                validation_accuracy=None,
                best_step=None,
            )
        self.note(
            state="running",
            phase="",
            step=training.step,
            steps=training.steps,
            steps_per_epoch=training.steps_per_epoch,
        )

    def train(self, training: Training) -> None:
        """Learn and validate until all is done or something is asked."""
        count, looked, saved = 1, 0.0, time.monotonic()
        if training.step == 0:
            self.look(training, None, 0.0, board=True)
        self.clock()
        while not self.ear.request:
            if training.due:
                self.validate(training)
                self.clock()
                continue
            if training.over:
                break
            if (share := training.drawing) is not None:
                self.note(phase="Drawing digits anew", share=share)
                time.sleep(0.1)
                self.clock()
                continue
            batches = training.advance(count)
            took, now = self.clock(), self.before
            _make_sure_it_converges(batches.loss, batches.first)
            board = now - looked > _LOOK or training.step < 4
            self.look(training, batches, batches.images / took, board=board)
            looked = now if board else looked
            # Small steps first, so that the beginning is seen; then as many as fill the time.
            count = max(1, min(2 * count, int(_CHUNK / took * len(batches.loss))))
            if now - saved > _CHECKPOINT:
                training.save(self.checkpoint)
                saved = now

    def clock(self) -> float:
        """Seconds since the last call, which were training."""
        now = time.monotonic()
        took, self.before = now - self.before, now
        self.seconds += took
        return took

    def validate(self, training: Training, *, to_the_end: bool = False) -> None:
        """Validate and note it; unless it must be, it is dropped if something is asked."""
        seen = None
        for seen in training.validate():
            if self.ear.request and seen is None and not to_the_end:
                return
        assert seen is not None and training.best is not None
        _make_sure_it_converges(np.array([seen.loss]), seen.step)
        with store.opened(write=True) as database:
            store.add_validation(database, self.run.id, seen)
        self.log.add_validation(seen)
        best = training.best[1]
        self.note(validation_accuracy=best.accuracy, best_step=best.step)

    def look(
        self, training: Training, batches: Batches | None, speed: float, *, board: bool
    ) -> None:
        """Note the batches just done, and how the network now reads what is followed."""
        pins = store.pins(self.run.id)
        shown = [*(pin.image for pin in pins), *(self.board if board else ())]
        read = training.probabilities(np.stack(shown)) if shown else np.empty((0, 10), np.float32)
        rows = _numbered(batches) if batches else []
        with store.opened(write=True) as database:
            store.add_batches(database, self.run.id, rows)
            store.add_followed(database, pins, training.step, read[: len(pins)])
            if board:
                answers = read[len(pins) :].argmax(axis=1).astype(np.uint8)
                store.add_moment(database, self.run.id, Moment(training.step, speed, answers))
        self.log.add_batches(rows, {training.step: speed} if board else {})
        self.note(step=training.step, phase="", seconds=self.seconds, images_per_second=speed)

    def finish(self, training: Training) -> None:
        """Leave a model behind, if there is one to keep."""
        # Before its first validation a run that was stopped has nothing chosen: take what is there.
        if training.best is None and training.step:
            self.validate(training, to_the_end=True)
        over = "finished" if training.over else "stopped"
        if training.best is None:
            self.note(state=over, request=None, phase="", ended=time.time())
            return
        self.note(
            state="finishing",
            request=None,
            message="",
            phase="Writing the model and measuring it",
            share=1.0,
        )
        test = material.load_test(self.run.settings, report=lambda *_: None)
        with registry.new_model(self.run.id) as folder:
            card = packing.pack(
                training, folder, model_id=self.run.id, test=test, wall_seconds=self.seconds
            )
        self.note(
            state=over,
            phase="",
            ended=time.time(),
            validation_accuracy=card["validation_accuracy"],
            test_accuracy=card["test_accuracy"],
            model=self.run.id,
        )
        with contextlib.suppress(OSError):  # all is done, and it is in nobody's way
            self.checkpoint.unlink(missing_ok=True)

    def leave_before_training(self) -> None:
        over = "paused" if self.ear.request == "pause" else "stopped"
        self.note(state=over, request=None, phase="", ended=time.time())

    def report(self, phase: str, share: float = 0.0) -> None:
        """Say what is being done, and leave if that was asked."""
        # A run that has learned something leaves a model when it is stopped.
        if self.ear.request == "pause" or (self.ear.request and not self.checkpoint.exists()):
            raise _Left
        if time.monotonic() - self.told > 0.2:
            self.told = time.monotonic()
            self.note(phase=phase, share=share)

    def note(self, **columns: object) -> None:
        with store.opened(write=True) as database:
            store.update(database, self.run.id, **columns)
        if self.watch:
            self.watch(store.find_run(self.run.id))


def _numbered(batches: Batches) -> list[tuple[int, float, float, float]]:
    """A row for each batch: its step, loss, accuracy, learning rate."""
    columns = batches.loss, batches.accuracy, batches.learning_rate
    steps = range(batches.first, batches.first + len(batches.loss))
    return list(zip(steps, *(column.tolist() for column in columns), strict=True))


def _make_sure_it_converges(losses: NDArray[np.floating], first: int) -> None:
    if not np.isfinite(losses).all():
        batch = first + int(np.isfinite(losses).argmin())
        raise RunError(
            f"The loss grew beyond all bounds at batch {batch:,}: train again with a lower"
            " learning rate."
        )
