import numpy as np
import pytest

from mnist_core import generated
from mnist_core.neighbours import Neighbours
from mnist_core.principal import principal_components


@pytest.fixture(scope="module")
def digits():
    return generated.make_digits(300, seed=5).images


def finder(images, count=20):
    components = principal_components(images, count)
    return Neighbours(images, components, components.places(images))


def brute(images, digit):
    squared = ((images.astype(int) - digit) ** 2).sum((1, 2))
    return np.lexsort((np.arange(len(images)), squared)), squared


def test_components_are_those_of_a_singular_value_decomposition(digits):
    components = principal_components(digits, 5)
    flat = digits.reshape(len(digits), -1).astype(float)
    _, values, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    np.testing.assert_allclose(components.share, (values**2 / (values**2).sum())[:5], rtol=1e-3)
    for ours, theirs in zip(components.axes.T, axes, strict=False):
        assert abs(ours @ theirs) == pytest.approx(1, abs=1e-3)
        assert ours[np.abs(ours).argmax()] > 0
    places = components.places(digits)
    np.testing.assert_allclose(places, (flat - flat.mean(0)) @ components.axes, atol=0.1)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_the_nearest_are_exactly_those_of_comparing_all(digits, count):
    others = generated.make_digits(30, seed=6).images
    find = finder(digits)
    for digit in others:
        order, squared = brute(digits, digit)
        found = find.nearest(digit, count)
        assert found.rows.tolist() == order[:count].tolist()
        np.testing.assert_allclose(found.distances, np.sqrt(squared[order[:count]]))


def test_noise_that_components_hardly_hold_is_found_exactly_as_well():
    images = np.random.default_rng(0).integers(0, 256, (200, 28, 28), np.uint8)
    find = finder(images, count=3)
    for row in (0, 77, 199):
        order, _ = brute(images, images[row])
        assert find.nearest(images[row]).rows.tolist() == order[:10].tolist()


def test_a_digit_is_its_own_nearest_unless_it_is_left_out(digits):
    find = finder(digits)
    assert find.nearest(digits[7]).rows[0] == 7
    assert find.nearest(digits[7]).distances[0] == 0
    assert 7 not in find.nearest(digits[7], leave_out=7).rows


def test_fewer_than_asked_for_are_all_there_is(digits):
    find = finder(digits[:4], count=3)
    assert sorted(find.nearest(digits[0], 10).rows) == [0, 1, 2, 3]
    assert sorted(find.nearest(digits[0], 10, leave_out=0).rows) == [1, 2, 3]
    assert len(finder(digits[:1], count=1).nearest(digits[0], leave_out=0).rows) == 0


def test_equals_come_in_the_order_of_the_set():
    images = np.zeros((6, 28, 28), np.uint8)
    images[3:] = 9
    assert finder(images, count=2).nearest(images[0], 4).rows.tolist() == [0, 1, 2, 3]
