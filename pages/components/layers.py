"""A layer of a network, as pictures or bars, with a sentence that says what it does."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from mnist_core.explanation import LayerSeen
from mnist_core.words import plural
from pages.components.charts import PENCIL, chart, graphite
from pages.components.wall import Tile, digit_wall

_SIDE = 28


def show_layer(number: int, layer: LayerSeen) -> None:
    """Show what a layer is, does, and says of the digit."""
    title, sentence = _words(layer)
    shape = " × ".join(str(length) for length in layer.values.shape)
    st.markdown(
        f"**{number}. {title}**  \n:small[{shape} numbers, {plural(layer.parameters, 'parameter')}."
        f" {sentence}]"
    )
    if layer.values.ndim == 3:
        pictures = layer.pictures()
        digit_wall(
            _enlarged(pictures),
            [
                Tile(place, f"Filter {place}: highest value {layer.values[..., place].max():.2f}")
                for place in range(len(pictures))
            ],
            key=f"layer_{layer.name}",
            told=f"What the {len(pictures)} filters of layer {number} find in the digit.",
            on_pick=None,
            columns=12,
            scale=2,
        )
    elif layer.activation != "softmax":
        _bars(number, layer)


def _words(layer: LayerSeen) -> tuple[str, str]:
    window = "" if layer.window is None else f"{layer.window[0]} × {layer.window[1]}"
    match layer.kind:
        case "conv2d":
            return (
                f"Convolution, {layer.values.shape[-1]} filters of {window}",
                "Each filter looks for one small pattern everywhere; bright is where it is found.",
            )
        case "dense":
            return (
                f"Dense, {plural(len(layer.values), 'unit')}",
                "Each unit adds up all the numbers before it, each times a weight of its own.",
            )
        case "max_pool" | "average_pool":
            kind = "highest" if layer.kind == "max_pool" else "mean"
            return f"Pooling, {window}", f"Keeps the {kind} of every {window} values."
        case "global_average":
            return "Mean of each picture", "How much of its pattern each filter found in all."
        case "flatten":
            return "In one line", "The same numbers, one after the other."
    if layer.activation == "softmax":
        return "Softmax", "Makes probabilities of the sums: above 0, and 1 together."
    return layer.activation, "Bends each number."


def _enlarged(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(C, H, W) -> (C, 28, 28), pixels kept sharp."""
    rows, columns = (np.arange(_SIDE) * side // _SIDE for side in pictures.shape[1:])
    return pictures[:, rows][:, :, columns]


def _bars(number: int, layer: LayerSeen) -> None:
    values = layer.values
    grey = graphite()
    figure = go.Figure(
        go.Bar(
            x=list(range(len(values))),
            y=values,
            marker={"color": [PENCIL if v == values.max() else grey for v in values.tolist()]},
            hovertemplate="%{x}: %{y:.3f}<extra></extra>",
        )
    )
    chart(
        figure,
        key=f"layer_{layer.name}",
        alt=f"The {len(values)} values of layer {number}; the highest is that of unit"
        f" {int(values.argmax())}, {values.max():.2f}.",
        height=120,
        bargap=0.1,
        xaxis={"dtick": 1} if len(values) <= 10 else {"nticks": 10},
        yaxis={"nticks": 3},
    )
