"""All runs: find one, compare several, and see which network read the drawings when."""

import streamlit as st

from mnist_core import store
from mnist_core.store import Run
from mnist_core.words import plural
from pages.components import publishing, session
from pages.components.comparing import MOST, compare
from pages.components.frame import errors_shown, within_frame
from pages.components.runs_table import runs_table


def chosen_runs(chosen: list[Run]) -> None:
    """The way to each, and how they compare."""
    if len(chosen) > MOST:
        st.info(f"Tick at most {MOST} runs: the curves of more can't be told apart.")
        return
    with st.container(horizontal=True):
        for run in chosen:
            if st.button(f"Open {run.id}", key=f"open_{run.id}"):
                session.show_run(run.id)
                st.switch_page("pages/train.py")
    if len(chosen) > 1:
        st.subheader(f"{plural(len(chosen), 'run')} side by side")
        compare(chosen)


within_frame()
with st.container(key="runs"):
    st.title("Runs")
    with errors_shown():
        if runs := store.runs():
            chosen_runs(runs_table(runs))
        else:
            st.write(
                "Nothing was trained on this computer yet. Press **Retrain** in the sidebar (on a"
                " phone, » at the top opens it): every run is kept here, to compare with others."
            )
    with errors_shown():
        st.subheader("Which network read when")
        publishing.rollback_button()
        publishing.served()
