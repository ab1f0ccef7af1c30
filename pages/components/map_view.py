"""The map: digits as points, alike ones close together, and a wall of those that are selected."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import maps
from mnist_core.collection import Collection
from mnist_core.maps import DigitMap
from mnist_core.words import a, plural
from pages.components.browsing import change, field, name_of, view, wait
from pages.components.digit_map import MapPoints, digit_map, map_sheet, within
from pages.components.view import LAYOUTS
from pages.components.wall import Tile, digit_wall
from pages.components.wall_view import PAGE, paged

_LAYOUT_NAMES = {"pca": "Main directions", "neighbours": "Neighbours"}
_LAYOUT_HELP = (
    "Main directions (PCA): the two directions in which digits differ most; like a shadow of the"
    " whole. Neighbours (t-SNE): digits that are alike are put close together; how far apart two"
    " groups are says little."
)


def map_view(of: Collection) -> NDArray[np.int64]:
    """Show the map; returns the rows that are selected on it, all where nothing is."""
    drawn, waiting = None, False
    if of.part != "generated":
        layout = field(
            st.segmented_control,
            "Layout",
            "layout",
            LAYOUTS,
            format_func=_LAYOUT_NAMES.__getitem__,
            help=_LAYOUT_HELP,
            required=True,
        )
        if layout == "neighbours":
            drawn = maps.kept_map(of.part)
            waiting = drawn is None
        if waiting:
            wait(
                partial(maps.status, of.part),
                partial(maps.start, of.part),
                words="Putting alike digits close together, once ...",
                key=maps.task(of.part),
            )
    layout = "neighbours" if drawn else "pca"
    # A selection belongs to the map it was drawn on, which may still be in the making.
    lasso = () if waiting else view().lasso
    drawn = drawn or _pca(of)
    points = MapPoints(
        f"{of.part}-{layout}",
        drawn.places,
        of.labels[drawn.rows],
        drawn.rows,
        _sheet(of),
        names=name_of(of.part, "{id}: labelled {label}"),
    )
    digit_map(
        points,
        key=f"map_{of.part}",
        hidden=view().hidden,
        lasso=lasso,
        told=f"Map of {plural(len(drawn.rows), 'digit')}; colours and large numbers are labels.",
        on_lasso=lambda corners: change(layout=layout, lasso=tuple(corners), page=1),
        on_hide=lambda hidden: change(hidden=tuple(hidden)),
        on_pick=lambda row: change(digit=(of.part, row)),
    )
    if len(drawn.rows) < len(of.labels):
        st.caption(f"{len(drawn.rows):,} of the {len(of.labels):,}, each class with its share.")
    seen = ~np.isin(points.labels, view().hidden)
    if not lasso:
        return drawn.rows[seen].astype(np.int64)
    rows = drawn.rows[seen & within(points, lasso)].astype(np.int64)
    st.markdown(f"**Selected:** {_mixture(of, rows)}")
    shown = paged(rows, PAGE, "digit")
    # Who is of another class than most around is an impostor; in a mixture nobody is.
    counts = np.bincount(of.labels[rows], minlength=10)
    usual, mixed = counts.argmax(), 2 * counts.max() <= counts.sum()
    digit_wall(
        of.images[shown],
        [
            Tile(
                row,
                f"{name_of(of.part, row)}: {a(label)}",
                badge="" if label == usual or mixed else str(label),
                wrong=label != usual and not mixed,
            )
            for row, label in zip(shown.tolist(), of.labels[shown].tolist(), strict=True)
        ],
        key="selected",
        told="The digits selected on the map.",
        on_pick=lambda row: change(digit=(of.part, row)),
        columns=25,
    )
    return rows


def _mixture(of: Collection, rows: NDArray[np.int64]) -> str:
    """How many of each, the most first."""
    counts = np.bincount(of.labels[rows], minlength=10)
    order = np.argsort(-counts, kind="stable")
    return ", ".join(f"{counts[d]:,} × {d}" for d in order if counts[d]) or "nothing"


# Cached by which part it is, which is verified, not by the megabytes that it holds.
_by_part: dict[str | type[Any], Callable[[Any], Any]] = {Collection: lambda of: of.part}


@st.cache_resource(show_spinner="Drawing the map ...", max_entries=3, hash_funcs=_by_part)
def _pca(of: Collection) -> DigitMap:
    return maps.pca_map(of.images, maps.sampled_rows(of.labels))


@st.cache_resource(show_spinner="Drawing its digits ...", max_entries=3, hash_funcs=_by_part)
def _sheet(of: Collection) -> str:
    return map_sheet(of.images[maps.sampled_rows(of.labels)])
