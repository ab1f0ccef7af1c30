"""The values of a layer, as pictures or as a strip, each of which can be picked."""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.components import asset

Place = tuple[int, ...]

_units = st.components.v2.component(
    "digit_studio_units",
    html=(
        '<div class="units"><canvas tabindex="0" role="application"'
        ' aria-roledescription="values of a layer"></canvas>'
        '<p class="at" aria-live="polite"></p></div>'
    ),
    css=asset("inside/units.css"),
    js=asset("inside/units.js"),
)


def unit_picker(
    values: NDArray[np.float32],
    *,
    key: str,
    told: str,
    of: str,
    chosen: Place,
    on_pick: Callable[[Place], None],
) -> None:
    """Show what a layer says; a click, or the arrows and Enter, pick a unit.

    Args:
        values: (H, W, C): C pictures, or (C,): a strip.
        key: of the component.
        told: what it shows, for people who don't see it.
        of: what the C are called, such as "Filter".
        chosen: the unit to mark: (row, column, filter), or (unit,).
        on_pick: called with a unit's place, before the page runs again.
    """
    _units(
        key=key,
        data={
            "shape": list(values.shape),
            "values": base64.b64encode(values.astype("<f4").tobytes()).decode("ascii"),
            "told": told,
            "of": of,
            "chosen": list(chosen),
        },
        on_picked_change=lambda: on_pick(_place(st.session_state[key].picked)),
    )


def _place(picked: object) -> Place:
    """What a browser says was picked; nothing if that is no place."""
    indices = picked if isinstance(picked, list) else []
    return tuple(index for index in indices if isinstance(index, int))
