import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from mnist_core.explanation import softmax_steps

logits = st.lists(st.floats(-60, 60, width=32), min_size=10, max_size=10).map(np.float32)


@given(logits)
def test_probabilities_and_losses_are_those_of_scipy(values):
    steps = softmax_steps(values)
    exact = values.astype(np.float64)
    np.testing.assert_allclose(steps.probabilities, special.softmax(exact), rtol=1e-12)
    np.testing.assert_allclose(steps.losses, -special.log_softmax(exact), rtol=1e-12, atol=1e-15)
    assert steps.probabilities.sum() == pytest.approx(1, abs=1e-12)


@given(logits)
def test_each_step_follows_from_the_one_before(values):
    steps = softmax_steps(values)
    np.testing.assert_array_equal(steps.logits, values)
    assert steps.raised.max() == 1
    for logit, raised, probability, loss in zip(
        steps.logits, steps.raised, steps.probabilities, steps.losses, strict=True
    ):
        assert raised == pytest.approx(np.e ** (logit - max(values.tolist())))
        assert probability == pytest.approx(raised / sum(steps.raised))
        assert np.exp(-loss) == pytest.approx(probability)


def test_two_steps_by_hand():
    values = np.full(10, -1000, np.float32)
    values[:2] = 0, np.log(3)
    steps = softmax_steps(values)
    assert steps.raised[:2] == pytest.approx([1 / 3, 1])
    assert steps.probabilities[:2] == pytest.approx([1 / 4, 3 / 4])
    assert steps.losses[:2] == pytest.approx([np.log(4), np.log(4 / 3)])


def test_huge_logits_overflow_nowhere():
    values = np.zeros(10, np.float32)
    values[3], values[4] = 1e4, -1e4
    steps = softmax_steps(values)
    assert steps.probabilities.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    # What has a probability of 0 has a loss all the same, and nothing is -0.
    assert steps.losses[[0, 3, 4]].tolist() == [1e4, 0, 2e4]


def test_everything_is_double_precision():
    steps = softmax_steps(np.zeros(10, np.float32))
    for values in (steps.logits, steps.raised, steps.probabilities, steps.losses):
        assert values.dtype == np.float64 and values.shape == (10,)
