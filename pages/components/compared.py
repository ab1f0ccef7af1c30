"""How two networks read the same digits, compared once and kept while it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import comparison, handwriting, registry
from mnist_core.comparison import Difference
from mnist_core.words import a, plural
from pages.components import session
from pages.components.wall import Tile, digit_wall

_SHOWN = 60  # digits of a wall
_KEPT = 2  # what a page shows, and what it asks about


def compared(before: str, after: str, *, profile: int = 0) -> tuple[Difference, ...]:
    """Have two models read what there is to compare on; shows how far it is.

    The last two are kept, since the page runs again whenever a training begins or ends.

    Args:
        before: the id of one model.
        after: of the other.
        profile: the number of one whose held-out drawings are among it, first; 0: nobody's.

    Raises:
        ModelError: a model is missing or damaged.
        DataError: what they are compared on is damaged, or can't be kept.
        StoreError: the drawings can't be read.
    """
    drawings = handwriting.count(profile) if profile else None
    asked = registry.edition(before), registry.edition(after), profile, drawings
    kept: dict[Any, tuple[Difference, ...]] = st.session_state.get("compared", {})
    if asked not in kept:
        latest = list(kept.items())[-(_KEPT - 1) :]
        st.session_state.compared = kept = dict(latest) | {asked: _compare(before, after, profile)}
    return kept[asked]


def _compare(before: str, after: str, profile: int) -> tuple[Difference, ...]:
    one, other = session.load(before), session.load(after)
    bar = st.progress(0.0, text="Comparing the two networks ...")

    def report(words: str, share: float) -> None:
        bar.progress(share, text=f"{words} ...")

    try:
        on = comparison.yardsticks(profile=profile, report=report)
        bar.progress(1.0, text="Both read the same digits ...")
        return comparison.compare(one, other, on)
    finally:
        bar.empty()


def newly_wrong(each: Difference, *, where: str) -> None:
    """The digits of a set that only the network before reads right, if there are any.

    Args:
        each: the set, as both read it.
        where: part of the wall's key: a dialog may show the same as the page below it.
    """

    def tile(row: int) -> Tile:
        read = int(each.after[row])
        return Tile(row, _told(each, row, read), badge=str(read), wrong=True)

    how = "; the corner says as what"
    _wall(each, each.newly_wrong, "Newly misread", how, f"{where}newly_wrong", tile)


def newly_right(each: Difference) -> None:
    """The digits of a set that only the network after reads right, if there are any."""

    def tile(row: int) -> Tile:
        return Tile(row, f"{_told(each, row, int(each.before[row]))} before", badge="✓")

    _wall(each, each.newly_right, "Newly read right", "", "newly_right", tile)


def _told(each: Difference, row: int, read: int) -> str:
    return f"{a(int(each.on.labels[row]))}, read as {a(read)}".capitalize()


def _wall(
    each: Difference,
    rows: NDArray[np.int64],
    what: str,
    how: str,
    name: str,
    tile: Callable[[int], Tile],
) -> None:
    if not len(rows):
        return
    # Evenly out of all of them: they come in the order of the set, in which some are alike.
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).astype(int))]
    of = f"{len(some)} of {len(rows):,}" if len(some) < len(rows) else f"{len(rows)}"
    st.markdown(f"**{what} {each.on.name}** ({of}){how}:")
    digit_wall(
        each.on.images[some],
        [tile(int(row)) for row in some],
        key=f"{name}_{each.on.name}",
        told=f"{what}: {plural(len(some), 'digit')}.",
        on_pick=None,
        columns=15,
        scale=2,
    )
