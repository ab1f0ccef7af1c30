"""What is wrong with the ink: every complaint, caused by a drawing, and none without a cause."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core import generated, inspection, strokes
from mnist_core.preprocessing import find_ink
from mnist_core.strokes import Stroke
from mnist_core.templates import TEMPLATES


def ink_of(drawn: list[Stroke], *, pen_width: float = 20) -> np.ndarray:
    return find_ink(strokes.render(drawn, pen_width=pen_width))


def digit(label: int, *, size: float = 200, x: float = 140, y: float = 140) -> list[Stroke]:
    style = next(iter(TEMPLATES[label]))
    return strokes.fit(generated.strokes_of(label, style), size=size, centre=(x, y))


@pytest.mark.parametrize(
    ("label", "style"), [(d, s) for d, names in TEMPLATES.items() for s in names]
)
def test_a_whole_digit_is_fine(label: int, style: str) -> None:
    assert inspection.complaint(ink_of(generated.strokes_of(label, style))) is None


def test_generated_digits_are_fine() -> None:
    random = np.random.default_rng(3)
    complaints = [
        inspection.complaint(find_ink(generated.drawing(random, label, style)))
        for label, names in TEMPLATES.items()
        for style in names
        for _ in range(8)
    ]
    assert np.mean([complaint is not None for complaint in complaints]) < 0.01


def test_blank() -> None:
    assert inspection.is_blank(np.zeros((280, 280), np.uint8))
    assert inspection.is_blank(np.full((280, 280), 5, np.uint8))
    assert not inspection.is_blank(ink_of(digit(3)))


def test_faint() -> None:
    pale = (ink_of(digit(3)) // 8).astype(np.uint8)
    assert not inspection.is_blank(pale)
    assert "faint" in str(inspection.complaint(pale))


@pytest.mark.parametrize("width", [8, 20, 32])
def test_a_dot(width: int) -> None:
    dot = [np.array([[140.0, 140.0]])]
    assert "very small" in str(inspection.complaint(ink_of(dot, pen_width=width)))


@pytest.mark.parametrize(("x", "y"), [(0, 140), (280, 140), (140, 0), (140, 280), (250, 260)])
@pytest.mark.parametrize("label", [0, 4, 8])
def test_running_off_an_edge(label: int, x: float, y: float) -> None:
    assert "edge" in str(inspection.complaint(ink_of(digit(label, x=x, y=y))))


def test_a_picture_cropped_to_its_digit_is_whole() -> None:
    ink = ink_of(digit(4))
    rows, columns = np.nonzero(ink > 100)
    cropped = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert inspection.complaint(cropped) is None


@pytest.mark.parametrize(("left", "right"), [(1, 2), (7, 7), (0, 5), (8, 1)])
def test_two_digits_side_by_side(left: int, right: int) -> None:
    drawn = digit(left, size=110, x=75) + digit(right, size=110, x=205)
    assert "separate" in str(inspection.complaint(ink_of(drawn, pen_width=14)))


def test_two_digits_one_above_the_other() -> None:
    drawn = digit(3, size=85, y=65) + digit(5, size=85, y=215)
    assert "separate" in str(inspection.complaint(ink_of(drawn, pen_width=12)))


def test_a_face_is_several_things() -> None:
    turn = np.linspace(0, 2 * np.pi, 40)
    ring = 140 + 110 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    mouth = 140 + 60 * np.stack([np.cos(turn[:20]), np.sin(turn[:20])], axis=1)
    eyes = [np.array([[x, 105.0]]) for x in (105.0, 175.0)]
    assert "separate" in str(inspection.complaint(ink_of([ring, mouth, *eyes], pen_width=14)))


@pytest.mark.parametrize("pen_width", [2, 4])
def test_thin_lines_on_a_large_scan_are_one_thing(pen_width: float) -> None:
    whole = 0
    for label, names in TEMPLATES.items():
        for style in names:
            drawn = [3.6 * stroke for stroke in generated.strokes_of(label, style)]
            ink = find_ink(strokes.render(drawn, pen_width=pen_width, side=1008))
            whole += "separate" not in str(inspection.complaint(ink))
    assert whole >= 34  # of 36


@pytest.mark.parametrize("gap", [10, 25])
def test_strokes_of_one_digit_may_stand_apart(gap: float) -> None:
    hook, bar = generated.strokes_of(5, "two strokes")
    assert inspection.complaint(ink_of([hook, bar - (0, gap)], pen_width=12)) is None
