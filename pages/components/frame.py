"""Which pages there are, and that none is shown without the frame of app.py."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage


def navigation() -> StreamlitPage:
    """Show the way to every page; returns the one that is wanted."""
    st.session_state.framed = True
    return st.navigation(
        [
            st.Page("pages/draw.py", title="Draw", default=True),
            st.Page("pages/train.py", title="Train"),
            st.Page("pages/about.py", title="About"),
        ]
    )


def within_frame() -> None:
    """Make sure that a page runs inside app.py; each page calls this first.

    Where the first visit after a server's start is to a page's own address, Streamlit takes that
    page straight from the folder pages/: it ignores the folder only once `st.navigation` has been
    called. So call it, and begin again.
    """
    if "framed" not in st.session_state:
        navigation()
        st.rerun()
