"""Browse MNIST: what it holds, digit by digit, as a map, and where its labels are doubtful."""

import numpy as np
import streamlit as st

from mnist_core.collection import PARTS, collection
from pages.components.browsing import (
    PART_NAMES,
    arrive,
    field,
    keep_address,
    view,
)
from pages.components.doubts_view import doubts_view
from pages.components.exporting import export
from pages.components.fetching import offer_mnist
from pages.components.frame import errors_shown, within_frame
from pages.components.glance import glance
from pages.components.map_view import map_view
from pages.components.one_digit import one_digit, there_is
from pages.components.view import LOOKS
from pages.components.wall_view import wall_view

LOOK_NAMES = {
    "glance": "At a glance",
    "wall": "Digits",
    "map": "Map",
    "doubts": "Doubtful labels",
}

within_frame()
with st.container(key="dataset"):
    st.title("Browse the data set")
    for sentence in arrive():
        st.warning(sentence)
    mnist = offer_mnist()
    digit_there = False
    with errors_shown():
        digit_there = there_is(view().digit, mnist=mnist)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field(
            st.segmented_control,
            "View",
            "look",
            LOOKS,
            format_func=LOOK_NAMES.__getitem__,
            required=True,
            label_visibility="collapsed",
        )
        if view().look != "glance" and mnist:
            field(
                st.segmented_control,
                "Part",
                "part",
                PARTS if view().part == "generated" else PARTS[:2],
                format_func=PART_NAMES.__getitem__,
                required=True,
                label_visibility="collapsed",
            )
    part = view().part if mnist else "generated"
    rows = np.zeros(0, np.int64)
    with errors_shown():
        of = collection(part)
        match view().look:
            case "glance":
                glance([collection("train"), collection("test")] if mnist else [of])
            case "wall":
                rows = wall_view(of)
            case "map":
                rows = map_view(of)
            case "doubts":
                rows = doubts_view(of)
        export(of, rows)
    if digit_there:
        one_digit(rows, part)
keep_address()
