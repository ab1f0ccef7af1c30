"""The normalisation, by its properties."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_core import datasets, generated, strokes
from mnist_core.errors import InputError
from mnist_core.preprocessing import find_ink, ink_box, place, to_mnist
from mnist_core.templates import TEMPLATES

Image8 = NDArray[np.uint8]
CLOSE = 6.0  # mean absolute difference, of 255

styles = st.sampled_from([(d, s) for d, names in TEMPLATES.items() for s in names])


@st.composite
def written(draw: st.DrawFn) -> tuple[list[strokes.Stroke], float]:
    """A drawing of a digit in the middle of the canvas, and the width of its pen."""
    label, style = draw(styles)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.floats(120, 180))
    shape = strokes.perturb(generated.strokes_of(label, style), random)
    return strokes.fit(shape, size=size), draw(st.floats(12, 26))


def canvas(drawing: tuple[list[strokes.Stroke], float]) -> Image8:
    return strokes.render(drawing[0], pen_width=drawing[1])


def difference(one: Image8, other: Image8) -> float:
    return float(np.abs(to_mnist(one).astype(int) - to_mnist(other)).mean())


@given(written(), st.integers(-30, 30), st.integers(-30, 30))
def test_the_place_does_not_matter(
    drawing: tuple[list[strokes.Stroke], float], right: int, down: int
) -> None:
    moved = [stroke + np.array([right, down]) for stroke in drawing[0]]
    assert difference(canvas(drawing), strokes.render(moved, pen_width=drawing[1])) < CLOSE


@given(written(), st.floats(0.4, 1.5))
def test_the_size_does_not_matter(
    drawing: tuple[list[strokes.Stroke], float], factor: float
) -> None:
    image = canvas(drawing)
    side = round(factor * strokes.CANVAS)
    scaled = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))
    assert difference(image, scaled) < CLOSE


@given(written())
def test_dark_on_light_is_the_same_as_light_on_dark(
    drawing: tuple[list[strokes.Stroke], float],
) -> None:
    image = canvas(drawing)
    inverted = 255 - image
    inverted[..., 3] = 255
    assert difference(image, inverted) < CLOSE
    assert difference(image[..., :3], inverted[..., :3]) < CLOSE
    gray = np.asarray(Image.fromarray(image).convert("L"))
    assert difference(gray, 255 - gray) < CLOSE


@given(written(), st.sampled_from([(0, 0, 0), (255, 255, 255), (200, 30, 90)]))
def test_a_drawing_on_nothing_is_its_alpha(
    drawing: tuple[list[strokes.Stroke], float], colour: tuple[int, int, int]
) -> None:
    image = canvas(drawing)
    on_nothing = np.empty_like(image)
    on_nothing[..., :3] = colour
    on_nothing[..., 3] = find_ink(image)
    assert difference(image, on_nothing) < CLOSE


def test_a_scan_with_a_transparent_corner_keeps_its_ink() -> None:
    chalk = strokes.render(generated.strokes_of(3, "round"))
    paper = 255 - chalk
    paper[..., 3] = 255
    paper[:20, :20, 3] = 0
    assert difference(chalk, paper) < CLOSE


@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
            lambda shape: st.sampled_from([shape, (*shape, 3), (*shape, 4)])
        ),
    )
)
def test_any_picture_gives_a_digit_sized_one(image: Image8) -> None:
    before = image.copy()
    digit = to_mnist(image)
    assert digit.shape == (28, 28)
    assert digit.dtype == np.uint8
    assert digit.max() in (0, 255)
    assert (image == before).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 5000), (1500, 1100)])
def test_odd_shapes(shape: tuple[int, int]) -> None:
    image = np.zeros(shape, np.uint8)
    assert not to_mnist(image).any()
    image[0, 0] = 255
    assert to_mnist(image).shape == (28, 28)


def test_specks_far_apart_vanish_without_a_word() -> None:
    image = np.zeros((1000, 1000), np.uint8)
    image[[0, -1], [0, -1]] = 255
    assert not to_mnist(image).any()


@given(written())
def test_faint_ink_keeps_its_shape(drawing: tuple[list[strokes.Stroke], float]) -> None:
    image = canvas(drawing)[..., :3]
    faint = (strokes.BOARD + (image - np.array(strokes.BOARD)) / 20).round().astype(np.uint8)
    assert difference(image, faint) < CLOSE


@pytest.mark.parametrize("level", [0, 31, 255])
@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_a_blank_is_all_zeros(level: int, channels: tuple[int, ...]) -> None:
    assert not to_mnist(np.full((280, 280, *channels), level, np.uint8)).any()


def on_paper(label: int, style: str, *, pen_width: float = 12) -> Image8:
    """Dark ink on white, 280 by 280."""
    chalk = strokes.render(generated.strokes_of(label, style), pen_width=pen_width)
    return 255 - find_ink(chalk)


@pytest.mark.parametrize("width", [1, 10])
@pytest.mark.parametrize("level", [0, 128])
def test_a_frame_round_the_paper_is_no_ink(width: int, level: int) -> None:
    paper = on_paper(3, "round")
    framed = np.pad(paper, 30, constant_values=255)
    framed[:width], framed[-width:], framed[:, :width], framed[:, -width:] = (level,) * 4
    assert difference(paper, framed) < CLOSE


def test_dust_on_a_scan_is_no_ink() -> None:
    paper = on_paper(7, "plain")
    dusty = np.pad(paper, 100, constant_values=255)
    dusty[[3, 470, 200], [5, 20, 440]] = 0
    assert difference(paper, dusty) < CLOSE


@pytest.mark.parametrize("pen_width", [4, 6, 12])
@pytest.mark.parametrize("alpha", [0, 254])
def test_thin_ink_on_paper_with_some_transparency(pen_width: float, alpha: int) -> None:
    paper = on_paper(3, "round", pen_width=pen_width)
    image = np.repeat(paper[..., None], 4, axis=2)
    image[..., 3] = 255
    image[:15, :15, 3] = alpha
    assert difference(paper, image) < CLOSE


def test_a_single_pixel_and_all_ink() -> None:
    image = np.zeros((280, 280), np.uint8)
    image[140, 140] = 255
    assert to_mnist(image).max() == 255
    image[:] = 255
    assert not to_mnist(image).any()


@pytest.mark.parametrize(
    "image",
    [
        np.full((28, 28), np.nan),
        np.zeros((28, 28), np.int64),
        np.zeros(28, np.uint8),
        np.zeros((28, 28, 2), np.uint8),
        np.zeros((1, 28, 28, 3), np.uint8),
        np.zeros((0, 28), np.uint8),
        [[0, 255]],
        None,
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence(image: object) -> None:
    with pytest.raises(InputError) as raised:
        to_mnist(image)  # type: ignore[arg-type]
    assert str(raised.value).endswith(".")


def test_the_digit_fits_in_20_pixels_with_its_mass_in_the_middle() -> None:
    digit = to_mnist(strokes.render(generated.strokes_of(8, "two rings")))
    box = ink_box(digit)
    assert box is not None
    assert 19 <= max(box.height, box.width) <= 21
    rows, columns = ndimage.center_of_mass(digit)
    assert abs(rows - 14) < 0.5
    assert abs(columns - 14) < 0.5


def test_mnist_sized_digits_pass_through_unchanged() -> None:
    digit = np.zeros((28, 28), np.uint8)
    digit[5:24, 12:17] = 180
    digit[4, 14] = 180  # the twentieth row
    digit[14, 14] = 255  # the pixel nearest to the centre of mass
    assert (place(digit) == digit).all()


@pytest.mark.skipif(not os.environ.get("MNIST_DIR"), reason="MNIST_DIR names no folder with MNIST")
def test_mnist_passes_through_nearly_unchanged() -> None:
    images = datasets.load_mnist("test").images[:2000]
    change = [np.abs(to_mnist(image).astype(int) - image).mean() for image in images]
    assert np.mean(np.array(change) < 1) > 0.99
    assert np.mean(change) < 0.15


def photo(label: int, style: str, seed: int, *, chalk: bool = False) -> Image8:
    """A digit on paper (or a blackboard) in uneven light, out of focus, with grain."""
    random = np.random.default_rng(seed)
    drawn = strokes.render(generated.strokes_of(label, style), pen_width=12)[..., 0]
    ink = ndimage.zoom((drawn.astype(float) - 31) / 210, 3, order=1)
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]] / ink.shape[0]
    light = 220 * (1 - 0.5 * columns) * (1 - 0.3 * (rows > 0.6))
    seen = 30 + light * (0.15 + 0.6 * ink) if chalk else light * (1 - 0.6 * ink)
    blurred = ndimage.gaussian_filter(seen, 1.5) + random.normal(0, 5, ink.shape)
    return np.repeat(blurred.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("chalk", [False, True])
@pytest.mark.parametrize(("label", "style"), [(2, "looped"), (5, "two strokes"), (8, "one stroke")])
def test_photos_in_bad_light(label: int, style: str, chalk: bool) -> None:
    drawn = strokes.render(generated.strokes_of(label, style), pen_width=12)
    assert difference(drawn, photo(label, style, label, chalk=chalk)) < 20


def test_a_photo_of_nothing_is_blank() -> None:
    random = np.random.default_rng(0)
    shade = np.linspace(220, 120, 500)[None, :] + random.normal(0, 6, (400, 500))
    assert not to_mnist(shade.clip(0, 255).astype(np.uint8)).any()


# Steps left out


def off_centre(*, size: float = 120) -> Image8:
    """A 7 in the upper left of the canvas, whose mass is not in the middle of its box."""
    shape = generated.strokes_of(7, "plain")
    return find_ink(strokes.render(strokes.fit(shape, size=size, centre=(90, 100)), pen_width=16))


def box_of(digit: Image8) -> tuple[int, int, int, int]:
    box = ink_box(digit)
    assert box is not None
    return box.top, box.left, box.bottom, box.right


def test_all_steps_are_taken_unless_one_is_left_out() -> None:
    ink = off_centre()
    usual = place(ink)
    every = place(ink, crop=True, margin=True, centre=True, smooth=True, side=28)
    assert (usual == every).all() and usual.shape == (28, 28)
    assert (usual == to_mnist(ink)).all()
    for step in ("crop", "margin", "centre", "smooth"):
        without = place(ink, **{step: False})
        assert without.shape == (28, 28) and without.dtype == np.uint8
        assert without.max() == 255
        assert np.abs(without.astype(int) - usual).mean() > 4, step


@given(written())
def test_without_a_margin_the_ink_fills_the_field(
    drawing: tuple[list[strokes.Stroke], float],
) -> None:
    digit = place(find_ink(canvas(drawing)), margin=False)
    top, left, bottom, right = box_of(digit)
    assert max(bottom - top, right - left) >= 27
    assert 0 in (top, left) and 28 in (bottom, right)


def test_without_a_crop_the_whole_picture_is_scaled() -> None:
    ink = off_centre()
    whole = place(ink, crop=False, margin=False, centre=False)
    means = ink.reshape(28, 10, 28, 10).mean(axis=(1, 3))
    assert np.abs(whole - 255 * means / means.max()).mean() < 2
    with_margin = place(ink, crop=False, centre=False)
    means = ink.reshape(20, 14, 20, 14).mean(axis=(1, 3))
    assert np.abs(with_margin[4:24, 4:24] - 255 * means / means.max()).mean() < 2
    with_margin[4:24, 4:24] = 0
    assert not with_margin.any()


@pytest.mark.parametrize("shape", [(300, 120), (120, 300)])
def test_without_a_crop_the_longer_side_of_the_picture_counts(shape: tuple[int, int]) -> None:
    ink = np.zeros(shape, np.uint8)
    ink[30:90, 30:90] = 255
    top, left, bottom, right = box_of(place(ink, crop=False, margin=False, centre=False))
    across = 60 / 300 * 28
    assert abs(bottom - top - across) <= 1 and abs(right - left - across) <= 1


def test_without_a_crop_the_centre_of_mass_can_still_be_put_in_the_middle() -> None:
    digit = place(off_centre(size=60), crop=False, margin=True)
    rows, columns = ndimage.center_of_mass(digit)
    # As far as the picture stays inside the field.
    assert 8 < rows < 14.5 and 8 < columns < 14.5
    assert rows > ndimage.center_of_mass(place(off_centre(size=60), crop=False, centre=False))[0]


@given(written())
def test_without_centring_the_box_is_in_the_middle(
    drawing: tuple[list[strokes.Stroke], float],
) -> None:
    digit = place(find_ink(canvas(drawing)), centre=False)
    top, left, bottom, right = box_of(digit)
    assert abs((top + bottom) / 2 - 14) <= 1
    assert abs((left + right) / 2 - 14) <= 1
    assert 19 <= max(bottom - top, right - left) <= 21


def test_centring_moves_what_weighs_more_on_one_side() -> None:
    ink = np.zeros((200, 100), np.uint8)
    ink[:, 30:70] = 255
    ink[:30, 20:80] = 255
    centred, boxed = place(ink), place(ink, centre=False)
    assert abs(ndimage.center_of_mass(centred)[0] - 14) < 0.5
    assert ndimage.center_of_mass(boxed)[0] < 13
    assert box_of(boxed)[0] == 4 and box_of(boxed)[2] == 24


def test_hard_edges_have_the_grey_levels_of_the_ink_alone() -> None:
    ink = np.where(off_centre() > 100, 255, 0).astype(np.uint8)
    for steps in ({}, {"crop": False}, {"margin": False}, {"centre": False}):
        assert set(np.unique(place(ink, smooth=False, **steps)).tolist()) == {0, 255}
    assert len(np.unique(place(ink))) > 20
    for side in (28, 140):
        hard, soft = (place(ink, smooth=smooth, side=side) for smooth in (False, True))
        # The same ink, in the same place.
        assert np.abs(hard.astype(int) - soft).mean() < 20
        shift = np.subtract(ndimage.center_of_mass(hard), ndimage.center_of_mass(soft))
        assert np.abs(shift).max() < side / 28


@pytest.mark.parametrize(
    "steps", [{}, {"crop": False}, {"margin": False}, {"centre": False}], ids=str
)
@pytest.mark.parametrize("style", [(7, "plain"), (3, "round"), (8, "two rings")], ids=str)
def test_a_larger_side_shows_the_same_in_more_detail(
    style: tuple[int, str], steps: dict[str, bool]
) -> None:
    ink = find_ink(strokes.render(generated.strokes_of(*style)))
    large = place(ink, side=140, **steps)
    assert large.shape == (140, 140) and large.max() == 255
    averaged = large.reshape(28, 5, 28, 5).mean(axis=(1, 3))
    assert np.abs(averaged * 255 / averaged.max() - place(ink, **steps)).mean() < 3
    edges = np.abs(np.diff(large.astype(int), axis=1)).max()
    assert edges > 100, "and not just blown up"


@pytest.mark.parametrize("side", [28, 140])
@pytest.mark.parametrize("step", ["crop", "margin", "centre", "smooth", None])
def test_a_blank_is_all_zeros_of_that_side(side: int, step: str | None) -> None:
    steps = {step: False} if step else {}
    blank = place(np.zeros((50, 80), np.uint8), side=side, **steps)
    assert blank.shape == (side, side) and blank.dtype == np.uint8
    assert not blank.any()


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_ink_can_be_placed_with_any_steps(
    ink: Image8, crop: bool, margin: bool, centre: bool, smooth: bool
) -> None:
    digit = place(ink, crop=crop, margin=margin, centre=centre, smooth=smooth)
    assert digit.shape == (28, 28)
    assert digit.max() in (0, 255)


settings.register_profile("plain", deadline=None, max_examples=60)
settings.load_profile("plain")
