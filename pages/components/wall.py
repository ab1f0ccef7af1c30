"""A wall of digits that can be picked, all out of one sheet of pictures.

The sheet travels with what is said about its pictures, so that the two always change together.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from mnist_core.exports import tiled
from pages.components import asset

_SHEET_COLUMNS = 20
_BADGE = 2  # characters that fit a corner

_wall = st.components.v2.component(
    "digit_studio_wall",
    html='<div class="wall"></div>',
    css=asset("wall.css"),
    js=asset("wall.js"),
)


@dataclass(frozen=True)
class Tile:
    """What is said about a picture of the wall.

    Attributes:
        id: handed to `on_pick`.
        told: its title and accessible name, such as "Test digit 947: an 8".
        caption: a few words under the picture; all tiles of a wall have one, or none has.
        badge: one or two characters in a corner, such as the digit it is misread as, or a mark.
        wrong: a frame in the colour of errors; the badge should say it as well.

    Raises:
        ValueError: the badge is longer.
    """

    id: int
    told: str
    caption: str = ""
    badge: str = ""
    wrong: bool = False

    def __post_init__(self) -> None:
        if len(self.badge) > _BADGE:
            raise ValueError(f"A badge has at most {_BADGE} characters, not {self.badge!r}.")


def wall_sheet(images: NDArray[np.uint8]) -> str:
    """Lay pictures out in rows of 20, as one lossless WebP.

    Args:
        images: (N, 28, 28) uint8.

    Returns:
        A data: address, empty where N is 0; some 40 kB and 5 ms for 200 digits, a sixth smaller
        than PNG.
    """
    return sheet_address(tiled(images, _SHEET_COLUMNS)) if len(images) else ""


def sheet_address(sheet: NDArray[np.uint8]) -> str:
    """A grey sheet (H, W) uint8 as a data: address, without loss."""
    buffer = io.BytesIO()
    # Without loss, quality is effort; more of it takes much longer for a few per cent.
    Image.fromarray(sheet).save(buffer, "WEBP", lossless=True, quality=0, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def digit_wall(
    images: NDArray[np.uint8],
    tiles: Sequence[Tile],
    *,
    key: str,
    told: str,
    on_pick: Callable[[int], None] | None,
    columns: int = 20,
    scale: int = 1,
    chosen: int | None = None,
) -> None:
    """Show digits side by side. The keyboard has one stop here; inside, arrows move.

    Args:
        images: (N, 28, 28) uint8, bright ink on 0; made for a few hundred.
        tiles: what is said about them, in the same order.
        key: of the component.
        told: what the wall shows, for people who don't see it.
        on_pick: called with the id of a tile that was picked, before the page runs again; `None`:
            a plain picture.
        columns: at most so many are side by side; fewer where there is no room.
        scale: at least so many device-independent pixels a pixel of a digit; more where all
            columns have room for it.
        chosen: the id of the tile to mark.

    Raises:
        ValueError: images and tiles differ in number or have another shape, some tiles only have
            a caption, or columns or scale is below 1.
    """
    data = _payload(
        images,
        tiles,
        told=told,
        pickable=on_pick is not None,
        columns=columns,
        scale=scale,
        chosen=chosen,
    )
    if on_pick is None:
        _wall(key=key, data=data)
    else:
        pick = on_pick
        _wall(
            key=key,
            data=data,
            on_picked_change=lambda: pick(int(st.session_state[key].picked)),
        )


def _payload(
    images: NDArray[np.uint8],
    tiles: Sequence[Tile],
    *,
    told: str,
    pickable: bool,
    columns: int,
    scale: int,
    chosen: int | None,
) -> dict[str, Any]:
    """What the browser gets."""
    if images.shape != (len(tiles), 28, 28):
        raise ValueError(f"{len(tiles)} tiles need as many pictures of 28x28, not {images.shape}.")
    if len({bool(tile.caption) for tile in tiles}) > 1:
        raise ValueError("All tiles of a wall have a caption, or none has.")
    if columns < 1 or scale < 1:
        raise ValueError("Columns and scale are at least 1.")
    return {
        "sheet": wall_sheet(images),
        "sheetColumns": _SHEET_COLUMNS,
        # Lists rather than objects: the names would be half of what is sent.
        "tiles": [[t.id, t.told, t.caption, t.badge, int(t.wrong)] for t in tiles],
        "told": told,
        "pickable": pickable,
        "columns": columns,
        "scale": scale,
        "chosen": chosen,
    }
