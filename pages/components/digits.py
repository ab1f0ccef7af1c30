"""A board of small digits that are recoloured as a network learns to read them.

What changes (the marks) and what doesn't (the pictures) are two components, because Streamlit
sends a component's data again as a whole when any of it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.exports import tiled
from pages.components import asset
from pages.components.gallery import png_address

_sheet = st.components.v2.component(
    "digit_studio_digit_sheet",
    # The marks may be on the page before the sheet, or after it.
    js="""
const sheets = (globalThis.digitStudioSheets ??= new Map());
export default function ({ data }) {
  const { key, address } = data;
  sheets.set(key, address);
  document.dispatchEvent(new CustomEvent("digit-sheet", { detail: key }));
  return () => sheets.get(key) === address && sheets.delete(key);
}
""",
)
_digits = st.components.v2.component(
    "digit_studio_digits",
    html='<div class="digits"></div>',
    css=asset("digits.css"),
    js=asset("digits.js"),
)


@dataclass(frozen=True)
class DigitMark:
    """A digit on the board.

    Attributes:
        label: its true label, 0-9.
        read: what it is read as, 0-9; `None`: not read yet.
    """

    label: int
    read: int | None


def sprite_sheet(images: NDArray[np.uint8], columns: int = 20) -> str:
    """Lay pictures out in rows, as one PNG.

    Args:
        images: (N, 28, 28) uint8, bright ink on 0.
        columns: pictures a row, at least 1.

    Returns:
        A data: address; some 20 kB for 100 digits. Keep it, rather than make it in every run.
    """
    return png_address(tiled(images, columns))


def digit_board(
    sheet: str,
    *,
    shown: Sequence[DigitMark],
    key: str,
    columns: int = 20,
    told: str,
) -> None:
    """Show the digits of a sheet and how each is read.

    Args:
        sheet: from `sprite_sheet`.
        shown: one for each picture of the sheet, in its order.
        key: of the component.
        columns: pictures a row of the sheet; so many are side by side where there is room, half
            or a quarter of it where there isn't.
        told: one sentence that says how the board stands, for people who don't see it.
    """
    with st.container(key=f"{key}_digits", gap=None):
        _sheet(key=f"{key}_sheet", data={"key": key, "address": sheet})
        _digits(
            key=key,
            data={
                "sheet": key,
                "columns": columns,
                "marks": [[mark.label, mark.read] for mark in shown],
                "told": told,
            },
        )
