"""Was it read right? A button that says so, and ten keys that say what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from mnist_core.words import a
from pages.components import asset

KEY = "was_it_right"  # live.js knows it, too

Press = int | Literal["undo"]  # the digit that it was, 0-9, or that it is not to be stored

_keys = st.components.v2.component(
    "digit_studio_keys",
    html=(
        '<div class="judge" role="group" aria-label="Was it read right?">'
        '<p><button type="button" class="right">Right</button><span class="ask">No, it was a</span>'
        '<span class="told" role="status"></span>'
        '<button type="button" class="undo" hidden>Undo</button><kbd>type 0–9</kbd></p>'
        '<div class="keys">'
        + "".join(
            f'<button type="button" title="Type {digit}" aria-keyshortcuts="{digit}"'
            f' aria-label="It was {a(digit)}">{digit}</button>'
            for digit in range(10)
        )
        + "</div></div>"
    ),
    css=asset("keys.css"),
    js=asset("keys.js"),
)


def keys(
    *,
    picture: str,
    read: int | None,
    stored: int | None,
    turn: int,
    on_press: Callable[[Press], None],
) -> None:
    """Show them. Digits can be typed, too, wherever nothing else is typed on the page.

    What is pressed right after the pen is lifted is sent once the canvas has sent the stroke.

    Args:
        picture: tells one picture from another; empty: there is nothing to say about.
        read: the digit it was read as, 0-9; None: as none.
        stored: as which digit it is stored; None: it isn't.
        turn: how many presses were acted on, so that the one that waits knows its answer.
        on_press: called with what was pressed, before the page runs again.
    """

    def pressed() -> None:
        value: Any = st.session_state[KEY].pressed
        if value == "undo" or (type(value) is int and 0 <= value <= 9):
            on_press(value)

    _keys(
        key=KEY,
        data={
            "picture": picture,
            "ready": bool(picture),
            "read": read,
            "stored": stored,
            "turn": turn,
        },
        on_pressed_change=pressed,
    )
