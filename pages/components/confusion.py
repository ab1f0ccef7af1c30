"""A confusion matrix, whose mistakes can be picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.words import plural
from pages.components import asset

Cell = tuple[int, int]  # what it is, and what it is read as

# All of it is there from the start, empty: the numbers come without anything moving.
_HEAD = "".join(f'<th scope="col">{digit}</th>' for digit in range(10))
_ROWS = "".join(f'<tr><th scope="row">{label}</th>{"<td></td>" * 10}</tr>' for label in range(10))

_matrix = st.components.v2.component(
    "digit_studio_confusion",
    html='<table class="confusion"><caption>Rows: what it is. Columns: what it is read as.'
    f"</caption><thead><tr><td></td>{_HEAD}</tr></thead><tbody>{_ROWS}</tbody></table>",
    css=asset("confusion.css"),
    js=asset("confusion.js"),
)


def confusion_matrix(
    counts: NDArray[np.uint32],
    *,
    key: str,
    on_pick: Callable[[Cell], None] | None = None,
    chosen: Cell | None = None,
) -> None:
    """Show how often each digit is taken for each; mistakes are shaded by how many they are.

    The keyboard has one stop here; inside, arrows move.

    Args:
        counts: (10, 10); rows are labels, columns what was read.
        key: of the component.
        on_pick: called with a cell of mistakes that was picked, before the page runs again; None:
            a plain table.
        chosen: the cell to mark.
    """
    data = {
        "counts": counts.tolist(),
        "told": [[told((label, read), counts) for read in range(10)] for label in range(10)],
        "pickable": on_pick is not None,
        "chosen": chosen,
    }
    if on_pick is None:
        _matrix(key=key, data=data)
    else:
        pick = on_pick
        _matrix(key=key, data=data, on_picked_change=lambda: pick(_cell(key)))


def told(cell: Cell, counts: NDArray[np.uint32]) -> str:
    """A cell in words.

    >>> told((4, 9), np.eye(10, dtype=np.uint32)), told((4, 4), np.eye(10, dtype=np.uint32))
    ('4 read as 9: no digits', '4 read as 4: 1 digit, right')
    """
    label, read = cell
    count = int(counts[cell])
    words = plural(count, "digit") if count else "no digits"
    return f"{label} read as {read}: {words}{', right' if label == read else ''}"


def _cell(key: str) -> Cell:
    picked: Sequence[int] = st.session_state[key].picked
    return int(picked[0]), int(picked[1])
