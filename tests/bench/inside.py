"""How long Look inside takes the server: `python -m tests.bench.inside` alone, or `make bench`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from mnist_core import datasets, generated, heldout, stroke_files
from mnist_core.explanation import (
    evidence,
    occlusion,
    plain_network,
    similar,
    through_the_layers,
    unit_sum,
)
from mnist_core.inference import Classifier
from mnist_core.paths import PROJECT
from mnist_core.templates import TEMPLATES
from pages.components.inside.sums import told_sum
from tests.bench.figure import Figure, report
from tests.explanation.faithfulness import drawings_of_people, drawings_of_templates, faithful
from tests.pages import drawn

_ASKED = 200  # digits

Digit = NDArray[np.uint8]


def figures() -> Iterator[Figure]:
    """Yield the figures; those of MNIST's training digits only where MNIST is."""
    classifier = Classifier.load("default")
    yield _page(classifier)
    yield _unit(classifier)
    if datasets.find_mnist():
        yield from _neighbours(classifier)
    yield from _faithful(classifier)


def _page(classifier: Classifier) -> Figure:
    """The whole page for a new drawing, without the frame around it."""
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, DIGIT_STUDIO_HOME=home):
        if datasets.find_mnist():
            started = perf_counter()
            similar.compute(classifier, lambda share, words: None)
            print(f"     indexing 60,000 digits: {perf_counter() - started:.0f} s, once")
        return _timed_page()


def _timed_page() -> Figure:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/inside.py").run()
    times = []
    for label in [0, *TEMPLATES]:
        app.session_state["board"] = drawn.sent(drawn.template(label))
        started = perf_counter()
        app.run()
        times.append(perf_counter() - started)
        assert not app.exception and len(app.subheader) == 6
    return Figure("Look inside, a new drawing", 1000 * median(times[1:]), "ms", 250)


def _unit(classifier: Classifier) -> Figure:
    """The slowest of all layers, from the click to the words."""
    digit = generated.make_digits(1, seed=1).images[0]
    slowest = 0.0
    for layer in through_the_layers(classifier, plain_network(classifier), digit):
        place = tuple(length // 2 for length in layer.values.shape)
        taken = []
        for _ in range(21):
            started = perf_counter()
            told_sum(unit_sum(layer, place), layer, digit)
            taken.append(perf_counter() - started)
        slowest = max(slowest, median(taken))
    return Figure("one unit's arithmetic, the slowest layer", 1000 * slowest, "ms", 20)


def _neighbours(classifier: Classifier) -> Iterator[Figure]:
    images = datasets.load_mnist("train").images
    index = similar.index_features(classifier, images, lambda share, words: None)
    taken = []
    for features in classifier.outputs(heldout.generated_digits().images[:_ASKED])["features"]:
        started = perf_counter()
        index.nearest(features)
        taken.append(perf_counter() - started)
    yield Figure("nearest of 60,000 in feature space, slowest of 200", 1000 * max(taken), "ms", 20)


def _faithful(classifier: Classifier) -> Iterator[Figure]:
    """Whether the ink that is said to speak for a digit matters more than other ink."""
    network = plain_network(classifier)
    drawings, kind = drawings_of_templates(), "generated digits"
    if stroke_files.find_pendigits():
        drawings, kind = drawings_of_people(), "pen drawings"

    def covered(digit: Digit, label: int, second: int) -> NDArray[np.float64]:
        return occlusion(classifier, digit, label, second)

    def mapped(digit: Digit, label: int, second: int) -> NDArray[np.float64]:
        found = evidence(through_the_layers(classifier, network, digit), label, second)
        assert found is not None
        return np.kron(found.places, np.ones((4, 4))) * digit

    share = 100 * faithful(classifier, drawings, covered)
    title = f"of {len(drawings)} {kind}, 10 % of the ink by occlusion matters more than random ink"
    yield Figure(title, share, "%", 95, at_least=True)
    coarse = 100 * faithful(classifier, drawings, mapped)
    print(f"     the same by the class activation map, which is coarser: {coarse:.1f} %")


if __name__ == "__main__":
    sys.exit(report(figures()))
