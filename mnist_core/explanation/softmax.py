"""From ten logits to ten probabilities, and to the loss for each label that may be true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ten = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SoftmaxSteps:
    """Softmax, step by step; each (10,) float64.

    Attributes:
        logits: what it begins with.
        raised: e to the power of each logit less the highest one, 0-1. Taking the same number
            from all logits changes no probability, and keeps these numbers small.
        probabilities: each of those, divided by their sum.
        losses: cross-entropy, -ln of the probability of each digit, if that were the true label.
    """

    logits: Ten
    raised: Ten
    probabilities: Ten
    losses: Ten


def softmax_steps(logits: NDArray[np.float32]) -> SoftmaxSteps:
    """Work softmax and cross-entropy out again, from (10,) logits."""
    exact = logits.astype(np.float64)
    low = exact - exact.max()
    raised = np.exp(low)
    # The logarithm of the sum rather than of each probability, which may have become 0.
    return SoftmaxSteps(exact, raised, raised / raised.sum(), np.log(raised.sum()) - low)
