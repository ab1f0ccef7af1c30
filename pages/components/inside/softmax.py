"""Step 3: from ten logits to ten probabilities, and what the loss would be."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.explanation import SoftmaxSteps, adding_up, softmax_steps
from mnist_core.words import a, signed
from pages.components.glossary import prose
from pages.components.inside.snippets import code


def to_probabilities(logits: NDArray[np.float32], label: int, *, smoothing: bool) -> None:
    """Show softmax, one-hot target and loss, number by number.

    Args:
        logits: (10,).
        label: the true label, or what the digit is taken for where nobody knows.
        smoothing: whether the network was trained with label smoothing.
    """
    prose(
        "The last layer gives each digit a [[logit]], any number. [[softmax]] makes"
        " probabilities of them: the highest is taken from all, which changes nothing in the end;"
        " e is raised to the power of each; and each is divided by the sum of all ten."
    )
    steps = softmax_steps(logits)
    true = st.segmented_control(
        "If its true label were",
        range(10),
        default=label,
        required=True,
        key=f"true_label_{label}",  # begins anew with another digit
        help="Training knows the true label. Choose one to see what it would say of this answer.",
    )
    true = label if true is None else true
    st.html(_table(steps, true))
    softened = " (This one learned with [[label smoothing]].)" if smoothing else ""
    prose(
        f"Trained on this digit as {a(true)}, the network would be told the [[one-hot]] target,"
        f" and its [[loss]] ([[cross-entropy]]) would be −ln of what it gave {a(true)}:"
        f" {signed(steps.losses[true], 4)}. Were it sure and right, it would be 0.{softened}"
    )
    code("softmax", true=true)


def _table(steps: SoftmaxSteps, true: int) -> str:
    top = int(steps.probabilities.argmax())
    raised, shares = adding_up(steps.raised), adding_up(steps.probabilities, total=1)
    rows = []
    for digit in range(10):
        target = int(digit == true)
        marks = f"{' class=top' if digit == top else ''}{' data-true' if target else ''}"
        rows.append(
            f"<tr{marks}><th scope=row>{digit}</th><td>{signed(steps.logits[digit], 4)}</td>"
            f"<td>{_small(raised[digit])}</td>"
            f'<td style="--share:{steps.probabilities[digit]:.4f}">'
            f"{_small(shares[digit])}</td>"
            f"<td{' class=hot' if target else ''}>{target}</td>"
            f"<td>{signed(steps.losses[digit], 4)}</td></tr>"
        )
    heads = (
        "Digit",
        "Logit z",
        "e<sup>z − highest</sup>",
        "Probability",
        "One-hot",
        "Loss if true",
    )
    head = "".join(f"<th scope=col>{words}</th>" for words in heads)
    return (
        '<div class="ds-softmax" tabindex="0" role="region" aria-label="From logits to'
        f' probabilities"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody>'
        f"<tfoot><tr><th scope=row>Sum</th><td></td><td>{sum(raised):.4f}</td>"
        f"<td>{sum(shares):.4f}</td><td>1</td><td></td></tr></tfoot></table></div>"
    )


def _small(value: float) -> str:
    """Four decimals; what softmax makes is never 0, so that is said where they say so."""
    return f"{value:.4f}" if value else "<0.0001"
