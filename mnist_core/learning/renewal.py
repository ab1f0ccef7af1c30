"""The part of the training material that is drawn anew for every epoch.

Pen strokes, generated digits and things that are no digits go through the canvas' own path, each
time in another place, size, slant, speed and pen. So the network never sees the same drawing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from mnist_core import generated, nondigits
from mnist_core.handwriting import Drawing
from mnist_core.nondigits import NO_DIGIT, Source
from mnist_core.penmanship import write_again
from mnist_core.preprocessing import SIDE, place
from mnist_core.strokes import PenDigit, Stroke
from mnist_core.templates import TEMPLATES

Images = NDArray[np.uint8]

_CHUNK = 100  # drawings between two reports

# Shares of the non-digits; those of a kind that can't be drawn go to the others.
_SHARES = {
    "letters": 8,
    "scribbles": 3,
    "shapes": 3,
    "figures": 3,
    "halves": 2,
    "pairs": 3,
    "turned": 2,
}


@dataclass(frozen=True)
class Recipe:
    """What is drawn in an epoch, in this order.

    Attributes:
        pen_digits: how many drawings of `written`; each is drawn as often as the others, to one.
        generated_digits: how many from templates, labels in turn and styles at random.
        non_digits: how many of `source`.
        written: pen digits to learn from.
        source: what non-digits are drawn from.
        own_digits: how many drawings of `own`; each is drawn as often as the others, to one.
        own: somebody's drawings to learn from; a picture without strokes is taken as it is.
        seed: with an epoch's number and the version of NumPy it decides everything.
    """

    pen_digits: int
    generated_digits: int
    non_digits: int
    written: Sequence[PenDigit]
    source: Source
    seed: int
    own_digits: int = 0
    own: Sequence[Drawing] = ()

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(N,) of every epoch: 0-9, or `NO_DIGIT`."""
        pens = [self.written[i % len(self.written)].label for i in range(self.pen_digits)]
        made = [i % len(TEMPLATES) for i in range(self.generated_digits)]
        own = [self.own[i % len(self.own)].label for i in range(self.own_digits)]
        return np.array(pens + made + [NO_DIGIT] * self.non_digits + own, np.uint8)

    def draw(self, epoch: int, *, report: Callable[[float], None] | None = None) -> Images:
        """The drawings of one epoch, (N, 28, 28) uint8; about 0.7 ms each.

        Args:
            epoch: counted from 0.
            report: told now and then how much of it is done, 0-1; may raise to end it.
        """
        random = np.random.default_rng([self.seed, epoch])
        images = np.empty((len(self.labels), SIDE, SIDE), np.uint8)
        for i in range(len(images)):
            if report and i % _CHUNK == 0:
                report(i / len(images))
            images[i] = self._image(i, random)
        return images

    def _image(self, i: int, random: np.random.Generator) -> Images:
        own = i - self.pen_digits - self.generated_digits - self.non_digits
        if own < 0:
            return place(write_again(self._strokes(i, random), random))
        drawing = self.own[own % len(self.own)]
        if drawing.strokes:
            return place(write_again(drawing.strokes, random))
        return drawing.image

    def _strokes(self, i: int, random: np.random.Generator) -> Sequence[Stroke]:
        if i < self.pen_digits:
            return self.written[i % len(self.written)].strokes
        i -= self.pen_digits
        if i < self.generated_digits:
            label = i % len(TEMPLATES)
            styles = sorted(TEMPLATES[label])
            return generated.strokes_of(label, styles[random.integers(len(styles))])
        kinds = self.source.kinds
        shares = np.array([_SHARES[kind] for kind in kinds], float)
        kind = kinds[random.choice(len(kinds), p=shares / shares.sum())]
        return nondigits.draw(kind, self.source, random)


class Renewal:
    """Draws the next epoch while this one is learned from.

    In a thread, not a process: TensorFlow calculates without holding Python's lock, and a thread
    can't outlive a trainer that was killed. It is a daemon, for nobody need wait for it to leave.

    Attributes:
        share: how much of what is being drawn is done, 0-1.
    """

    def __init__(self, recipe: Recipe, epochs: int) -> None:
        """Nothing is drawn before it is asked for, and nothing beyond so many epochs."""
        self.recipe = recipe
        self.share = 0.0
        self._epochs = epochs
        self._coming: dict[int, Future[Images]] = {}

    def ready(self, epoch: int) -> bool:
        """Whether this epoch is drawn; if not, it is begun."""
        return self._begun(epoch).done()

    def drawings(self, epoch: int) -> Images:
        """The drawings of this epoch, waited for if need be; those of the next are begun."""
        drawn = self._begun(epoch).result()
        del self._coming[epoch]
        if epoch + 1 < self._epochs:
            self._begun(epoch + 1)
        return drawn

    def _begun(self, epoch: int) -> Future[Images]:
        if epoch not in self._coming:
            self._coming[epoch] = Future()
            Thread(target=self._draw, args=(epoch,), name="renewal", daemon=True).start()
        return self._coming[epoch]

    def _draw(self, epoch: int) -> None:
        def report(share: float) -> None:
            self.share = share

        try:
            self._coming[epoch].set_result(self.recipe.draw(epoch, report=report))
        except BaseException as error:  # whoever waits for it is told
            self._coming[epoch].set_exception(error)
