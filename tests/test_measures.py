import numpy as np
import pytest

from mnist_core import generated, strokes
from mnist_core.errors import InputError
from mnist_core.measures import measure
from mnist_core.preprocessing import to_mnist


def bar(slope):
    """A bar 20 pixels high and 3 wide, moved to the right by `slope` pixels a row upwards."""
    y, x = np.mgrid[:28, :28].astype(float)
    middle = 13.5 + slope * (13.5 - y)
    ink = np.clip(2 - np.abs(x - middle), 0, 1) * (np.abs(y - 13.5) < 10)
    return np.round(255 * ink).astype(np.uint8)


def of(*images):
    return measure(np.stack(images), np.zeros(len(images), np.uint8))


def test_thickness_is_the_width_of_a_stroke_in_pixels():
    images = np.zeros((4, 28, 28), np.uint8)
    for width, image in enumerate(images, 1):
        image[4:24, 10 : 10 + width] = 255
    measured = of(*images)
    # The ends of a bar are edge, too, so that it counts as a little thinner than it is.
    np.testing.assert_allclose(measured.thickness, [1, 2, 3, 4], rtol=0.2)
    assert (np.diff(measured.thickness) > 0.7).all()


def test_a_wider_pen_draws_thicker_strokes():
    template = strokes.fit(generated.strokes_of(3, "round"))
    drawn = [strokes.render(template, pen_width=width) for width in (10, 18, 26)]
    assert (np.diff(of(*map(to_mnist, drawn)).thickness) > 0.3).all()


@pytest.mark.parametrize("degrees", [-35, -10, 0, 20, 40])
def test_slant_is_in_degrees_and_positive_to_the_right(degrees):
    measured = of(bar(np.tan(np.radians(degrees))))
    assert measured.slant[0] == pytest.approx(degrees, abs=1.5)


def test_blank_and_full_pictures_have_no_strange_numbers():
    measured = of(np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8))
    assert measured.ink.tolist() == [0, 255]
    assert measured.thickness[0] == 0
    assert np.isfinite(measured.thickness).all()
    assert measured.slant.tolist() == [0, 0]


def test_classes_are_counted_and_averaged_pixel_by_pixel():
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (1203, 28, 28), np.uint8)
    labels = random.integers(0, 9, 1203).astype(np.uint8)  # there is no 9
    measured = measure(images, labels)
    assert measured.counts.tolist() == [(labels == d).sum() for d in range(10)]
    for d in range(9):
        np.testing.assert_allclose(measured.mean[d], images[labels == d].mean(0), atol=0.01)
        np.testing.assert_allclose(measured.spread[d], images[labels == d].std(0), atol=0.05)
    assert not measured.mean[9].any()
    assert not measured.spread[9].any()
    np.testing.assert_allclose(measured.ink, images.mean((1, 2)), rtol=1e-4)


def test_labels_that_do_not_go_with_the_images_are_refused():
    with pytest.raises(InputError, match="don't go with"):
        measure(np.zeros((3, 28, 28), np.uint8), np.zeros(2, np.uint8))
