"""What networks say of MNIST's training digits that they never saw.

`python -m mnist_core.learning.cross_validation` makes the predictions that ship, by which
`mnist_core.doubts` finds labels to doubt. The training digits are dealt out to folds; each is read
by networks that learned from the other folds alone. What is done is kept until all is, so that a
command that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from mnist_core import datasets, doubts, evaluation, paths, registry
from mnist_core.datasets import Digits
from mnist_core.errors import DigitStudioError, InputError
from mnist_core.files import new_folder, writing
from mnist_core.generated_sets import Report
from mnist_core.learning import folds
from mnist_core.learning.folds import Train
from mnist_core.settings import PRESETS, Settings
from mnist_core.words import accuracy, duration


@dataclass(frozen=True)
class Plan:
    """What decides the outcome, besides the digits.

    Attributes:
        settings: of every training, but for the seed, which goes up by one each time.
        folds: how many parts the digits are dealt out to.
        networks: how many read each fold; their probabilities are averaged.
    """

    settings: Settings
    folds: int = 5
    networks: int = 2  # together they misread fewer than one alone


@dataclass(frozen=True)
class Outcome:
    """What came of it: `probabilities` (N, 10) float32, and the `seconds` of all trainings."""

    probabilities: NDArray[np.float32]
    seconds: float


def cross_validate(
    plan: Plan, digits: Digits, *, show: Report, train: Train = folds.learn_apart
) -> Outcome:
    """Read every digit with networks that learned from the other folds.

    What an earlier call had done when it was interrupted is taken over; `forget` removes it.

    Raises:
        InputError: the digits can't be dealt out to so many folds, or the plan is impossible.
        RunError: a training failed.
        OSError: what is done can't be kept.
    """
    if plan.networks < 1:
        raise InputError("At least one network must read each fold.")
    first = plan.settings.check().seed
    fold_of = folds.deal(digits.labels, plan.folds, seed=first)
    parts = [(network, fold) for network in range(plan.networks) for fold in range(plan.folds)]
    settings = [replace(plan.settings, seed=first + i).check() for i in range(len(parts))]
    everything = folds.everything(plan.settings, digits, report=show)
    folder = _workplace(plan, digits)
    total, seconds = np.zeros((len(fold_of), 10)), 0.0
    for done, (network, fold) in enumerate(parts):
        held_out = fold_of == fold
        name = f"Fold {fold + 1} of {plan.folds}"
        if plan.networks > 1:
            name += f", network {network + 1} of {plan.networks}"

        def watch(share: float, name: str = name, done: int = done) -> None:
            show(name, (done + share) / len(parts))

        file = folder / f"{network}-{fold}.npz"
        part = _kept(file, int(held_out.sum()))
        if part is None:
            watch(0.0)
            start = time.monotonic()
            learned = folds.without(everything, held_out)
            read = train(settings[done], learned, digits.images[held_out], watch)
            part = Outcome(read, time.monotonic() - start)
            _keep(file, part)
        right = _accuracy(part.probabilities, digits.labels[held_out])
        show(f"{name}: {accuracy(right)} read right", (done + 1) / len(parts))
        total[held_out] += part.probabilities
        seconds += part.seconds
    return Outcome((total / plan.networks).astype(np.float32), seconds)


def forget(plan: Plan, digits: Digits) -> None:
    """Remove what was kept to go on from."""
    shutil.rmtree(_workplace(plan, digits), ignore_errors=True)


def rounded(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Probabilities for a small file: steps of 1/512 where nobody doubts the label.

    Where the label has less than four fifths, float16 keeps what it can, so that the order of the
    doubtful stays as it was. Takes (N, 10) and (N,), returns (N, 10).
    """
    shipped = probabilities.astype(np.float16)
    beyond_doubt = probabilities[np.arange(len(labels)), labels] > 0.8
    shipped[beyond_doubt] = np.round(probabilities[beyond_doubt] * 512) / 512
    return shipped


