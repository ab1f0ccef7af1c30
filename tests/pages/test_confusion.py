"""The confusion matrix: what it sends to the browser, and what comes back."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.browsed import sent, tell


def table() -> None:
    import numpy as np
    import streamlit as st

    from pages.components.confusion import confusion_matrix

    counts = np.zeros((10, 10), np.uint32)
    np.fill_diagonal(counts, 90)
    counts[4, 9], counts[7, 2] = 1, 1200
    confusion_matrix(counts, key="plain")
    chosen = st.session_state.setdefault("chosen", [])
    confusion_matrix(
        counts,
        key="matrix",
        on_pick=chosen.append,
        chosen=chosen[-1] if chosen else None,
    )


def test_rows_are_what_it_is_and_columns_what_it_is_read_as() -> None:
    data = sent(AppTest.from_function(table).run(), "plain")
    assert data["counts"][4] == [0, 0, 0, 0, 90, 0, 0, 0, 0, 1]
    assert data["told"][4][9] == "4 read as 9: 1 digit"
    assert data["told"][7][2] == "7 read as 2: 1,200 digits"
    assert data["told"][9][4] == "9 read as 4: no digits"
    assert data["told"][3][3] == "3 read as 3: 90 digits, right"


def test_without_anyone_to_tell_nothing_can_be_picked() -> None:
    app = AppTest.from_function(table).run()
    assert not sent(app, "plain")["pickable"]
    assert sent(app, "matrix")["pickable"]
    assert sent(app, "matrix")["chosen"] is None


def test_a_cell_is_picked() -> None:
    app = AppTest.from_function(table).run()
    tell(app, "matrix", "picked", [7, 2])
    assert app.session_state.chosen == [(7, 2)]
    assert sent(app, "matrix")["chosen"] == [7, 2]
