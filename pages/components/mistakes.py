"""The digits that a run's network misreads: counted, side by side, and one of them opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.evaluation import tally
from mnist_core.validation import ValidationDigits
from mnist_core.words import a, percent, plural
from pages.components import browsing, session
from pages.components.charts import probability_bars
from pages.components.confusion import Cell, confusion_matrix, told
from pages.components.frame import leave_for
from pages.components.sources import show
from pages.components.wall import Tile, digit_wall
from pages.components.wall_view import PAGE

_STEP = 60  # digits shown at first, and more with each press


@dataclass(frozen=True)
class _Look:
    """What is being looked at.

    Attributes:
        model: whose mistakes.
        visit: of the page.
        cell: those of one cell of the matrix; None: all.
        count: at most so many are shown.
        digit: the place among the validation digits of the one that is open; None: none is.
    """

    model: str
    visit: int
    cell: Cell | None = None
    count: int = _STEP
    digit: int | None = None


def mistakes(model_id: str, digits: ValidationDigits, said: NDArray[np.float32]) -> None:
    """Show what is taken for what, and the misread digits, worst first.

    Args:
        model_id: of the network.
        digits: which it has read, at least one.
        said: (N, 10) what it said of them.
    """
    read = said.argmax(axis=1)
    wrong = np.flatnonzero(read != digits.labels)
    counts = tally(said, digits.labels).confusion
    look = _look(model_id)

    def pick(cell: Cell) -> None:
        # What is chosen already is let go.
        _change(model_id, cell=None if cell == look.cell else cell, count=_STEP)

    st.markdown(
        f"**{len(wrong):,}** of {plural(len(read), 'digit')} {_is(len(wrong))} misread."
        + (" Choose a number in the table to see just those." if len(wrong) else "")
    )
    confusion_matrix(counts, key=f"confusion_{model_id}", on_pick=pick, chosen=look.cell)
    if not len(wrong):
        return
    # The surest first.
    rows = wrong[np.argsort(-said[wrong, read[wrong]], kind="stable")]
    if look.cell:
        rows = rows[(digits.labels[rows] == look.cell[0]) & (read[rows] == look.cell[1])]
    st.subheader("Worst mistakes first", anchor=False)
    words = told(look.cell, counts) if look.cell else f"All {plural(len(rows), 'mistake')}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words}**", width="content")
        # Always there, so that nothing moves when a cell is picked.
        st.button(
            "Show all",
            on_click=_change,
            args=(model_id,),
            kwargs={"cell": None, "count": _STEP},
            disabled=look.cell is None,
            key="all_mistakes",
        )
    st.caption(
        "First those of whose wrong answer it was surest. Under each: what it is, what it was read"
        " as, and how sure the network was of that. Pick one to open it."
    )
    shown = rows[: look.count]
    digit_wall(
        digits.images[shown],
        [_tile(digits, row, said[row]) for row in shown.tolist()],
        key=f"mistakes_{model_id}",
        told=f"{words}; first those of whose wrong answer the network was surest.",
        on_pick=lambda row: _change(model_id, digit=row),
        columns=8,
        scale=2,
    )
    if left := len(rows) - len(shown):
        st.button(
            f"Show more ({left:,} left)",
            on_click=_change,
            args=(model_id,),
            kwargs={"count": look.count + _STEP},
            key="more_mistakes",
        )
    if look.digit in wrong.tolist():
        show_it = st.dialog(
            "A mistake", width="medium", on_dismiss=lambda: _change(model_id, digit=None)
        )
        show_it(_show)(model_id, digits, said, look.digit)


def _show(model_id: str, digits: ValidationDigits, said: NDArray[np.float32], digit: int) -> None:
    """One misread digit, over the page, and the ways on from it."""
    image, label = digits.images[digit], int(digits.labels[digit])
    name = _name(digits, digit)
    read = int(said[digit].argmax())
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=280):
            show(image, f"{name}: {a(label)}")
        with st.container(width=340):
            st.markdown(
                f"{name}. Its label says it is **{a(label)}**; this network read it as"
                f" **{a(read)}** ({percent(float(said[digit, read]))})."
            )
            probability_bars(said[digit], key="mistake_probabilities")
    with st.container(horizontal=True):
        if st.button("Look inside", type="primary", key="mistake_inside"):
            session.hand_over(image, name, label)
            _change(model_id, digit=None)
            leave_for("pages/inside.py")
        if digits.data == "mnist" and st.button("Open in Dataset", key="mistake_dataset"):
            row = int(digits.rows[digit])
            browsing.change(
                look="wall",
                part="train",
                classes=(),
                order="dataset",
                page=row // PAGE + 1,
                digit=("train", row),
            )
            _change(model_id, digit=None)
            leave_for("pages/dataset.py")
    reads = session.classifier().model
    if reads.id != model_id:
        st.caption(f"Look inside shows the network that reads now: {session.described(reads)}.")


def _look(model_id: str) -> _Look:
    fresh = _Look(model_id, session.visit())
    look: _Look = st.session_state.get("mistakes", fresh)
    return look if (look.model, look.visit) == (fresh.model, fresh.visit) else fresh


def _change(model_id: str, **changes: Any) -> None:
    st.session_state.mistakes = replace(_look(model_id), **changes)


def _name(digits: ValidationDigits, digit: int) -> str:
    row = int(digits.rows[digit])
    if digits.data == "mnist":
        return browsing.name_of("train", row)
    return f"Generated validation digit {row}"


def _tile(digits: ValidationDigits, digit: int, said: NDArray[np.float32]) -> Tile:
    label, read = int(digits.labels[digit]), int(said.argmax())
    sure = percent(float(said[read]))
    return Tile(
        digit,
        f"{_name(digits, digit)}: {a(label)}, read as {a(read)} ({sure})",
        caption=f"{label} as {read}, {sure}",
    )


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
