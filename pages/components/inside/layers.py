"""Step 2: through the layers, each as pictures or a strip, with the arithmetic of any unit."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.explanation import LayerSeen, unit_sum
from mnist_core.words import plural
from pages.components.glossary import prose
from pages.components.inside.snippets import code
from pages.components.inside.sums import called, told_sum
from pages.components.inside.units import Place, unit_picker


def through_all_layers(layers: tuple[LayerSeen, ...], digit: NDArray[np.uint8]) -> None:
    """Show every layer, from `explanation.through_the_layers`, of a digit (28, 28) uint8."""
    prose(
        "Each layer turns the numbers before it into new ones. Bright is a high value, black is"
        " 0, blue with a dash is below 0. Pick any [[unit]], and beside it you see how it comes by"
        " its value: inputs times [[weights|weight]], added up, plus a [[bias]], then an"
        " [[activation]]. It is y = mx + b, many times."
    )
    for number, layer in enumerate(layers, 1):
        _card(number, layer, digit)
    code("layers")
    code("unit")


def _card(number: int, layer: LayerSeen, digit: NDArray[np.uint8]) -> None:
    """One layer, with the unit that was picked."""
    title, sentence = _words(layer)
    shape = " × ".join(str(length) for length in layer.values.shape)
    st.markdown(f"**{number}. {title}**")
    prose(f"{shape} numbers, {plural(layer.parameters, 'parameter')}. {sentence}")
    key = f"unit_{number}"
    chosen = _chosen(layer, st.session_state.get(f"{key}_at"))

    def pick(place: Place) -> None:
        st.session_state[f"{key}_at"] = place

    with st.container(horizontal=True, gap="medium", key=f"layer_{number}"):
        with st.container(width=460):
            unit_picker(
                layer.values,
                key=key,
                told=_told(number, layer),
                of=called(layer),
                chosen=chosen,
                on_pick=pick,
            )
        with st.container(width=440):
            st.html(told_sum(unit_sum(layer, chosen), layer, digit))


def _chosen(layer: LayerSeen, place: Place | None) -> Place:
    """The unit that was picked, if the layer has it; otherwise the one with the highest value."""
    if place is not None and layer.has(place):
        return place
    return tuple(int(i) for i in np.unravel_index(layer.values.argmax(), layer.values.shape))


def _told(number: int, layer: LayerSeen) -> str:
    """The layer in words, for people who don't see it."""
    values = layer.values
    if values.ndim == 3:
        strongest = ", ".join(
            f"{k} ({values[..., k].max():.2f})"
            for k in np.argsort(-values.max(axis=(0, 1)), kind="stable")[:3].tolist()
        )
        what = f"What the {plural(values.shape[2], 'filter')} of layer {number} find in the digit"
        return f"{what}. Highest values: filter {strongest}. Arrows move, Enter picks."
    strongest = ", ".join(
        f"{k} ({values[k]:.2f})" for k in np.argsort(-values, kind="stable")[:3].tolist()
    )
    return (
        f"The {len(values)} values of layer {number}. Highest: {strongest}. Arrows move, Enter"
        " picks."
    )


def _words(layer: LayerSeen) -> tuple[str, str]:
    """What a layer is called, and what it does, with terms marked as `prose` takes them."""
    window = "" if layer.window is None else f"{layer.window[0]} × {layer.window[1]}"
    match layer.kind:
        case "conv2d":
            return (
                f"Convolution, {plural(layer.values.shape[-1], 'filter')} of {window}",
                "Each [[filter]] looks for one small pattern everywhere ([[convolution]]); bright"
                " is where it is found.",
            )
        case "dense" if layer.name == "logits":
            return (
                "Dense, 10 units: the logits",
                "One sum for each digit, its [[logit]]: all numbers before, each times a [[weight]]"
                " of its own.",
            )
        case "dense":
            return (
                f"Dense, {plural(len(layer.values), 'unit')}",
                "A [[hidden layer]]: each unit adds up all the numbers before it, each times a"
                " [[weight]] of its own ([[dense layer]]).",
            )
        case "max_pool" | "average_pool":
            kind = "highest" if layer.kind == "max_pool" else "mean"
            return f"Pooling, {window}", f"Keeps the {kind} of every {window} values."
        case "global_average":
            return "Mean of each picture", "How much of its pattern each filter found in all."
        case "flatten":
            return "In one line", "The same numbers, one after the other."
    if layer.activation == "softmax":
        return "Softmax", "Makes probabilities of the logits ([[softmax]]); step 3 shows how."
    return layer.activation, "Bends each number ([[activation]])."
