"""What all pages have around them: the way to the others, and errors as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from mnist_core.errors import DigitStudioError
from pages.components import session

# Where two tabs are the first at once, the one that comes second takes the name of the other.
_cookie = st.components.v2.component(
    "digit_studio_visitor",
    js="""
export default function ({ data, setTriggerValue }) {
  let known;
  try {
    known = document.cookie.match(/(?:^|; )COOKIE=([0-9a-f]{32})(?:;|$)/)?.[1];
    if (!known) document.cookie = `COOKIE=${data.name}; path=/; SameSite=Lax`;
  } catch {} // no cookies within a frame of another page
  if (known && known !== data.name) setTriggerValue("known", known);
}
""".replace("COOKIE", session.COOKIE),
)


def remember_visitor() -> None:
    """Have the browser keep its name until it is closed, if it doesn't yet: a reload knows it."""
    name = session.visitor()
    # A place that is always there: what comes and goes above a page has all of it made anew.
    with st.container(key="visitor_place"):
        if st.context.cookies.get(session.COOKIE) != name:
            _cookie(key="visitor_cookie", data={"name": name}, on_known_change=_take_name)


def _take_name() -> None:
    # Streamlit may have forgotten what it calls this for; the next page load brings the cookie.
    name = getattr(st.session_state.get("visitor_cookie"), "known", None)
    if session.names_visitor(name):
        st.session_state.visitor = name


def navigation() -> StreamlitPage:
    """Show the way to every page; returns the one that is wanted."""
    st.session_state.framed = True
    page = st.navigation(
        [
            st.Page("pages/draw.py", title="Draw", default=True),
            st.Page("pages/dataset.py", title="Dataset"),
            st.Page("pages/inside.py", title="Look inside"),
            st.Page("pages/my_digits.py", title="My digits"),
            st.Page("pages/train.py", title="Train"),
            st.Page("pages/runs.py", title="Runs"),
            st.Page("pages/about.py", title="About"),
        ]
    )
    session.went_to(page.url_path)
    if goal := st.session_state.pop("goal", None):
        st.switch_page(goal)
    return page


def leave_for(page: str) -> NoReturn:
    """Go to another page, such as "pages/inside.py"; from within a dialog or a fragment, too.

    There `st.switch_page` now and then leaves the browser with an empty page, so this has app.py
    run as a whole, which goes there before anything is shown. Not for callbacks: in them Streamlit
    starts no run.
    """
    st.session_state.goal = page
    st.rerun()


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
