"""A row of pictures, one of which can be clicked."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from pages.components import asset

_gallery = st.components.v2.component(
    "digit_studio_gallery",
    html='<div class="row" role="group"></div>',
    css=asset("gallery.css"),
    js=asset("gallery.js"),
)


@dataclass(frozen=True)
class Picture:
    """A picture in a gallery: `source` is a data: address, `alt` says in words what it shows."""

    id: int
    source: str
    alt: str


def gallery(
    label: str,
    pictures: list[Picture],
    *,
    key: str,
    on_pick: Callable[[int], None],
    chosen: int | None = None,
    swipe: bool = False,
) -> None:
    """Show pictures in a row.

    Args:
        label: what they are, for people who don't see them.
        pictures: from left to right.
        key: of the widget.
        on_pick: called with the id of a picture that was clicked, before the page runs again.
        chosen: the id of the one to mark.
        swipe: on a phone, keep them in one line that can be pushed to the side.
    """
    _gallery(
        key=key,
        data={
            "label": label,
            "pictures": [asdict(p) for p in pictures],
            "chosen": chosen,
            "swipe": swipe,
        },
        on_picked_change=lambda: on_pick(int(st.session_state[key].picked)),
    )


def png_address(image: NDArray[np.uint8]) -> str:
    """An image, (H, W) grey or (H, W, 3) uint8, as a data: address."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
