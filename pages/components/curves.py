"""Curves that are followed while they grow: one under the other, over the epochs.

Drawn by uPlot 1.6.32 (MIT licence, vendor/uPlot.LICENSE), the file dist/uPlot.iife.min.js of its
npm package unchanged, SHA-256 19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f.
Plotly's chart would lose the reader's zoom whenever its data changes.

Streamlit sends a component's script again with every change of its data. So the library and
curves.js are a component of their own, without data, which goes to the browser once; the one that
gets the data only calls them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.components import asset

_drawing = st.components.v2.component(
    "digit_studio_curves_drawing",
    js="\n".join(
        [asset("vendor/uPlot.iife.min.js"), asset("curves.js"), "export default function () {}"]
    ),
)
_curves = st.components.v2.component(
    "digit_studio_curves",
    html='<div class="curves" role="group"></div>',
    css=asset("curves.css"),
    # The one that draws may come to the page later than this.
    js="""
export default function (mount) {
  const show = () => globalThis.digitStudioCurves.show(mount);
  if (globalThis.digitStudioCurves) show();
  else document.addEventListener("curves-ready", show, { once: true });
  return () => {
    document.removeEventListener("curves-ready", show);
    globalThis.digitStudioCurves?.remove(mount.parentElement);
  };
}
""",
)


@dataclass(frozen=True)
class Line:
    """One line of a panel; NaN and infinite values leave a gap.

    Attributes:
        label: what the legend calls it; no two of a panel alike.
        x: N finite numbers, ascending, from 0 up.
        y: N numbers, in the panel's unit; not shown where a band is.
        style: "line"; "faint", for raw values behind a smooth line; "points", marks joined by a
            thin line.
        colour: a place in the theme's `chartCategoricalColors`; past its end it starts over.
        low: for "faint": N numbers, the lower edge of a band that is drawn instead of a line.
        high: its upper edge.
        bold: drawn thicker; may change from one update to the next.

    Raises:
        ValueError: the lengths differ, x isn't finite and ascending, or a band has one edge only
            or another style than "faint".
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: Literal["line", "faint", "points"] = "line"
    colour: int = 0
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    bold: bool = False

    def __post_init__(self) -> None:
        edges = [edge for edge in (self.low, self.high) if edge is not None]
        if len(edges) == 1 or (edges and self.style != "faint"):
            raise ValueError(f"{self.label}: a band needs low, high and the style 'faint'.")
        if any(len(values) != len(self.x) for values in (self.y, *edges)):
            raise ValueError(f"{self.label}: x, y and the edges of a band must be equally long.")
        x = np.asarray(self.x, float)
        if not np.isfinite(x).all() or (np.diff(x) < 0).any():
            raise ValueError(f"{self.label}: x must be finite and ascending.")


@dataclass(frozen=True)
class Panel:
    """Lines over one y axis.

    Attributes:
        title: stands above; no two panels alike.
        lines: drawn in this order, the last on top. With more than six, or where all labels
            have at most two letters, the legend is compact and the lines carry their labels.
        unit: "%" (values 0-100), "/s", or any other; shown behind the values.
        height: of axes and curves, in pixels.
        y_range: lowest and highest y; `None` follows the values in view.
        help: a sentence or two behind a question mark.
    """

    title: str
    lines: tuple[Line, ...]
    unit: str = ""
    height: int = 180
    y_range: tuple[float | None, float | None] = (None, None)
    help: str = ""


def curves(
    panels: Sequence[Panel],
    *,
    key: str,
    x_end: float | None = None,
    told: str,
) -> None:
    """Show panels one under the other; what is zoomed or hidden stays so while they grow.

    Args:
        panels: from top to bottom.
        key: of the component; another key starts with the whole run and nothing hidden.
        x_end: the planned end, in epochs; the x axis spans 0 to it, so that it doesn't move as
            data comes.
        told: one sentence that says what the curves show, for people who don't see them.
    """
    with st.container(key=f"{key}_curves", gap=None):
        _drawing(key=f"{key}_drawing")
        _curves(key=key, data=_payload(panels, x_end=x_end, told=told))


def _payload(panels: Sequence[Panel], *, x_end: float | None, told: str) -> dict[str, Any]:
    """What the browser gets. Lines often share their x, which is then sent once, under `xs`."""
    xs: dict[tuple[float | None, ...], int] = {}

    def line_of(line: Line) -> dict[str, Any]:
        edges = {"low": line.low, "high": line.high}
        return {
            "label": line.label,
            "style": line.style,
            "colour": line.colour,
            "bold": line.bold,
            "x": xs.setdefault(tuple(_numbers(line.x, digits=8)), len(xs)),
            "y": _numbers(line.y),
        } | {name: None if edge is None else _numbers(edge) for name, edge in edges.items()}

    return {
        "panels": [
            {
                "title": panel.title,
                "unit": panel.unit,
                "height": panel.height,
                "range": list(panel.y_range),
                "help": panel.help,
                "lines": [line_of(line) for line in panel.lines],
            }
            for panel in panels
        ],
        "xs": [list(x) for x in xs],
        "xEnd": x_end,
        "told": told,
    }


def _numbers(values: Sequence[float], *, digits: int = 6) -> list[float | None]:
    """Round to significant digits, which halves what is sent; what can't be drawn becomes None."""
    array: NDArray[np.float64] = np.asarray(values, float)
    return [
        float(f"{value:.{digits}g}") if math.isfinite(value) else None for value in array.tolist()
    ]
