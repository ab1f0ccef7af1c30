"""Charts of one reading, and the look that all of Plotly's charts share."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from mnist_core.words import percent

PENCIL = "#e8590c"  # as in style.css; stands out on both themes
# Ten bars of a component, for it to fill in.
BARS = "".join(f"<div><b>{digit}</b><i></i><span></span></div>" for digit in range(10))

_CONFIG = {"displayModeBar": False, "scrollZoom": False, "responsive": True}


def graphite() -> str:
    """A grey that can be read in the present theme; Plotly's own is too pale."""
    return "#a9b6c8" if st.context.theme.type == "dark" else "#526077"


def chart(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    height: int,
    axes: dict[str, Any] | None = None,
    **layout: Any,
) -> None:
    """Show a figure on the page's own ground, as wide as its place, with axes that stay put.

    Args:
        figure: what to show.
        key: of the chart.
        alt: what it shows, for people who don't see it.
        height: in pixels.
        axes: settings of both axes.
        layout: settings of the figure, in Plotly's names.
    """
    both = {"fixedrange": True, "tickfont": {"color": graphite()}, **(axes or {})}
    figure.update_layout(
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        **{"margin": {"l": 0, "r": 0, "t": 8, "b": 0}, **layout},
    )
    figure.update_xaxes(both).update_yaxes(both)
    st.plotly_chart(
        figure, key=key, alt=alt, config=_CONFIG, width=figure.layout.width or "stretch"
    )


def probability_bars(
    probabilities: NDArray[np.float32] | None, *, key: str = "probabilities"
) -> None:
    """Ten bars, one a digit, the highest marked.

    Args:
        probabilities: (10,) float32, 0-1; None shows ten empty bars.
        key: of the chart.
    """
    values = [0.0] * 10 if probabilities is None else [float(p) for p in probabilities]
    top = int(np.argmax(values))
    grey = graphite()
    figure = go.Figure(
        go.Bar(
            x=[str(digit) for digit in range(10)],
            y=values,
            marker={"color": [PENCIL if d == top else grey for d in range(10)]},
            text=[percent(v) if v >= 0.01 else "" for v in values],
            textposition="outside",
            textangle=0,
            textfont={"size": 12, "color": grey},
            constraintext="none",
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.2%}<extra></extra>",
        )
    )
    chart(
        figure,
        key=key,
        alt=told(probabilities),
        height=176,
        margin={"l": 0, "r": 0, "t": 22, "b": 0},
        bargap=0.25,
        xaxis={"type": "category", "tickfont": {"size": 15}},
        yaxis={"range": [0, 1], "visible": False},
    )


def told(probabilities: NDArray[np.float32] | None) -> str:
    """Ten probabilities in a sentence, for people who don't see them."""
    if probabilities is None:
        return "Probability of each digit: none yet."
    each = ", ".join(f"{d}: {percent(float(p))}" for d, p in enumerate(probabilities))
    return f"Probability of each digit: {each}."
