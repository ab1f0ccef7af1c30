"""A map of digits: a dot each, alike ones close together. It can be moved, zoomed, drawn around.

Four components: the script, the sheet of pictures and the places go to the browser once each,
because Streamlit sends a component's script and data again as a whole when any of its data
changes. The fourth gets what changes with every click.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.exports import tiled
from pages.components import asset
from pages.components.wall import sheet_address

Lasso = Sequence[tuple[float, float]]

_SHEET_COLUMNS: Final = 100
_GREYS: Final = 7  # of a sheet; all 256 would make it more than twice as large

_drawing = st.components.v2.component(
    "digit_studio_map_drawing",
    js="\n".join(
        [
            *(asset(f"digit_map{part}.js") for part in ("_shapes", "_paint", "_hands", "")),
            "export default function () {}",
        ]
    ),
)
# A part of what a map shows. The map may be on the page before its parts, or after them.
_part = st.components.v2.component(
    "digit_studio_map_part",
    js="""
const parts = (globalThis.digitStudioMapParts ??= new Map());
export default function ({ data }) {
  const { name, part } = data;
  parts.set(name, part);
  document.dispatchEvent(new CustomEvent("digit-map-part", { detail: name }));
  return () => parts.get(name) === part && parts.delete(name);
}
""",
)
_map = st.components.v2.component(
    "digit_studio_map",
    html='<div class="digit-map" role="group"></div>',
    css=asset("digit_map.css"),
    # The one that draws may come to the page later than this.
    js="""
export default function (mount) {
  const show = () => globalThis.digitStudioMap.show(mount);
  if (globalThis.digitStudioMap) show();
  else document.addEventListener("digit-map-ready", show, { once: true });
  return () => {
    document.removeEventListener("digit-map-ready", show);
    globalThis.digitStudioMap?.remove(mount.parentElement);
  };
}
""",
)


@dataclass(frozen=True)
class MapPoints:
    """Digits and where they lie.

    Attributes:
        id: of this layout. Where another layout has the same `ids`, its points glide there.
        places: (N, 2) float32, 0-1: x to the right, y down.
        labels: (N,) uint8, 0-9.
        ids: (N,) integers below 2**31; handed to `on_pick`.
        sheet: from `map_sheet`, in the same order; empty: no pictures.
        names: what a point is called, with `{id}` and `{label}` in it.

    Raises:
        ValueError: the lengths differ, a place isn't finite, or a label is no digit.
    """

    id: str
    places: NDArray[np.float32]
    labels: NDArray[np.uint8]
    ids: NDArray[np.integer[Any]]
    sheet: str
    names: str = "Test digit {id}: labelled {label}"

    def __post_init__(self) -> None:
        count = len(self.places)
        if self.places.shape != (count, 2) or self.labels.shape != (count,):
            raise ValueError("Places are (N, 2) and labels (N,), with the same N.")
        if self.ids.shape != (count,):
            raise ValueError("There must be as many ids as places.")
        if not np.isfinite(self.places).all():
            raise ValueError("Places must be finite.")
        if count and self.labels.max() > 9:
            raise ValueError("Labels must be digits.")


def map_sheet(images: NDArray[np.uint8]) -> str:
    """Lay the pictures of a map out in rows of 100, in seven greys, as one WebP.

    Args:
        images: (N, 28, 28) uint8, bright ink on 0.

    Returns:
        A data: address; some 1 MB and half a second for 10,000 digits: keep it.
    """
    if not len(images):
        return ""
    steps = (np.arange(256) * (_GREYS - 1) + 127) // 255
    greys = (steps * 255 // (_GREYS - 1)).astype(np.uint8)
    # An array of greys by grey would take eight times the memory of the pictures.
    fewer = np.frombuffer(images.tobytes().translate(greys.tobytes()), np.uint8)
    return sheet_address(tiled(fewer.reshape(images.shape), _SHEET_COLUMNS))


def within(points: MapPoints, lasso: Lasso) -> NDArray[np.bool_]:
    """Which points a lasso holds, (N,), by the very arithmetic the browser uses.

    Those of a hidden class are held, too. A lasso of fewer than three corners holds none.
    """
    inside = np.zeros(len(points.places), bool)
    if len(lasso) < 3:
        return inside
    px, py = points.places.astype(np.float64).T
    corners = [(float(x), float(y)) for x, y in lasso]
    # A ray to the right crosses the edges of a polygon an odd number of times from inside.
    for (x1, y1), (x2, y2) in zip(corners, [corners[-1], *corners[:-1]], strict=True):
        if y1 != y2:
            crossed = (y1 > py) != (y2 > py)
            inside ^= crossed & (px < (x2 - x1) * (py - y1) / (y2 - y1) + x1)
    return inside


def digit_map(
    points: MapPoints,
    *,
    key: str,
    hidden: Sequence[int],
    lasso: Lasso,
    told: str,
    on_lasso: Callable[[list[tuple[float, float]]], None],
    on_hide: Callable[[list[int]], None],
    on_pick: Callable[[int], None],
) -> None:
    """Show the map. What the reader does appears at once; the page is told and may keep it.

    Hand back as `hidden` and `lasso` what the page was told; anything else is shown in place of
    it. An answer to what the reader did two clicks ago takes nothing back.

    Args:
        points: the same object, or an equal one, in all runs that show the same map.
        key: of the component; another key starts with the whole map in view.
        hidden: digits whose points are not shown.
        lasso: corners of a polygon in the coordinates of `places`; empty: none.
        told: what the map shows, for people who don't see it.
        on_lasso: called with the lasso's corners, 3 to 40 of them; empty: it was taken away.
        on_hide: called with all hidden digits, ascending.
        on_pick: called with the id of a point that was clicked.
    """

    # The reader's deeds are counted; the map goes by what comes from a page that has heard of all.
    turn = f"{key}_turn"

    def hears(name: str, tell: Callable[[Any], None]) -> Callable[[], None]:
        def heard() -> None:
            said = getattr(st.session_state[key], name)
            st.session_state[turn] = int(said["turn"])
            tell(said["value"])

        return heard

    digest = hashlib.sha1(points.sheet.encode("ascii"), usedforsecurity=False).hexdigest()
    sheet = {"address": points.sheet, "digest": digest}
    with st.container(key=f"{key}_map", gap=None):
        _drawing(key=f"{key}_drawing")
        _part(key=f"{key}_sheet", data={"name": f"{key}/sheet", "part": sheet})
        places = {"name": f"{key}/points", "part": _sent(points, digest)}
        _part(key=f"{key}_points", data=places)
        _map(
            key=key,
            data={
                "key": key,
                "turn": st.session_state.get(turn, 0),
                "hidden": sorted({int(digit) for digit in hidden}),
                "lasso": [[float(x), float(y)] for x, y in lasso],
                "told": told,
            },
            on_lasso_change=hears(
                "lasso", lambda line: on_lasso([(float(x), float(y)) for x, y in line])
            ),
            on_hide_change=hears("hide", on_hide),
            on_pick_change=hears("pick", on_pick),
        )


def _sent(points: MapPoints, digest: str) -> dict[str, Any]:
    """The points as the browser gets them: arrays as base64 of their bytes, little-endian."""

    def packed(array: NDArray[Any], kind: str) -> str:
        return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode("ascii")

    return {
        "id": points.id,
        "places": packed(points.places, "<f4"),
        "labels": packed(points.labels, "u1"),
        "ids": packed(points.ids, "<i4"),
        "sheet": digest if points.sheet else None,
        "columns": _SHEET_COLUMNS,
        "names": points.names,
    }
