"""The page Look inside."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import generated
from mnist_core.inference import Classifier
from mnist_core.paths import PROJECT
from pages.components.layers import _enlarged


@pytest.fixture
def app() -> AppTest:
    at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    return at.switch_page("pages/inside.py")


def test_without_a_digit_it_says_where_to_get_one(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert "Draw a digit, or open one" in app.markdown[0].value


def test_every_layer_is_told_of_with_its_size_and_parameters(app: AppTest) -> None:
    made = generated.make_digits(3, seed=1)
    app.session_state["handed_over"] = made.images[2], "Test digit 7", 2
    app.run()
    assert not app.exception
    told = " ".join(element.value for element in app.markdown)
    outputs = Classifier.load().outputs(made.images[2:])
    for number, values in enumerate(outputs.values(), 1):
        assert f"**{number}. " in told
        assert " × ".join(map(str, values.shape[1:])) in told
    assert "14 × 14 × 12 numbers, 312 parameters" in told


def test_pictures_are_enlarged_with_their_pixels_kept() -> None:
    small = np.arange(2 * 7 * 14, dtype=np.uint8).reshape(2, 7, 14)
    large = _enlarged(small)
    assert large.shape == (2, 28, 28)
    assert (large[:, ::4, ::2] == small).all()
    assert (large[0, :4, :2] == small[0, 0, 0]).all()
