"""How long 10,000 drawings take the server: `python -m tests.bench.my_digits`, or `make bench`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from unittest.mock import patch

import numpy as np
from streamlit.testing.v1 import AppTest

from mnist_core import generated, handwriting
from mnist_core.handwriting import NewDrawing, Profile
from mnist_core.paths import PROJECT
from mnist_core.templates import TEMPLATES
from tests.bench.figure import Figure, report
from tests.bench.runs import milliseconds

_DRAWINGS = 10_000
_SHAPES = 100  # that they are made of: making more takes long and measures nothing
_STORED = 50


def figures() -> Iterator[Figure]:
    """Yield the figures: of a profile with 10,000 drawings, each with its strokes."""
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, DIGIT_STUDIO_HOME=home):
        of = handwriting.add_profile("Room 4")
        drawings = _drawings()
        handwriting.keep_all(of.number, drawings)
        yield Figure(f"My digits, with {_DRAWINGS:,} of them", _page(of), "ms", 400)
        yield Figure("Storing one more, on the disk", _storing(of, drawings), "ms", 20)


def _page(of: Profile) -> float:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.switch_page("pages/my_digits.py")
    app.query_params["profile"] = of.name
    took = milliseconds(app)
    assert sum(c.key == "my_wall" for c in app.get("bidi_component")) == 1, "there is no wall"
    return took


def _storing(of: Profile, drawings: list[NewDrawing]) -> float:
    times = []
    for drawing in drawings[:_STORED]:
        started = perf_counter()
        handwriting.keep(of.number, drawing)
        times.append(1000 * (perf_counter() - started))
    return median(times)


def _drawings() -> list[NewDrawing]:
    """Drawings as people leave them; one in ten is misread."""
    made = generated.make_digits(_SHAPES, seed=1)
    random = np.random.default_rng(1)
    new = []
    for number in range(_DRAWINGS):
        image = made.images[number % _SHAPES].copy()
        image[0, :2] = divmod(number, 256)  # no two are the same
        label = int(made.labels[number % _SHAPES])
        new.append(
            NewDrawing(
                label,
                image,
                strokes=tuple(generated.strokes_of(label, next(iter(TEMPLATES[label])))),
                pen_width=18.0,
                read=label if random.uniform() < 0.9 else (label + 1) % 10,
                confidence=0.9,
                verdict="digit",
                model="default",
            )
        )
    return new


if __name__ == "__main__":
    sys.exit(report(figures()))
