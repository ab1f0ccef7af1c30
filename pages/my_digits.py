"""My digits: everything that was stored of a hand, to look at, correct, take along and teach."""

from typing import Literal

import streamlit as st

from mnist_core import handwriting
from pages.components import guided, my_digit, my_files, my_profiles, profile
from pages.components.frame import button, errors_shown, within_frame
from pages.components.my_counts import my_counts
from pages.components.my_wall import my_wall
from pages.components.teaching import teach


def begin_session(kind: Literal["primary", "secondary"] = "secondary") -> None:
    """Offer to draw each digit three times."""
    button(
        "Draw each digit three times",
        guided.begin,
        key="begin_guided",
        type=kind,
        help="It names a digit, you draw it, thirty times; that takes about a minute.",
    )


def how_to_begin() -> None:
    """Said where nothing is stored yet."""
    st.markdown(
        "**No digits are stored here yet.** Draw on the page Draw and say whether it was read"
        " right; or draw each digit three times, which takes about a minute; or import digits that"
        " were exported before."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        begin_session("primary")
        my_files.import_box()
        st.page_link("pages/draw.py", label="Go to Draw")


within_frame()
with st.container(key="my_digits"):
    st.title("My digits")
    with errors_shown():
        if guided.under_way() and (of := profile.current()):
            st.caption(profile.called(of))
            guided.guided(of)
        else:
            of = my_profiles.whose()
            counts = handwriting.count(of.number) if of else None
            if of and counts and counts.total:
                my_counts(counts)
                with st.container(horizontal=True):
                    begin_session()
                    my_files.import_box()
                teach(of)
                numbers = my_wall(of, counts.total)
                my_digit.opened_one(numbers, of)
            else:
                how_to_begin()
            my_profiles.kept_where()
