"""Generated digits: every digit in its styles, reproducible, in MNIST's form."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core import generated
from mnist_core.preprocessing import ink_box
from mnist_core.strokes import CANVAS
from mnist_core.templates import TEMPLATES, Points, corners


def test_the_styles_people_write() -> None:
    assert set(TEMPLATES) == set(range(10))
    assert {"plain", "flagged", "footed"} <= set(TEMPLATES[1])
    assert {"open", "closed", "one stroke"} <= set(TEMPLATES[4])
    assert {"plain", "crossed"} <= set(TEMPLATES[7])
    assert {"plain", "slashed"} <= set(TEMPLATES[0])
    assert {"looped", "angular"} <= set(TEMPLATES[2])
    assert {"straight", "curled"} <= set(TEMPLATES[9])


def test_templates_fill_the_canvas() -> None:
    for label, names in TEMPLATES.items():
        for style in names:
            points = np.concatenate(generated.strokes_of(label, style))
            assert abs(np.ptp(points, axis=0).max() - 200) < 1e-6
            assert points.min() >= 0
            assert points.max() <= CANVAS


def test_unknown_styles_are_key_errors() -> None:
    with pytest.raises(KeyError):
        generated.strokes_of(7, "upside down")


def test_digits_are_in_mnist_form_and_reproducible() -> None:
    made, again, other = (generated.make_digits(40, seed=seed) for seed in (1, 1, 2))
    assert made.images.shape == (40, 28, 28)
    assert made.images.dtype == np.uint8
    assert made.labels.tolist() == [*range(10)] * 4
    assert all(
        style in TEMPLATES[int(label)]
        for label, style in zip(made.labels, made.styles, strict=True)
    )
    assert (made.images.max(axis=(1, 2)) == 255).all()
    assert (made.images == again.images).all()
    assert made.styles == again.styles
    assert (made.images != other.images).any()


def test_drawings_stay_on_the_canvas() -> None:
    random = np.random.default_rng(9)
    for label, names in TEMPLATES.items():
        for style in names:
            image = generated.drawing(random, label, style)
            assert image.shape == (CANVAS, CANVAS, 4)
            ink = (image[..., 0] > 128).astype(np.uint8)
            box = ink_box(ink)
            assert box is not None
            assert box.top > 0
            assert box.left > 0
            assert box.bottom < CANVAS
            assert box.right < CANVAS


def test_a_curve_runs_through_its_points() -> None:
    points = [(0.1, 0.2), (0.5, 0.9), (0.7, 0.3), (1.0, 1.0)]
    line = generated.curve(points)
    assert line[0].tolist() == [0.1, 0.2]
    assert line[-1].tolist() == [1.0, 1.0]
    assert all(np.abs(line - point).max(axis=1).min() < 1e-9 for point in points)
    assert np.hypot(*np.diff(line, axis=0).T).max() < 0.2


@pytest.mark.parametrize("points", [[(0.3, 0.4)], [(0.3, 0.4), (0.3, 0.4)]])
def test_a_curve_of_one_point_is_that_point(points: Points) -> None:
    line = generated.curve(points)
    assert line.shape[1] == 2
    assert (line == (0.3, 0.4)).all()


def test_between_corners_lines_are_straight() -> None:
    points = corners((0, 0), (1, 0), (1, 1))
    assert points == [(0, 0), (0, 0), (1, 0), (1, 0), (1, 1), (1, 1)]
    line = generated.curve(points)
    assert np.allclose(line.min(axis=0), 0)
    assert np.allclose(line.max(axis=0), 1)
    on_the_top, on_the_right = np.isclose(line[:, 1], 0), np.isclose(line[:, 0], 1)
    assert (on_the_top | on_the_right).all()
    # Without corners the curve swings out.
    assert generated.curve([(0, 0), (1, 0), (1, 1)])[:, 0].max() > 1.01


def test_a_spline_of_a_line_is_that_line() -> None:
    knots = np.linspace(0, 1, 5)[:, None] * (3.0, 4.0)
    line = generated.spline(knots, steps=6)
    assert line.shape == (4 * 6 + 1, 2)
    assert np.allclose(line[:, 0] / 3, line[:, 1] / 4)
    assert (np.diff(line[:, 0]) > 0).all()
