"""Draw a digit and see it read; the home page."""

import streamlit as st

from pages.components import session
from pages.components.correcting import correcting
from pages.components.frame import within_frame
from pages.components.gallery import Picture, gallery
from pages.components.reader import DRAW, read_digit

within_frame()
sketchbook = session.sketchbook()


@st.fragment
def draw_and_read() -> None:
    """One fragment, so that a stroke runs this and nothing else."""
    read = read_digit(session.classifier(), why=True, beneath=correcting)
    if read.source == DRAW:
        st.caption("Your drawings: pick one to have it back")
        gallery(
            "Your drawings",
            [Picture(d.number, d.thumbnail, f"Drawing {d.number}") for d in sketchbook.drawings],
            key="drawings",
            on_pick=sketchbook.take_out,
            chosen=sketchbook.current.number if sketchbook.current else None,
            swipe=True,
        )


st.title("Draw a digit")
draw_and_read()
