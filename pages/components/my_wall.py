"""The wall of a profile's drawings, and what is chosen of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core import handwriting
from mnist_core.handwriting import Drawing, Profile
from mnist_core.words import a, plural
from pages.components import my_digit, my_files
from pages.components.wall import Tile, digit_wall

PAGE = 200  # drawings on a page

_OUTCOMES: dict[str, bool | None] = {"All": None, "Read right": True, "Misread": False}


@dataclass(frozen=True)
class Chosen:
    """Which drawings of a profile are shown.

    Attributes:
        profile: whose.
        labels: what they are said to be, ascending; empty: whatever they are.
        right: how they were read; None: however.
    """

    profile: int
    labels: tuple[int, ...] = ()
    right: bool | None = None


def my_wall(of: Profile, total: int) -> list[int]:
    """Show the drawings with what they are chosen by, the newest first.

    Args:
        of: whose.
        total: how many it has, at least one.

    Returns:
        The numbers of those on this page, in order.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = _choose(of)
        count = total
        if chosen.labels or chosen.right is not None:
            count = handwriting.matching(of.number, labels=chosen.labels, right=chosen.right)
        my_files.export(of, count, labels=chosen.labels, right=chosen.right)
    first = _first(chosen, count, total)
    shown = handwriting.drawings(
        of.number, labels=chosen.labels, right=chosen.right, limit=PAGE, offset=first
    )
    if shown:
        digit_wall(
            np.stack([drawing.image for drawing in shown]),
            [_tile(drawing) for drawing in shown],
            key="my_wall",
            told="Your drawings, the newest first.",
            on_pick=my_digit.open_it,
            columns=15,
        )
    return [drawing.number for drawing in shown]


def _tile(drawing: Drawing) -> Tile:
    """What is said about a drawing; its corner says what it was misread as."""
    told = f"Drawing {drawing.number}: {a(drawing.label)}"
    wrong = drawing.right is False
    badge = ""
    if wrong:
        badge = "–" if drawing.verdict == "not a digit" else str(drawing.read)
        told += f", {my_digit.read_as(drawing)}"
    if drawing.held_out:
        told += ", held out"
    return Tile(drawing.number, told, badge=badge, wrong=wrong)


def _choose(of: Profile) -> Chosen:
    labels = st.pills(
        "Digits",
        range(10),
        selection_mode="multi",
        key="my_labels",
        help="Which to show; none chosen shows all.",
        width="content",
        wrap=True,
    )
    outcome = st.segmented_control(
        "As they were read",
        list(_OUTCOMES),
        default="All",
        required=True,
        key="my_outcome",
        help="By the network that read when they were drawn. What was imported may never have been"
        " read: it is only among all.",
    )
    return Chosen(of.number, tuple(sorted(labels)), _OUTCOMES[outcome or "All"])


def _first(chosen: Chosen, count: int, total: int) -> int:
    """Show where one is among the pages, and the way to the others; returns what is left out."""
    pages = max(1, -(-count // PAGE))
    kept, page = st.session_state.get("my_page", (chosen, 1))
    page = min(page, pages) if kept == chosen else 1

    def turn(to: int) -> None:
        st.session_state.my_page = chosen, to

    turn(page)  # what is chosen anew begins at its first
    first = (page - 1) * PAGE
    words = plural(count, "drawing") if count else "None of the drawings is like that."
    if pages > 1:
        here = f"{first + 1:,} to {min(first + PAGE, count):,}"
        words = f"Page {page:,} of {pages:,}: {here} of {words}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if total > PAGE:
            st.button(
                "← Previous", on_click=turn, args=(page - 1,), disabled=page == 1, key="my_before"
            )
            st.button(
                "Next →", on_click=turn, args=(page + 1,), disabled=page == pages, key="my_after"
            )
        st.markdown(f":small[{words}]")
    return first
