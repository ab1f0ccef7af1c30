import numpy as np
import pytest

from mnist_core import generated, stroke_files
from mnist_core.errors import InputError
from mnist_core.explanation import (
    evidence,
    occlusion,
    plain_network,
    through_the_layers,
)
from mnist_core.inference import Classifier
from tests.explanation.faithfulness import drawings_of_people, drawings_of_templates, faithful
from tests.explanation.networks import (
    average_head,
    flat_head,
    multilayer_perceptron,
    noise,
    seen,
    softmax_regression,
)

HEADS = (average_head, flat_head, softmax_regression)
PAIRS = [(digit, against) for digit in range(10) for against in (None, *range(10))]
PAIRS = [(digit, against) for digit, against in PAIRS if digit != against]
WRONG = [(10, None), (-1, None), (3, 3), (3, 10), (3, -1), (0, 0)]


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load("default")


@pytest.fixture(scope="module")
def shipped(classifier):
    network = plain_network(classifier)
    digits = generated.make_digits(10, seed=6).images
    return [through_the_layers(classifier, network, digit) for digit in digits]


def lead(logits, digit, against):
    others = np.delete(logits, digit) if against is None else logits[against]
    return float(logits[digit]) - float(np.mean(others, dtype=np.float64))


# Exact shares


def test_the_shares_of_the_model_that_ships_add_up_to_the_difference_of_the_logits(shipped):
    for layers in shipped:
        logits = layers[-2].values
        for digit, against in PAIRS:
            found = evidence(layers, digit, against)
            assert found.places.shape == (7, 7)
            assert found.total == pytest.approx(lead(logits, digit, against), abs=1e-4)
            assert found.places.sum() + found.bias == pytest.approx(found.total, abs=1e-3)


@pytest.mark.parametrize("head", HEADS)
def test_the_shares_of_other_networks_do_so_too(head):
    layers = seen(noise(3), *head())
    for digit, against in PAIRS:
        found = evidence(layers, digit, against)
        assert found.total == pytest.approx(lead(layers[-2].values, digit, against), abs=1e-4)
        assert found.places.sum() + found.bias == pytest.approx(found.total, abs=1e-3)
        assert np.ptp(found.places) > 0.01


@pytest.mark.parametrize("head", HEADS)
def test_a_share_is_what_is_missed_when_its_place_is_blotted_out_of_the_last_pictures(head):
    layers = seen(noise(3), *head())
    last = layers[-4].values if len(layers) > 3 else layers[0].inputs
    logits = layers[-2].spec

    def lead_of(pictures):
        if layers[-3].kind == "global_average":
            features = pictures.astype(np.float64).mean(axis=(0, 1))
        else:
            features = pictures.astype(np.float64).ravel()
        return lead(features @ logits["kernel"] + logits["bias"], 4, 7)

    found = evidence(layers, 4, 7)
    assert found.places.shape == last.shape[:2]
    for place in np.ndindex(found.places.shape):
        without = last.copy()
        without[place] = 0
        assert found.places[place] == pytest.approx(lead_of(last) - lead_of(without), abs=1e-5)
    assert found.bias == pytest.approx(lead_of(np.zeros_like(last)), abs=1e-6)


def test_without_a_hidden_layer_each_share_is_a_pixel_times_its_weight():
    layers = seen(noise(3), *softmax_regression())
    weights = layers[-2].spec["kernel"]
    found = evidence(layers, 4, 7)
    for row, column in np.ndindex(28, 28):
        pixel, at = noise(3)[row, column] / 255, 28 * row + column
        share = pixel * (float(weights[at, 4]) - float(weights[at, 7]))
        assert found.places[row, column] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_against_all_others_is_the_mean_of_against_each(head):
    layers = seen(noise(3), *head())
    each = [evidence(layers, 6, other) for other in range(10) if other != 6]
    found = evidence(layers, 6)
    np.testing.assert_allclose(found.places, np.mean([e.places for e in each], axis=0), atol=1e-12)
    assert found.bias == pytest.approx(np.mean([e.bias for e in each]))
    assert found.total == pytest.approx(np.mean([e.total for e in each]))


def test_the_other_way_round_is_the_negative(shipped):
    one, other = evidence(shipped[0], 2, 8), evidence(shipped[0], 8, 2)
    np.testing.assert_allclose(one.places, -other.places)
    assert (one.bias, one.total) == (-other.bias, -other.total)


def test_hidden_layers_bend_the_sums_so_that_there_are_no_shares():
    assert evidence(seen(noise(3), *multilayer_perceptron()), 4, 7) is None


