"""The wall: pages of digits, by part, class and order."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.collection import ORDERS, Collection, Order
from mnist_core.words import a, plural
from pages.components.browsing import (
    PART_NAMES,
    change,
    field,
    name_of,
    probabilities,
    view,
)
from pages.components.wall import Tile, digit_wall

PAGE = 200  # digits on a page

_ORDER_NAMES: dict[Order, str] = {
    "dataset": "As in the data set",
    "random": "Random",
    "typical": "Most typical first",
    "unusual": "Most unusual first",
    "thick": "Thickest first",
    "slanted": "Most slanted first",
    "hard": "Hardest first",
}
_ORDER_HELP = (
    "Typical and unusual: how far a digit is from the mean of its class. Slanted: how it leans,"
    " compared with its class. Hardest: those whose true label the network that reads finds least"
    " probable."
)


def wall_view(of: Collection) -> NDArray[np.int64]:
    """Show the wall with what it is chosen by; returns the rows of all that is chosen, in order."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choose_classes()
        field(
            st.selectbox,
            "Order",
            "order",
            ORDERS,
            format_func=_ORDER_NAMES.__getitem__,
            help=_ORDER_HELP,
            width=210,
        )
        if view().order == "random":
            field(
                st.number_input,
                "Seed",
                "seed",
                min_value=0,
                max_value=999_999_999,
                step=1,
                help="The same seed gives the same order, here and on any other computer.",
                width=150,
            )
        open_by_number(of)
        order = view().order
        said = probabilities(of) if order == "hard" else None
    if order == "hard" and said is None:
        order = "dataset"  # until the network has read them all
    rows = of.order(view().classes, order, seed=view().seed, probabilities=said)
    shown = paged(rows, PAGE, "digit")
    answers = None if said is None else said[shown].argmax(axis=1)
    digit_wall(
        of.images[shown],
        [_tile(of, row, place, answers) for place, row in enumerate(shown.tolist())],
        key="wall",
        told=f"{PART_NAMES[of.part]}: {_ORDER_NAMES[order].lower()}.",
        on_pick=lambda row: change(digit=(of.part, row)),
        columns=25,
    )
    return rows


def _tile(of: Collection, row: int, place: int, answers: NDArray[np.intp] | None) -> Tile:
    label = int(of.labels[row])
    told = f"{name_of(of.part, row)}: {a(label)}"
    if answers is None or answers[place] == label:
        return Tile(row, told)
    read = int(answers[place])
    return Tile(row, f"{told}, read as {a(read)}", badge=str(read), wrong=True)


def choose_classes() -> None:
    """Let digits be chosen; none means all."""
    field(
        st.pills,
        "Digits",
        "classes",
        range(10),
        selection_mode="multi",
        help="Which to show; none chosen shows all.",
        width="content",
        wrap=True,
    )


def open_by_number(of: Collection) -> None:
    """Let a digit be opened by its number."""

    def go() -> None:
        number = st.session_state.dataset_number
        st.session_state.dataset_number = None
        if number is not None:
            change(digit=(of.part, int(number)))

    st.number_input(
        "Open number",
        value=None,
        step=1,
        key="dataset_number",
        on_change=go,
        placeholder=f"0 – {len(of.labels) - 1}",
        help="Every digit has a number: its place in the data set, counted from 0.",
        width=150,
    )


def paged(rows: NDArray[np.int64], size: int, what: str) -> NDArray[np.int64]:
    """Show where one is among the pages, and the way to the others; returns this page's rows."""
    pages = max(1, -(-len(rows) // size))
    if view().page > pages:
        change(page=pages)
    page = view().page
    first = (page - 1) * size
    shown = rows[first : first + size]

    def turn(to: int) -> None:
        change(page=to)

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="pager"):
        st.button(
            "← Previous", on_click=turn, args=(page - 1,), disabled=page <= 1, key="page_before"
        )
        st.button(
            "Next →", on_click=turn, args=(page + 1,), disabled=page >= pages, key="page_after"
        )
        words = f"Page {page:,} of {pages:,}" if pages > 1 else ""
        if not len(rows):
            words = f"No {what}s are chosen."
        elif pages > 1:
            words += f": {first + 1:,} to {first + len(shown):,} of {plural(len(rows), what)}"
        else:
            words = plural(len(rows), what)
        st.markdown(f":small[{words}]")
    return shown
