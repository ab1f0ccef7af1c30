import numpy as np
import pytest
import tensorflow as tf

from mnist_core.generated import make_digits
from mnist_core.learning import augmentation


@pytest.fixture(scope="module")
def digits():
    return make_digits(60, seed=4).images


def vary(digits, seed):
    pixels = tf.constant(digits[..., None].astype(np.float32) / 255)
    return augmentation.vary(pixels, tf.constant([seed, 0], tf.int64)).numpy()


def test_variants_are_digits_still(digits):
    for seed in range(20):
        variants = vary(digits, seed)
        assert variants.shape == (60, 28, 28, 1)
        assert variants.dtype == np.float32
        assert variants.min() >= 0
        assert variants.max() <= 1
        # What is thin, small, turned and thinned once more is pale.
        assert (variants.max(axis=(1, 2, 3)) > 0.35).all()


def test_on_the_whole_there_is_as_much_ink_as_before(digits):
    before = digits.mean() / 255
    after = np.mean([vary(digits, seed) for seed in range(60)])
    assert 0.85 < after / before < 1.15


def test_variants_stay_near_the_middle(digits):
    rows = np.arange(28)
    for seed in range(20):
        variants = vary(digits, seed)[..., 0]
        mass = variants.sum(axis=(1, 2))
        for profile in (variants.sum(axis=2), variants.sum(axis=1)):
            centres = profile @ rows / mass
            assert (np.abs(centres - 14) < 4).all()


def test_every_digit_varies_by_itself_and_with_the_seed(digits):
    same = np.repeat(digits[:1], 30, axis=0)
    variants = vary(same, 1).reshape(30, -1)
    assert len(np.unique(variants, axis=0)) == 30
    assert not np.array_equal(vary(same, 1), vary(same, 2))


def test_the_same_seed_varies_the_same(digits):
    np.testing.assert_array_equal(vary(digits, 7), vary(digits, 7))


def test_some_batches_are_thickened_and_some_thinned(digits):
    pixels = tf.constant(digits[..., None].astype(np.float32) / 255)
    ink = [
        float(tf.reduce_mean(augmentation._restroke(pixels, tf.constant(chance))))
        for chance in (0.0, augmentation.THICKEN * 1.5, 0.9)
    ]
    thick, thin, plain = ink
    assert thin < plain < thick
    assert plain == pytest.approx(digits.mean() / 255, abs=1e-5)