@pytest.mark.parametrize(("digit", "against"), WRONG)
def test_other_digits_than_two_different_ones_are_refused(shipped, classifier, digit, against):
    with pytest.raises(InputError, match="two different digits"):
        evidence(shipped[0], digit, against)
    with pytest.raises(InputError, match="two different digits"):
        occlusion(classifier, noise(), digit, against)


# Occlusion


class Weighing:
    """Stands in for a classifier: the logits are weighted sums of the pixels, or their squares."""

    def __init__(self, power=1):
        self.weights = np.random.default_rng(8).normal(0, 1, (10, 28, 28))
        self.power = power

    def outputs(self, digits):
        sums = np.einsum("nij,dij->nd", digits / 255, self.weights)
        return {"logits": np.float32(sums**self.power)}


def one_by_one(classifier, digit, label, against):
    """Each pixel's mean over all patches that cover it, found in the slowest way."""

    def lead_of(picture):
        return lead(classifier.outputs(picture[None])["logits"][0], label, against)

    missed = {}
    for top in range(-2, 28, 2):
        for left in range(-2, 28, 2):
            under = [
                (row, column)
                for row in range(top, top + 4)
                for column in range(left, left + 4)
                if 0 <= row < 28 and 0 <= column < 28
            ]
            covered = digit.copy()
            for place in under:
                covered[place] = 0
            fall = lead_of(digit) - lead_of(covered)
            for place in under:
                missed.setdefault(place, []).append(fall)
    result = np.zeros((28, 28))
    for place, falls in missed.items():
        result[place] = sum(falls) / len(falls)
    return result


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("against", [2, None])
def test_occlusion_is_the_mean_fall_over_all_patches_on_a_pixel(power, against):
    classifier = Weighing(power)
    for digit in (noise(5), generated.make_digits(3, seed=4).images[2]):
        found = occlusion(classifier, digit, 6, against)
        slow = one_by_one(classifier, digit, 6, against)
        np.testing.assert_allclose(found, slow, atol=1e-3, rtol=1e-4)


def test_occlusion_of_a_single_pixel_by_hand():
    digit = np.zeros((28, 28), np.uint8)
    digit[10, 17] = 51
    classifier = Weighing()
    found = occlusion(classifier, digit, 3, 5)
    weight = classifier.weights[3, 10, 17] - classifier.weights[5, 10, 17]
    # Patches begin at even rows and columns: four hold the pixel, and together rows 8 to 13.
    # Each pixel there is held by four as well, of which so many hold the inked one, too:
    along = np.array([1, 1, 2, 2, 1, 1])
    wanted = np.zeros((28, 28))
    wanted[8:14, 14:20] = weight / 5 * np.outer(along, along) / 4
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_corner_has_patches_that_reach_beyond_it():
    digit = np.zeros((28, 28), np.uint8)
    digit[0, 0] = digit[27, 27] = 255
    found = occlusion(Weighing(), digit, 3, 5)
    rows, columns = np.nonzero(found)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        *((row, column) for row in range(4) for column in range(4)),
        *((row, column) for row in range(24, 28) for column in range(24, 28)),
    }


def test_where_no_ink_is_near_nothing_is_missed(classifier):
    digit = generated.make_digits(6, seed=4).images[5]
    found = occlusion(classifier, digit, 5, 6)
    blank = occlusion(classifier, np.zeros((28, 28), np.uint8), 5, 6)
    assert not blank.any()
    near = np.zeros((28, 28), bool)
    for row, column in np.argwhere(digit):
        near[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4] = True
    assert not near.all()
    assert not found[~near].any()
    assert found[digit > 0].any()


def test_occlusion_leaves_the_digit_as_it_is(classifier):
    digit = generated.make_digits(6, seed=4).images[5]
    before = digit.copy()
    occlusion(classifier, digit, 5)
    np.testing.assert_array_equal(digit, before)


def test_occlusion_of_another_shape_is_refused(classifier):
    with pytest.raises(InputError, match="must be"):
        occlusion(classifier, np.zeros((20, 20), np.uint8), 3, 5)


needs_strokes = pytest.mark.skipif(not stroke_files.find_pendigits(), reason="needs pen digits")


@pytest.mark.parametrize(
    "drawings",
    [drawings_of_templates, pytest.param(drawings_of_people, marks=needs_strokes)],
)
def test_without_the_ink_it_calls_most_supporting_the_reading_is_less_likely(classifier, drawings):
    """In 19 of 20 drawings more so than without any other tenth of the ink."""

    def support(digit, label, second):
        return occlusion(classifier, digit, label, second)

    assert faithful(classifier, drawings(), support) >= 0.95
