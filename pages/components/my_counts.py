"""How many drawings a profile has of each digit, and how many of them were read right."""

from __future__ import annotations

import streamlit as st

from mnist_core.handwriting import Counts
from mnist_core.words import plural

_HELD_OUT = (
    "Every third drawing of a digit is held out: no network learns from it, so that networks can be"
    " measured on it."
)


def my_counts(counts: Counts) -> None:
    """A sentence, and a bar for each digit.

    Args:
        counts: of a profile's drawings, at least one.
    """
    words = "none of them read yet"
    if counts.read:
        share = _share(counts.right, counts.read)
        words = f"{counts.right:,} of {counts.read:,} read right ({share})"
    st.markdown(
        f"**{plural(counts.total, 'drawing')}**, {words}; {counts.held_out:,} held out",
        help=_HELD_OUT,
    )
    bars = [_bar(counts, digit) for digit in range(10)]
    told = "; ".join(told for _, told in bars)
    st.html(
        f'<div class="ds-hand" role="img" aria-label="Drawings of each digit. {told}.">'
        + "".join(bar for bar, _ in bars)
        + "</div>"
        '<p class="ds-hand-key"><i class="right"></i> read right <i class="wrong"></i> misread'
        " <i></i> never read</p>"
    )


def _bar(counts: Counts, digit: int) -> tuple[str, str]:
    """One digit's bar as HTML, and what it says in words."""
    count, right = counts.by_label[digit], counts.right_by_label[digit]
    read = counts.read_by_label[digit]
    html = (
        f'<div style="--of: {count / max(counts.by_label):.3f}"><span>{count:,}</span>'
        f'<div class="bar"><i style="flex: {count - read}"></i>'
        f'<i class="wrong" style="flex: {read - right}"></i>'
        f'<i class="right" style="flex: {right}"></i></div>'
        f"<b>{digit}</b><small>{_share(right, read)}</small></div>"
    )
    return html, f"{digit}: {count:,}, {right:,} of {read:,} read right"


def _share(right: int, read: int) -> str:
    """In per cent, rounded down: 100 is all of them."""
    return f"{100 * right // read} %" if read else "–"
