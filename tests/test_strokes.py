"""Strokes: placing, perturbing, painting, reading files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mnist_core import generated, stroke_files, strokes
from mnist_core.errors import DataDamaged
from mnist_core.preprocessing import place, to_mnist
from mnist_core.templates import TEMPLATES

LINE = [np.array([[0.0, 0.0], [0.0, 50.0], [0.0, 100.0]])]
FILE = """.INCLUDE dene.doc
.LEXICON "0" "1"
.SEGMENT DIGIT 0 ? "8"
.COMMENT 8 12 224
.PEN_DOWN
 267  333
 267  336
.PEN_UP
.SEGMENT DIGIT 1-2 ? "1"
.COMMENT 1 3 7
.PEN_DOWN
 1 2
.PEN_UP
.DT 100
.PEN_DOWN
 3 4
 5 6
.PEN_UP
"""


def covered(image: np.ndarray) -> np.ndarray:
    return image[..., 0] > 128


def test_fit_keeps_the_aspect() -> None:
    (placed,) = strokes.fit([np.array([[10.0, 10.0], [30.0, 50.0]])], size=80, centre=(100, 120))
    assert placed.tolist() == [[80, 80], [120, 160]]


def test_fit_of_a_dot_is_finite() -> None:
    (placed,) = strokes.fit([np.array([[3.0, 4.0]])])
    assert placed.tolist() == [[140, 140]]


def test_render_paints_a_round_pen() -> None:
    image = strokes.render(strokes.fit(LINE, size=100), pen_width=20)
    assert image.shape == (280, 280, 4)
    assert (image[..., 3] == 255).all()
    assert tuple(image[0, 0, :3]) == strokes.BOARD
    assert tuple(image[140, 140, :3]) == strokes.INK
    cover = (image[..., 0].astype(float) - strokes.BOARD[0]) / (strokes.INK[0] - strokes.BOARD[0])
    assert cover.sum() == pytest.approx(100 * 20 + np.pi * 10**2, rel=0.03)


def test_render_cuts_off_what_is_outside() -> None:
    image = strokes.render([np.array([[-50.0, 140.0], [400.0, 140.0]])], pen_width=10)
    assert covered(image)[140].all()


def test_a_dot_is_painted() -> None:
    assert covered(strokes.render([np.array([[140.0, 140.0]])], pen_width=20)).sum() > 250


def test_cover_is_how_far_the_ink_of_render_covers() -> None:
    drawn = generated.strokes_of(8, "one stroke")
    cover = strokes.cover(drawn, pen_width=13.5)
    assert (cover.shape, cover.dtype) == ((280, 280), np.uint8)
    assert (cover.min(), cover.max()) == (0, 255)
    share = cover[..., None] / 255
    painted = share * strokes.INK + (1 - share) * strokes.BOARD
    assert np.abs(strokes.render(drawn, pen_width=13.5)[..., :3] - painted).max() <= 1


@pytest.mark.parametrize("pen_width", [10, 18, 30])
def test_cover_makes_the_same_digits_as_render(pen_width: float) -> None:
    for label, names in TEMPLATES.items():
        for style in names:
            drawn = generated.strokes_of(label, style)
            ink = strokes.cover(drawn, pen_width=pen_width)
            seen = to_mnist(strokes.render(drawn, pen_width=pen_width))
            assert np.abs(place(ink).astype(int) - seen).max() <= 2, (label, style)


def test_cover_on_a_canvas_of_another_size() -> None:
    cover = strokes.cover([np.array([[20.0, 20.0]])], pen_width=10, side=40)
    assert cover.shape == (40, 40)
    assert cover.sum() / 255 == pytest.approx(np.pi * 5**2, rel=0.05)
    middle = np.average(np.indices(cover.shape), axis=(1, 2), weights=np.stack([cover, cover]))
    assert middle == pytest.approx(19.5, abs=0.5)
    assert not strokes.cover([], side=40).any()


def test_smooth_keeps_the_ends_and_stays_near() -> None:
    points = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [20.0, 10.0]])
    curve = strokes.smooth(points)
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [20, 10]
    assert curve.min() >= 0
    assert curve[:, 0].max() <= 20


def test_perturb_is_small_seeded_and_keeps_strokes_together() -> None:
    drawn = generated.strokes_of(4, "closed")
    once, again = (strokes.perturb(drawn, np.random.default_rng(5)) for _ in range(2))
    other = strokes.perturb(drawn, np.random.default_rng(6))
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert any((a != b).any() for a, b in zip(once, other, strict=True))
    # Both strokes of this 4 begin at the same point, and still do.
    assert np.allclose(drawn[0][0], drawn[1][0])
    assert np.allclose(once[0][0], once[1][0])
    assert max(np.abs(a - b).max() for a, b in zip(drawn, once, strict=True)) < 80


def test_read_pendigits(tmp_path: Path) -> None:
    file = tmp_path / "pendigits-orig.tra"
    file.write_text(FILE, encoding="ascii")
    eight, one = strokes.read_pendigits(file)
    assert (eight.label, eight.writer, len(eight.strokes)) == (8, 12, 1)
    assert eight.strokes[0].tolist() == [[267, -333], [267, -336]]
    assert (one.label, one.writer, len(one.strokes)) == (1, 3, 2)


@pytest.mark.parametrize("content", [b".PEN_DOWN\n1 x\n", b"1 2\n", b"\xff\xfe", b".PEN_DOWN\n1\n"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "strokes.tra"
    file.write_bytes(content)
    with pytest.raises(DataDamaged, match=r"strokes\.tra"):
        strokes.read_pendigits(file)


@pytest.mark.skipif(not os.environ.get("STROKES_DIR"), reason="STROKES_DIR names no folder")
def test_the_real_file() -> None:
    file = stroke_files.find_pendigits()
    assert file is not None
    digits = strokes.read_pendigits(file)
    assert len(digits) == 7494
    assert len({digit.writer for digit in digits}) == 30
    assert set(np.bincount([digit.label for digit in digits])) == {719, 720, 778, 779, 780}
