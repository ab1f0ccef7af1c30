"""The commands that train networks; `mnist_core.cli` has the frame around them."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from mnist_core.errors import InputError
from mnist_core.settings import DEFAULT_PRESET, PRESETS, Settings, parse_layers

if TYPE_CHECKING:
    from mnist_core.store import Run

_TRAIN = """\
Train a network and keep the best weights by validation. The presets:

{presets}

Ctrl+C pauses: `resume RUN` goes on from there. What is learned from is MNIST, downloaded if need
be, or digits made by a program (--data generated). A page that is open shows the run as it goes.
"""
_NICE = 10  # trainings step back: drawing must stay quick
_UNUSED = ("pandas", "sklearn")  # Keras loads them where they are: a quarter of a start


def add_commands(commands: Any) -> None:
    """Add `train` and `resume` to a parser's commands."""
    presets = "\n".join(
        f"  {name:9}{preset.title}. {preset.teaches}" for name, preset in PRESETS.items()
    )
    training = commands.add_parser(
        "train", help="train a network", description=_TRAIN.format(presets=presets)
    )
    add = training.add_argument
    add("--preset", choices=list(PRESETS), default=DEFAULT_PRESET, help=f"{DEFAULT_PRESET} if none")
    add("--epochs", type=int, help="passes over the images")
    add("--batch-size", type=int, help="images a step")
    add("--learning-rate", type=float, help="the highest, where it changes")
    add("--optimizer", help="adam, adamw, sgd or rmsprop")
    add("--schedule", help="of the learning rate: constant, cosine or one-cycle")
    add("--hidden", type=_layers, metavar="N,N,...", help="widths of a dense network's layers")
    add("--activation", help="of those layers: relu, tanh or sigmoid")
    add("--filters", type=_layers, metavar="N,N,...", help="filters of a CNN's layers")
    add("--dropout", type=float, help="share left out at random, 0 to 0.8")
    add("--augment", action=argparse.BooleanOptionalAction, help="vary every image")
    add("--images", type=int, help="how many training images are used")
    add("--data", choices=("mnist", "generated"), help="what to learn from")
    add("--seed", type=int, help="the same seed trains the same network")
    add("--run", help=argparse.SUPPRESS)  # for the trainer: a run that waits in the queue
    training.set_defaults(command=_train, refuse=training.error)

    resume = commands.add_parser("resume", help="go on with a run that was paused or interrupted")
    resume.add_argument("run", metavar="RUN", help="its name, such as fast-3")
    resume.set_defaults(command=lambda arguments: _conclude(train(arguments.run)))


def _train(arguments: argparse.Namespace) -> int:
    if arguments.run:
        return _conclude(train(arguments.run, logged=True))
    settings = PRESETS[arguments.preset].settings
    changes = {name: getattr(arguments, name, None) for name in settings.__dataclass_fields__}
    del changes["preset"]
    settings = replace(settings, **{n: v for n, v in changes.items() if v is not None})
    try:
        settings.check()
    except InputError as error:
        arguments.refuse(str(error))
    return _conclude(train(settings))


