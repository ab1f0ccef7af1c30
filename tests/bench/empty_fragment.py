"""The least an app with this canvas can do: run a fragment anew and write a number."""

import streamlit as st
from streamlit_drawable_canvas import st_canvas


@st.fragment
def draw() -> None:
    """Count the runs."""
    with st.container(key="canvas"):
        st_canvas(
            stroke_width=20,
            stroke_color="#f1f5f9",
            background_color="#1f2d44",
            height=280,
            width=280,
            return_image_data=True,
            key="board",
        )
    st.session_state.runs = st.session_state.get("runs", 0) + 1
    with st.container(key="reading"):
        st.html(f"<p>{st.session_state.runs}</p>")


draw()
