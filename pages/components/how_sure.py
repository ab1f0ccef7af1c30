"""How sure a network is, and how often it is right: a reliability diagram."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from mnist_core.calibration import Reliability, reliability
from mnist_core.words import percent, plural
from pages.components.charts import PENCIL, chart, graphite

_FEW = 10  # digits in a bin below which its share says little


def how_sure(probabilities: NDArray[np.float32], labels: NDArray[np.uint8], *, key: str) -> None:
    """Show how far a network's own certainty can be trusted (C. Guo et al. 2017).

    Args:
        probabilities: (N, 10), what it said of N >= 1 digits.
        labels: (N,) uint8.
        key: of the chart.
    """
    found = reliability(probabilities, labels)
    st.markdown(
        "Of the digits that it calls 90 % sure, nine in ten should be right, and so on: then its"
        " percentages can be believed. This is called calibration. " + _sentence(found)
    )
    chart(
        _figure(found),
        key=key,
        alt=_told(found),
        height=300,
        axes={"range": [0, 1.02], "tickformat": ".0%", "dtick": 0.2},
        xaxis={"title": {"text": "How sure it was", "font": {"color": graphite()}}},
        yaxis={"title": {"text": "Share read right", "font": {"color": graphite()}}},
        margin={"l": 0, "r": 20, "t": 8, "b": 0},  # for the last number
        showlegend=False,
    )
    st.caption(
        "Each bar: the digits of which it was about so sure; point at it for its numbers. Dashed:"
        f" right just as often as it says. Striped: fewer than {_FEW} digits, which is mostly"
        " chance."
    )


def _sentence(found: Reliability) -> str:
    filled = found.counts > 0
    surplus = float((found.counts * (found.confidence - found.accuracy))[filled].sum())
    way = "less" if surplus > 0 else "more"
    return (
        f"Here the two are **{100 * found.error:.2f} percentage points** apart on average (the"
        f" expected calibration error; 0 is perfect): on the whole it is {way} often right than it"
        " says."
    )


def _figure(found: Reliability) -> go.Figure:
    grey = graphite()
    filled = np.flatnonzero(found.counts)
    few = found.counts[filled] < _FEW
    bars = go.Bar(
        x=((found.edges[:-1] + found.edges[1:]) / 2)[filled],
        y=found.accuracy[filled],
        width=0.9 * (found.edges[1] - found.edges[0]),
        marker={
            "color": grey,
            "opacity": [0.45 if each else 0.85 for each in few],
            "pattern": {"shape": ["/" if each else "" for each in few], "size": 6},
        },
        hovertext=[_bin(found, each) for each in filled.tolist()],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    diagonal = go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": PENCIL, "dash": "dash", "width": 2},
        hoverinfo="skip",
    )
    return go.Figure([bars, diagonal])


def _bin(found: Reliability, place: int) -> str:
    return (
        f"{plural(int(found.counts[place]), 'digit')}: {percent(float(found.confidence[place]))}"
        f" sure on average,<br>{_share(float(found.accuracy[place]))} right"
    )


def _share(share: float) -> str:
    """A share that was counted, so all and none are what they are."""
    return f"{100 * share:.0f} %" if share in (0, 1) else percent(share)


def _told(found: Reliability) -> str:
    """The diagram in words, for people who don't see it."""
    bins = [_bin(found, each) for each in np.flatnonzero(found.counts).tolist()]
    return f"Reliability diagram. {'. '.join(bins)}.".replace("<br>", " ")