def train(what: str | Settings, *, logged: bool = False) -> Run:
    """Train in this process, with a bar on a terminal or a line an epoch elsewhere.

    Args:
        what: settings, or the id of a run that waits or can go on.
        logged: what is printed goes into a log, to be looked at if this process dies.

    Returns:
        The run as it ended.

    Raises:
        RunError: another training is under way, or the run can't go on.
    """
    from mnist_core import store, trainer
    from mnist_core.cli import quiet_libraries
    from mnist_core.trainer import last_words

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.nice(max(0, _NICE - os.nice(0)))  # whoever starts this one may have stepped back, too
    with trainer.sole_trainer(what) as run, trainer.Ear(run.id) as ear, _pausing(ear):
        _say(f"{run.id}: {PRESETS[run.settings.preset].title}", sys.stdout)
        with _shown() as watch:
            # Only now: TensorFlow takes seconds, in which the run is seen and can be stopped.
            try:
                with contextlib.nullcontext() if logged else quiet_libraries(), without(*_UNUSED):
                    from mnist_core.learning import worker
            except Exception as error:  # for want of memory, for example
                last_words.give_up(run.id, error)
                return store.find_run(run.id)
            return worker.work(run, ear, watch=watch)


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """Have packages that are not loaded yet be as if they were not installed, for a while."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # as `import` has it
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def _conclude(run: Run) -> int:
    from mnist_core.cli import PROGRAM, complain
    from mnist_core.words import accuracy

    if run.state == "failed":
        complain(f"{run.id} failed: {run.message}")
        return 1
    if run.state == "paused":
        done = f"after {run.step:,} of {run.steps:,} batches" if run.step else "before it began"
        print(f"{run.id}: paused {done}.")
        print(f"Go on with: {PROGRAM} resume {run.id}")
        return 0
    if run.model is None:
        print(f"{run.id}: stopped before there was anything to keep.")
        return 0
    print(
        f"{run.id}: {run.state} after {run.seconds:.1f} s. Validation"
        f" {accuracy(run.validation_accuracy)}, test {accuracy(run.test_accuracy)}."
    )
    print(f"Put it to work with: {PROGRAM} publish {run.id}")
    return 0


@contextlib.contextmanager
def _pausing(ear: Any) -> Iterator[None]:
    """Take Ctrl+C and a polite request to end as a wish to pause; the second Ctrl+C is obeyed."""

    def pause(number: int, frame: object) -> None:
        ear.request = "pause"
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, pause) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _shown() -> Iterator[Callable[[Run], None]]:
    """Show a run on stderr as it goes."""
    if not sys.stderr.isatty():
        yield _EpochLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from mnist_core.cli import quiet_libraries

    encoding, errors = sys.stderr.encoding, sys.stderr.errors
    with os.fdopen(os.dup(2), "w", encoding=encoding, errors=errors) as terminal:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),  # leaves room on 80 columns for the ^C that is typed
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=Console(file=terminal),
        )
        # What a library writes in between would tear the bar.
        with quiet_libraries(), bar:
            task = bar.add_task("Starting", total=None)

            def watch(run: Run) -> None:
                words = run.phase or (_in_a_line(run) if run.steps else None)
                if run.done < bar.tasks[task].completed:
                    bar.reset(task)  # something else has begun: the time left is told anew
                # Nobody knows the total before the first share: until then the bar just moves.
                total = 1.0 if run.done else None
                bar.update(task, total=total, completed=run.done, description=words)

            yield watch


class _EpochLines:
    """A line on stderr for every phase and every validation."""

    def __init__(self) -> None:
        self.phase = ""
        self.step: int | None = None  # up to which all is told; what came before a pause was

    def __call__(self, run: Run) -> None:
        from mnist_core import store
        from mnist_core.words import accuracy

        phase = run.phase.partition(":")[0]
        if phase not in ("", self.phase):
            self.phase = phase
            _say(phase, sys.stderr)
        if self.step is None:
            self.step = run.step
        for seen in store.validations(run.id):
            if seen.step <= self.step:
                continue
            self.step = seen.step
            epoch = f"Epoch {seen.step / run.steps_per_epoch:g} of {run.settings.epochs}"
            _say(f"{epoch}: validation {accuracy(seen.accuracy)}", sys.stderr)


def _say(words: str, stream: TextIO) -> None:
    """Print a line. No training ends because nobody can be told, as where a log fills the disk."""
    with contextlib.suppress(OSError):
        print(words, file=stream, flush=True)


def _in_a_line(run: Run) -> str:
    from mnist_core.words import accuracy

    words = f"Epoch {run.epoch} of {run.settings.epochs}"
    if run.validation_accuracy is not None:
        words += f", validation {accuracy(run.validation_accuracy)}"
    return words


def _layers(text: str) -> tuple[int, ...]:
    try:
        return parse_layers(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
