"""What all pages have around them: the way to the others, and errors as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from mnist_core.errors import DigitStudioError
from pages.components import session


def navigation() -> StreamlitPage:
    """Show the way to every page; returns the one that is wanted."""
    st.session_state.framed = True
    page = st.navigation(
        [
            st.Page("pages/draw.py", title="Draw", default=True),
            st.Page("pages/dataset.py", title="Dataset"),
            st.Page("pages/inside.py", title="Look inside"),
            st.Page("pages/train.py", title="Train"),
            st.Page("pages/about.py", title="About"),
        ]
    )
    session.went_to(page.url_path)
    return page


def within_frame() -> None:
    """Make sure that a page runs inside app.py; each page calls this first.

    Where the first visit after a server's start is to a page's own address, Streamlit takes that
    page straight from the folder pages/: it ignores the folder only once `st.navigation` has been
    called. So call it, and begin again.
    """
    if "framed" not in st.session_state:
        navigation()
        st.rerun()


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show an error of ours as its sentence, in place of what the block would have shown."""
    try:
        yield
    except DigitStudioError as error:
        st.error(str(error))


def button(label: str, action: Any, *arguments: Any, key: str, **options: Any) -> None:
    """A button whose action may fail: then it says why."""

    def act() -> None:
        try:
            action(*arguments)
        except DigitStudioError as error:
            st.session_state.notice = str(error)

    st.button(label, key=key, on_click=act, **options)
