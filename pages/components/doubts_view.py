"""Doubtful labels: where the network and the label disagree most, for people to judge."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import doubts, exports, store
from mnist_core.collection import Collection
from mnist_core.doubts import Ranking
from mnist_core.words import plural
from pages.components.browsing import change, name_of, probabilities, view
from pages.components.frame import errors_shown
from pages.components.wall import Tile, digit_wall
from pages.components.wall_view import choose_classes, paged

_PAGE = 60
_BADGES: dict[store.Mark, str] = {"right": "✓", "wrong": "✗", "unclear": "?"}


def doubts_view(of: Collection) -> NDArray[np.int64]:
    """Show the digits whose labels are to be doubted; returns their rows, most doubtful first."""
    if of.part == "train":
        st.write(
            "Networks that had never seen these digits read them otherwise than the labels say."
            " (Each learned from four fifths of the digits and was asked about the rest:"
            " cross-validation.) Look for yourself: open one and say what you think of its label."
        )
        said = doubts.cross_validated()
    else:
        st.write(
            "Here the network that reads and the labels disagree most. Who is right? Open one"
            " and say what you think of its label."
        )
        answers = probabilities(of)
        if answers is None:
            return np.zeros(0, np.int64)
        said = answers
    choose_classes()
    ranking = doubts.rank(of.labels, said)
    rows = ranking.rows
    if view().classes:
        rows = rows[np.isin(of.labels[rows], view().classes)]
    sure = f", {ranking.issues:,} of them with full confidence" if ranking.issues else ""
    st.caption(
        f"Of {plural(len(of.labels), 'label')}, {np.count_nonzero(ranking.scores > 0.5):,} are"
        f" contradicted{sure}. The most doubtful come first.",
        help="Contradicted: another digit is found likelier than the label. With full confidence:"
        " as sure of another digit as, on average, of those that are labelled so (confident"
        " learning, C. Northcutt et al., 2021).",
    )
    marks: dict[int, store.Mark] = {}
    with errors_shown():  # without marks the rest is worth seeing
        if of.part != "generated":
            marks = store.marked(of.part)
    shown = paged(rows, _PAGE, "digit")
    digit_wall(
        of.images[shown],
        [_tile(of, row, ranking, marks) for row in shown.tolist()],
        key="doubtful",
        told="Digits whose labels are doubtful, the most doubtful first.",
        on_pick=lambda row: change(digit=(of.part, row)),
        columns=10,
        scale=2,
    )
    if of.part != "generated":
        st.download_button(
            "All marks as CSV",
            lambda: _marks_table(of),
            file_name=f"mnist-{of.part}-marks.csv",
            mime="text/csv",
            on_click="ignore",
            disabled=not marks,
            help="All that were marked here: number, label, mark."
            if marks
            else "Nothing is marked yet.",
        )
    return rows


def _tile(of: Collection, row: int, ranking: Ranking, marks: dict[int, store.Mark]) -> Tile:
    label, other = int(of.labels[row]), int(ranking.suggested[row])
    mark = marks.get(row)
    told = f"{name_of(of.part, row)}: labelled {label}; perhaps {other}"
    if mark:
        told += f"; marked: {mark}"
    return Tile(row, told, caption=f"{label}, or {other}?", badge=_BADGES[mark] if mark else "")


def _marks_table(of: Collection) -> bytes:
    return exports.table(
        ["part", "index", "label", "mark"],
        (
            [of.part, number, of.labels[number], mark]
            for number, mark in store.marked(of.part).items()
        ),
    )
