"""What is chosen, to take along."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import exports
from mnist_core.collection import Collection
from mnist_core.words import plural

_MOST = 10_000  # digits in a table or a sheet: as a table, 18 MB


def export(of: Collection, rows: NDArray[np.int64]) -> None:
    """Offer the chosen digits as a sheet of pictures, as arrays and as a table."""
    if not len(rows):
        return
    some = rows[:_MOST]
    name = "generated" if of.part == "generated" else f"mnist-{of.part}"
    words = f"Take along {plural(len(rows), 'digit')}"
    # Made only when they are asked for: making them takes up to a few seconds.
    with st.popover(words):
        if len(some) < len(rows):
            st.caption(f"Sheet and table hold the first {_MOST:,}, in the order shown.")
        _offer("Sheet (PNG)", f"{name}-{len(some)}.png", lambda: exports.as_sheet(of.images[some]))
        _offer(
            "Arrays (npz)",
            f"{name}-{len(rows)}.npz",
            lambda: exports.as_npz(of.images[rows], of.labels[rows], rows),
        )
        _offer(
            "Table (CSV)",
            f"{name}-{len(some)}.csv",
            lambda: exports.as_csv(of.images[some], of.labels[some], some),
        )


def _offer(label: str, file: str, make: Callable[[], bytes]) -> None:
    kinds = {"png": "image/png", "npz": "application/octet-stream", "csv": "text/csv"}
    st.download_button(
        label,
        make,
        file_name=file,
        mime=kinds[file.rsplit(".", 1)[1]],
        on_click="ignore",
        width="stretch",
        key=f"export_{file.rsplit('.', 1)[1]}",
    )
