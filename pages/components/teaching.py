"""Teaching the network somebody's hand: the way to it, and how the last time went."""

from __future__ import annotations

import streamlit as st

from mnist_core import pace, store, teaching, trainer
from mnist_core.errors import InputError
from mnist_core.handwriting import Profile
from mnist_core.store import Run
from mnist_core.words import duration
from pages.components import session
from pages.components.frame import errors_shown, leave_for
from pages.components.run_words import state

_START_AND_END = 20.0  # seconds to load, calibrate, write and measure


def teach(profile: Profile) -> None:
    """Offer a training that goes on from the network that reads, with a profile's drawings.

    Not to be called in a fragment: it leaves for the page Train.
    """
    st.subheader("Teach it")
    st.caption(
        "The network that reads learns on for a moment: from these drawings, each drawn anew in"
        " many ways, among digits by other people so that it doesn't forget them. One drawing in"
        " three is never learned from: on those you see whether it got better. Nothing is put to"
        " work before you say so."
    )
    with errors_shown(), st.container(horizontal=True, vertical_alignment="center"):
        latest = _latest(profile)
        under_way = latest is not None and (latest.active or latest.state == "queued")
        try:
            settings = teaching.settings_for(profile.number, session.classifier().model)
        except InputError as error:
            st.button("Teach it", key="teach", disabled=True, help=str(error))
            return
        takes = pace.expected_seconds(settings) + _START_AND_END
        if st.button(
            "Teach it",
            key="teach",
            type="primary",
            disabled=under_way,
            help=f"Takes about {duration(takes)} here.",
        ):
            started = trainer.start(settings, owner=session.visitor(), follow=session.drawn_digit())
            if not started.joined:
                store.describe(started.run.id, name=f"Taught: {profile.name}", notes="")
            _show(started.run)
        if latest is not None:
            over = "Before and after" if latest.model else "Look at it"
            words = "Watch it learn" if under_way else over
            if st.button(words, key="teach_latest"):
                _show(latest)
            st.text(f"{latest.id}: {state(latest).lower()}")


def _latest(profile: Profile) -> Run | None:
    """The last run that taught these drawings."""
    runs = store.runs(limit=50)
    return next((run for run in runs if run.settings.profile == profile.number), None)


def _show(run: Run) -> None:
    session.show_run(run.id)
    leave_for("pages/train.py")
