"""What teaching does for people whom the network reads worst; `make bench-teach`, some 4 minutes.

People are simulated by writers of pen digits from whom the network that ships has learned nothing,
nor was anything chosen by them. Each "stores" the first three of each digit as drawn on the canvas,
a third of which is held out as always; what is read before and after are all their other drawings.
Trainings are those that the page starts, in a process of their own, on what is there: MNIST and the
training writers' strokes.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np

from mnist_core import comparison, datasets, handwriting, heldout, store, teaching, trainer
from mnist_core.comparison import Difference, Yardstick
from mnist_core.handwriting import NewDrawing
from mnist_core.heldout import Drawings
from mnist_core.inference import Classifier
from mnist_core.preprocessing import to_mnist
from mnist_core.strokes import PenDigit, fit, render
from tests.bench.figure import Figure, report

_WORST = 5  # writers
_STORED = 3  # drawings of each digit
_PEN = 18.0


def main() -> int:
    """Print one line a figure; the exit status says whether all are as wanted."""
    if datasets.find_mnist() is None or not heldout.pen_digits("unseen"):
        print("MNIST and pen strokes are needed: run `python -m mnist_core data fetch --strokes`.")
        return 2
    with tempfile.TemporaryDirectory() as home:
        os.environ["DIGIT_STUDIO_HOME"] = home
        return report(_figures())


def _figures() -> Iterator[Figure]:
    before = Classifier.load()
    people: dict[int, list[PenDigit]] = {}
    for digit in heldout.pen_digits("unseen"):
        people.setdefault(digit.writer, []).append(digit)
    read = {writer: _accuracy(before, _drawn("all", written)) for writer, written in people.items()}
    worst = sorted(read, key=lambda writer: read[writer])[:_WORST]
    taught = [_teach(writer, people[writer], before) for writer in worst]
    own = [differences[0] for differences, _ in taught]
    after = median(each.right_after / len(each.on.labels) for each in own)
    left = median(
        (len(each.on.labels) - each.right_after) / max(len(each.on.labels) - each.right_before, 1)
        for each in own
    )
    # Either is enough.
    if after >= 0.99:
        yield Figure("median accuracy on their other drawings", after, "", 0.99, at_least=True)
        print(f"     of their errors are left, in the median: {left:.2f}")
    else:
        print(f"     median accuracy on their other drawings: {after:.4f}")
        yield Figure("median share of their errors that is left", left, "", 0.5)
    for place, name in ((1, "MNIST test"), (2, "MNIST validation"), (3, "other people's strokes")):
        lost = median(100 * d[place].worse / len(d[place].on.labels) for d, _ in taught)
        yield Figure(f"median loss on {name}", lost, "points", 0.5 if place == 3 else 0.2)
    yield Figure("from the press to the new network", max(s for _, s in taught), "s", 60.0)


def _teach(
    writer: int, written: Sequence[PenDigit], before: Classifier
) -> tuple[tuple[Difference, ...], float]:
    """Store, teach, and compare; and how many seconds it took."""
    stored, others = _split(written)
    profile = handwriting.add_profile(f"Writer {writer}").number
    for digit in stored:
        strokes = fit(digit.strokes)
        image = to_mnist(render(strokes, pen_width=_PEN))
        handwriting.keep(profile, NewDrawing(digit.label, image, tuple(strokes), _PEN))
    pressed = time.monotonic()
    run = trainer.start(teaching.settings_for(profile, before.model)).run
    while not run.ended:
        time.sleep(0.2)
        trainer.tend()
        run = store.find_run(run.id)
    took = time.monotonic() - pressed
    assert run.model, run.message
    test = datasets.load_mnist("test")
    on = (
        _drawn("their other drawings", others),
        Yardstick("MNIST test digits", test.images, test.labels),
        *comparison.yardsticks(),
        _anywhere(others),
    )
    differences = comparison.compare(before, Classifier.load(run.model), on)
    told = "; ".join(
        f"{d.on.name} {d.right_before}, then {d.right_after} of {len(d.on.labels)}"
        for d in differences
    )
    print(f"     writer {writer}: {told} ({took:.0f} s)", flush=True)
    return differences, took


def _split(written: Sequence[PenDigit]) -> tuple[list[PenDigit], list[PenDigit]]:
    """The first few of each digit, and the others."""
    seen: Counter[int] = Counter()
    stored, others = [], []
    for digit in written:
        (stored if seen[digit.label] < _STORED else others).append(digit)
        seen[digit.label] += 1
    return stored, others


def _drawn(name: str, written: Sequence[PenDigit]) -> Yardstick:
    return _yardstick(name, heldout.standard(written))


def _anywhere(written: Sequence[PenDigit]) -> Yardstick:
    return _yardstick("the same drawn anywhere", heldout.anywhere(written, "unseen"))


def _yardstick(name: str, drawings: Drawings) -> Yardstick:
    return Yardstick(name, np.stack([to_mnist(d) for d in drawings]), drawings.labels)


def _accuracy(classifier: Classifier, on: Yardstick) -> float:
    return float((classifier.predict(on.images).argmax(axis=1) == on.labels).mean())


if __name__ == "__main__":
    raise SystemExit(main())
