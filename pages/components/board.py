"""The drawing board: the canvas, its pen and its buttons, and the drawing that outlives them."""

from __future__ import annotations

import time

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_core.strokes import BOARD, CANVAS, INK
from pages.components import asset
from pages.components.sketchbook import Sketchbook

_CANVAS = "board"
_SETTLED = 0.2  # seconds

_tools = st.components.v2.component(
    "digit_studio_board_tools",
    html=(
        '<div class="tools">'
        '<button type="button" class="undo" aria-label="Undo" aria-keyshortcuts="Control+Z">'
        "Undo<kbd>Ctrl+Z</kbd></button>"
        '<button type="button" class="clear">Clear</button></div>'
    ),
    css=asset("board.css"),
    js=asset("board_sent.js") + asset("board.js"),
)


def board(sketchbook: Sketchbook) -> None:
    """Show the board, and write what is drawn on it into the sketchbook."""
    if "pen_width" not in st.session_state:
        # The canvas comes to the page anew: after another page, or a picture in its place. Its
        # slider tells, since the canvas itself has no state before the first stroke is sent.
        sketchbook.lay_out()
    # What the slider says now, or said before the page was left.
    width = st.session_state.get("pen_width", sketchbook.pen_width)
    if width != sketchbook.pen_width:
        # While it moves it sends many values, and the canvas doesn't bear two at once (see
        # board.js). So let the next one come: it ends this run before the canvas gets anything.
        time.sleep(_SETTLED)
    sketchbook.pen_width = width
    with st.container(key="canvas"):
        result = st_canvas(
            stroke_width=sketchbook.pen_width,
            stroke_color=_hex(INK),
            background_color=_hex(BOARD),
            initial_drawing=sketchbook.laid_out,
            height=CANVAS,
            width=CANVAS,
            return_image_data=True,
            key=_CANVAS,
        )
    if result.json_data and (png := result.image_bytes):
        sketchbook.record(result.json_data, png)
    _tools(
        key="board_tools",
        data={
            "given": bool(sketchbook.laid_out and sketchbook.laid_out["objects"]),
            "pen": sketchbook.pen_width,
        },
        on_undo_change=sketchbook.undo,
        on_clear_change=sketchbook.clear,
        on_lost_change=sketchbook.lay_out,
    )
    st.slider("Pen width", 8, 32, sketchbook.pen_width, key="pen_width", format="%d px")


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + bytes(colour).hex()
