"""See a network learn, live; and put it to work."""

import streamlit as st

from mnist_core import store, trainer
from mnist_core.store import Run
from mnist_core.words import accuracy, duration
from pages.components import session
from pages.components.before_after import before_after
from pages.components.confusion import confusion_matrix
from pages.components.examined import examined
from pages.components.frame import button, errors_shown, within_frame
from pages.components.progress import (
    board,
    followed_drawing,
    learning_curves,
)
from pages.components.publishing import decide, publish_button, rollback_button
from pages.components.retrain import buttons
from pages.components.run_card import about_run
from pages.components.run_words import state, title, where

LIVE = 0.5  # seconds between two looks at a run under way


def head(run: Run) -> None:
    """What it is, how it stands, and what can be done about it."""
    st.progress(run.done, text=where(run))
    if run.state == "queued":
        st.info(f"It waits: {trainer.ahead_of(run)} before it. It begins by itself.")
    if run.state == "interrupted":
        st.warning("The training process ended unexpectedly. Nothing is lost: resume it.")
    if run.message:
        (st.warning if run.active else st.error)(run.message)
    if run.settings.data == "generated":
        st.info("Learns from digits made by a program, not from MNIST.")
    with st.container(horizontal=True):
        st.metric(
            "Validation",
            accuracy(run.validation_accuracy),
            help="Share of the digits held out for choosing that is read right: by the best"
            " network so far and, at the end, by the one that is kept.",
        )
        if run.test_accuracy is not None:
            st.metric(
                "Test",
                accuracy(run.test_accuracy),
                help="Share of the test digits read right; measured once, at the end.",
            )
        st.metric(
            "Images a second",
            f"{run.images_per_second:,.0f}" if run.step else "–",
            help="How many training images a second it learns from.",
        )
        st.metric("Time trained", duration(run.seconds) if run.seconds else "–")
    with st.container(horizontal=True, vertical_alignment="center"):
        if not run.model:
            buttons(run, key="page")
        elif session.classifier().model.id == run.model:
            st.markdown("✓ This network reads your drawings now.")
            rollback_button()
        else:
            publish_button(run.model)


def follow(run: Run) -> None:
    """A drawing, the reader's own if there is one, through the run."""
    pins = store.pins(run.id)
    mine = next((pin for pin in pins if pin.owner == session.visitor()), None)
    shown = mine or next(iter(pins), None)
    st.subheader("Your drawing, as it learns" if mine else "A drawing, as it learns")
    if shown:
        followed_drawing(run, shown)
    elif not run.active:
        st.caption("No drawing was followed through this run.")
    if not run.active:
        return
    digit = session.drawn_digit()
    if digit is None:
        if not shown:
            st.caption("Draw a digit on the page Draw, then follow it here.")
        return
    if mine is None or (mine.image != digit).any():
        button(
            "Follow my drawing",
            lambda: store.pin(run.id, owner=session.visitor(), image=digit),
            key="follow",
            help="Shows what the network makes of the drawing on the board, from here on.",
        )


def show(run_id: str, *, counted: bool) -> None:
    """The run as it learns; runs again and again while it is under way.

    Counted: with the mistakes of its latest validation, to which no digits are kept.
    """
    with errors_shown():
        run = store.find_run(run_id)
        head(run)
        learning_curves(run)
        follow(run)
        st.subheader("A hundred digits it never learns from")
        board(run)
        if counted and (seen := store.validations(run.id)):
            st.subheader("What is taken for what")
            confusion_matrix(seen[-1].confusion, key=f"validation_{run.id}")


within_frame()
st.title("Watch it learn")
with errors_shown():
    runs = store.runs()
    if not runs:
        st.write(
            "Nothing was trained on this computer yet. Press **Retrain** in the sidebar (on a"
            " phone, » at the top opens it): a small network learns to read digits from scratch,"
            " and you see it happen here, batch by batch."
        )
        st.stop()
    names = [run.id for run in runs]
    choice = session.run_choice()
    wanted = st.session_state.get("run_to_show") or st.session_state.get(choice)
    if wanted not in names:
        current = trainer.current()
        wanted = current.id if current else names[0]
    # Said anew each time: the browser keeps what a run is called, and that changes.
    st.session_state[choice] = wanted
    st.session_state.run_to_show = None  # not before: this script may have to begin again
    told = {
        run.id: title(run) if run.active else f"{title(run)} ({state(run).lower()})" for run in runs
    }
    chosen = st.selectbox("Run", names, format_func=told.__getitem__, key=choice)
    shown = next(run for run in runs if run.id == chosen)
    if shown.active:
        st.fragment(show, run_every=LIVE)(chosen, counted=True)
    else:  # no fragment, for it offers what opens a dialog
        show(chosen, counted=shown.model is None)
        decide()
        before_after(shown)
    about_run(shown)
    examined(shown)
