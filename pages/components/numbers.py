"""A digit as the numbers it is made of."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from pages.components import asset
from pages.components.charts import chart, graphite
from pages.components.gallery import png_address

_link = st.components.v2.component(
    "digit_studio_numbers", js=asset("numbers.js"), isolate_styles=False
)


def numbers(image: NDArray[np.uint8]) -> None:
    """Show a digit, (28, 28) uint8, as 784 numbers twice, and how often each value comes."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=570):
            st.markdown("**As it is kept: 0 to 255**")
            number_table(image, unit="0 to 255")
        with st.container(width=570):
            st.markdown("**As the network gets it: divided by 255**")
            number_table(image, unit="0 to 1")
    _histogram(image)


def number_table(image: NDArray[np.uint8], *, unit: str) -> None:
    """Show a digit, (28, 28) uint8, as a table; `unit` is "0 to 255" or "0 to 1"."""
    said = image.ravel().tolist()
    words = [str(v) for v in said] if unit == "0 to 255" else [_share(v) for v in said]
    st.html(_table(image, words, unit))


def pixel_picture(image: NDArray[np.uint8], *, key: str) -> None:
    """Show a digit, (28, 28) uint8, whose pixels point at their numbers, and the other way round.

    Args:
        image: the digit.
        key: of the container that holds this and `number_table`.
    """
    st.html(
        '<div class="ds-pixels" tabindex="0" role="application" aria-label="The digit as 28 by 28'
        ' pixels; the arrows go from pixel to pixel.">'
        f'<img src="{png_address(image)}" alt="" draggable="false"><i hidden></i></div>'
        '<p class="ds-pixel" aria-live="polite">Point at a pixel or a number.</p>'
    )
    _link(key=f"{key}_link", data=key)


def _share(value: int) -> str:
    """Two decimals, cut off, without the zero before the point, so that it fits."""
    return str(value // 255) if value in (0, 255) else f".{100 * value // 255:02}"


def _table(image: NDArray[np.uint8], words: list[str], unit: str) -> str:
    cells = [
        f'<td style="--ink:{value}">{word}</td>' if value else "<td>0</td>"
        for value, word in zip(image.ravel().tolist(), words, strict=True)
    ]
    rows = "".join(f"<tr>{''.join(cells[i : i + 28])}</tr>" for i in range(0, 784, 28))
    return (
        f'<div class="ds-numbers" tabindex="0" role="region" aria-label="Values, {unit}">'
        f"<table><caption>28 rows of 28 values, {unit}</caption><tbody>{rows}</tbody></table></div>"
    )


def _histogram(image: NDArray[np.uint8]) -> None:
    zeros = int((image == 0).sum())
    counts, edges = np.histogram(image[image > 0], bins=16, range=(0, 256))
    figure = go.Figure(
        go.Bar(
            x=edges[:-1] + 8,
            y=counts,
            marker={"color": graphite()},
            customdata=[f"{int(low)} to {int(low) + 15}" for low in edges[:-1]],
            hovertemplate="%{customdata}: %{y} pixels<extra></extra>",
        )
    )
    st.markdown(
        f"**How often each value comes**: 0 (the ground) {zeros} times of 784; of the other"
        f" {784 - zeros}, in steps of 16:"
    )
    told = ", ".join(
        f"{int(e)} to {int(e) + 15}: {c}" for e, c in zip(edges[:-1], counts, strict=True)
    )
    chart(
        figure,
        key="histogram",
        alt=f"Histogram of values. {told}.",
        height=180,
        bargap=0.1,
        xaxis={"tickvals": [1, 64, 128, 192, 255]},
        yaxis={"nticks": 4},
    )