def write(outcome: Outcome, plan: Plan, digits: Digits, folder: Path) -> dict[str, Any]:
    """Write the predictions as they ship, and their card, all at once or not at all.

    Returns:
        The card. Its accuracy is that of the predictions as they are written.

    Raises:
        OSError: the folder can't be written.
    """
    shipped = rounded(outcome.probabilities, digits.labels)
    card = {
        "id": "cross-validation",
        "preset": plan.settings.preset,
        "folds": plan.folds,
        "networks": plan.networks,
        "seed": plan.settings.seed,
        "out_of_sample_accuracy": _accuracy(shipped.astype(np.float32), digits.labels),
        "wall_seconds": round(outcome.seconds, 1),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "settings": asdict(plan.settings),
        "data": {
            "MNIST train images": hashlib.sha256(digits.images.tobytes()).hexdigest(),
            "MNIST train labels": hashlib.sha256(digits.labels.tobytes()).hexdigest(),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "numpy")},
            # The package has another name where it is built for processors alone.
            "tensorflow": version(packages_distributions()["tensorflow"][0]),
        },
    }
    with new_folder(folder) as beside:
        with (beside / doubts.PREDICTIONS).open("wb") as stream:
            np.savez_compressed(stream, probabilities=shipped)
        return registry.write_card(beside, card).card


def main(arguments: Sequence[str] | None = None, *, train: Train = folds.learn_apart) -> int:
    """Do it all; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_core.learning.cross_validation", description=__doc__
    )
    add = parser.add_argument
    add("--preset", choices=list(PRESETS), default="dropout", help="dropout if none is given")
    add("--folds", type=int, default=Plan.folds, help=f"{Plan.folds} if none is given")
    add("--networks", type=int, default=Plan.networks, help="averaged for each fold")
    add("--seed", type=int, help="of the folds and the first training; else the preset's")
    add("--to", type=Path, default=doubts.FOLDER, metavar="FOLDER", help="folder to write")
    given = parser.parse_args(arguments)
    settings = PRESETS[given.preset].settings
    if given.seed is not None:
        settings = replace(settings, seed=given.seed)
    plan = Plan(settings, given.folds, given.networks)
    try:
        with _shown() as show:
            digits = datasets.load_mnist("train", download=True)
            outcome = cross_validate(plan, digits, show=show, train=train)
        card = write(outcome, plan, digits, given.to)
    except (DigitStudioError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the same command goes on with the fold it was at.", file=sys.stderr)
        return 130
    forget(plan, digits)
    right = accuracy(card["out_of_sample_accuracy"])
    print(f"{given.to}: {right} of the digits read right, after {duration(outcome.seconds)}.")
    return 0


def _workplace(plan: Plan, digits: Digits) -> Path:
    """Where what is done is kept: a folder for all that decides what comes of a part."""
    decisive = f"{plan.settings.as_json()} {plan.folds}".encode()
    decisive += digits.images.tobytes() + digits.labels.tobytes()
    name = f"{plan.settings.preset}-{hashlib.sha256(decisive).hexdigest()[:16]}"
    return paths.home() / "cross-validation" / name


def _keep(file: Path, part: Outcome) -> None:
    with writing(file) as stream:
        np.savez(stream, probabilities=part.probabilities, seconds=part.seconds)


def _kept(file: Path, count: int) -> Outcome | None:
    # Whatever is wrong with the file, its digits can be read anew.
    with contextlib.suppress(Exception), file.open("rb") as stream, np.load(stream) as arrays:
        part = Outcome(arrays["probabilities"], float(arrays["seconds"]))
        if part.probabilities.shape == (count, 10):
            return part
    return None


def _accuracy(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    return evaluation.tally(probabilities, labels).accuracy


@contextlib.contextmanager
def _shown() -> Iterator[Report]:
    """Show on stderr how far it is: a bar on a terminal, elsewhere a line for each fold done."""
    if not sys.stderr.isatty():

        def line(words: str, share: float) -> None:
            if words.endswith("read right"):
                print(words, file=sys.stderr, flush=True)

        yield line
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("Loading MNIST", total=1.0)
        yield lambda words, share: bar.update(task, description=words, completed=share)


if __name__ == "__main__":
    sys.exit(main())
