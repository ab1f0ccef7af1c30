import itertools

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


def stream(digits, targets, count, *, batch_size=20, seed=1):
    tf.random.set_seed(0)
    made = augmentation.batches(digits, targets, batch_size=batch_size, seed=seed)
    return list(itertools.islice(made.as_numpy_iterator(), count))


def numbered(digits):
    """Targets that tell the rows apart: each holds the number of its row."""
    return np.repeat(np.arange(len(digits), dtype=np.float32)[:, None], 10, axis=1)


def test_variants_are_digits_still(digits):
    for seed in range(20):
        variants = vary(digits, seed)
        assert variants.shape == (60, 28, 28, 1)
        assert variants.dtype == np.float32
        assert variants.min() >= 0
        assert variants.max() <= 1
        assert (variants.max(axis=(1, 2, 3)) > 0.5).all()


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


def test_the_stream_repeats_itself_from_the_same_seed(digits):
    first = stream(digits, numbered(digits), 7, seed=3)
    again = stream(digits, numbered(digits), 7, seed=3)
    other = stream(digits, numbered(digits), 7, seed=4)
    for (images, targets), (images_again, targets_again) in zip(first, again, strict=True):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(targets, targets_again)
    assert not np.array_equal(first[0][1], other[0][1])
    assert not np.array_equal(first[0][0], other[0][0])


def test_the_stream_shows_every_digit_once_an_epoch_and_never_ends(digits):
    batches = stream(digits, numbered(digits), 9)
    shown = np.concatenate([targets[:, 0] for _, targets in batches]).reshape(3, 60)
    for epoch in shown:
        assert sorted(epoch) == list(range(60))
    assert not np.array_equal(shown[0], shown[1])


def test_no_digit_is_lost_where_batches_span_epochs(digits):
    shown = np.concatenate([t[:, 0] for _, t in stream(digits, numbered(digits), 15, batch_size=8)])
    assert shown.shape == (120,)
    assert sorted(shown[:60]) == sorted(shown[60:]) == list(range(60))


def test_every_digit_keeps_its_target(digits):
    """One digit is blank: where its target goes, a blank picture goes."""
    marked = digits.copy()
    marked[17] = 0
    targets = numbered(digits)
    targets[:, 1] = 0.25
    for images, wanted in stream(marked, targets, 6):
        assert images.shape == (20, 28, 28, 1)
        assert wanted.shape == (20, 10)
        assert wanted.dtype == np.float32
        assert (wanted[:, 1] == 0.25).all()
        blank = ~images.any(axis=(1, 2, 3))
        np.testing.assert_array_equal(blank, wanted[:, 0] == 17)


def test_each_epoch_brings_fresh_variants(digits):
    batches = stream(digits[:5], numbered(digits[:5]), 2, batch_size=5)
    by_row = [images[np.argsort(targets[:, 0])] for images, targets in batches]
    assert not np.array_equal(by_row[0], by_row[1])
