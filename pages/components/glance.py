"""The data set at a glance: how many, how they are kept, how the classes look and differ."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from mnist_core.collection import Collection
from mnist_core.words import a
from pages.components.browsing import PART_NAMES, change, name_of
from pages.components.charts import PENCIL, chart, graphite
from pages.components.wall import Tile, digit_wall

_PRINTED = """\
>>> print(images.shape, images.dtype)
({count}, 28, 28) {dtype}
>>> print(images.min(), images.max())
{low} {high}
>>> print(labels[:10])
{first}"""


def glance(parts: list[Collection]) -> None:
    """Show what `parts` hold; the first is the one that is learned from."""
    learned = parts[0]
    with st.spinner("Counting ..."):
        for part in parts:
            part.measures  # noqa: B018 - worked out when it is first asked for
    with st.container(horizontal=True):
        for part in parts:
            st.metric(PART_NAMES[part.part], f"{len(part.labels):,}", border=True)
        st.metric("Pixels of each", "28 × 28", border=True)
        st.metric(
            "Values",
            "0 – 255",
            border=True,
            help="0 is the black ground, 255 the white ink; between them lie the soft edges.",
        )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**As a notebook prints it**")
        st.code(
            _PRINTED.format(
                count=len(learned.labels),
                dtype=learned.images.dtype,
                low=learned.images.min(),
                high=learned.images.max(),
                first=learned.labels[:10],
            ),
            language="pycon",
        )
    with right:
        st.markdown("**The first ten, and their labels**")
        digit_wall(
            learned.images[:10],
            [
                Tile(row, f"{name_of(learned.part, row)}: {a(label)}", caption=str(label))
                for row, label in enumerate(learned.labels[:10].tolist())
            ],
            key="first_ten",
            told="The first ten digits.",
            on_pick=lambda row: change(digit=(learned.part, row)),
            columns=5,
            scale=2,
        )
    st.markdown("**How many there are of each**")
    _counts(parts)
    st.markdown("**The mean digit**", help="Pixel by pixel, the mean of all digits of a class.")
    _classes(learned, learned.measures.mean, "mean")
    st.markdown(
        "**Where they differ**",
        help="The standard deviation of each pixel within its class: black where all are alike,"
        " bright where writers differ.",
    )
    spread = learned.measures.spread
    _classes(learned, spread * (255 / max(float(spread.max()), 1)), "spread")


def _classes(of: Collection, pictures: np.ndarray, kind: str) -> None:
    measures = of.measures
    digit_wall(
        pictures.round().astype(np.uint8),
        [
            Tile(label, f"The {kind} of {measures.counts[label]:,} {label}s", caption=str(label))
            for label in range(10)
        ],
        key=f"class_{kind}",
        told=f"The {kind} of each class, 0 to 9.",
        on_pick=lambda label: change(
            look="wall", part=of.part, classes=(label,), order="typical", page=1
        ),
        columns=10,
        scale=2,
    )


def _counts(parts: list[Collection]) -> None:
    """Bars side by side: in per cent of their part, as the parts differ in size."""
    figure = go.Figure()
    for part, colour in zip(parts, (PENCIL, graphite()), strict=False):
        counts = part.measures.counts
        figure.add_bar(
            x=[str(digit) for digit in range(10)],
            y=100 * counts / counts.sum(),
            name=PART_NAMES[part.part],
            marker={"color": colour},
            customdata=counts,
            text=[f"{count:,}" for count in counts],
            textposition="inside",
            textangle=-90,
            insidetextfont={"size": 12, "color": "#fff" if colour == PENCIL else None},
            hovertemplate="%{x}: %{customdata:,} digits, %{y:.1f} %",
        )
    told = "; ".join(
        f"{PART_NAMES[part.part]}: "
        + ", ".join(f"{digit}: {count:,}" for digit, count in enumerate(part.measures.counts))
        for part in parts
    )
    chart(
        figure,
        key="counts",
        alt=f"How many of each digit. {told}.",
        height=220,
        bargap=0.2,
        legend={"orientation": "h", "y": 1.12, "x": 0},
        showlegend=len(parts) > 1,
        xaxis={"type": "category", "tickfont": {"size": 14}},
        yaxis={"ticksuffix": " %", "nticks": 5},
    )
