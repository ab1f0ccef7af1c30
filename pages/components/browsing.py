"""What the pieces of the Dataset page share: the view, the digits, and waiting for long work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import background, predictions
from mnist_core.collection import Collection, Part
from pages.components import session
from pages.components.frame import button
from pages.components.view import DEFAULT, View, read

PART_NAMES: dict[Part, str] = {
    "train": "Training digits",
    "test": "Test digits",
    "generated": "Generated digits",
}
_LOOK = 0.5  # seconds between two looks at work under way


def view() -> View:
    """What is to be shown."""
    seen: View = st.session_state.get("dataset", DEFAULT)
    return seen


def change(**changes: Any) -> None:
    """Show something else from the next run on."""
    st.session_state.dataset = replace(view(), **changes)
    st.session_state.dataset_changed = True


def arrive() -> list[str]:
    """Take the view from the address if somebody else has written it; returns what was wrong.

    An address that says nothing is the default, unless it is the way from another page to here.
    """
    # What is done here comes before an address that the browser has not yet heard is an old one.
    changed = st.session_state.pop("dataset_changed", False)
    parameters = st.query_params.to_dict()
    said = bool(parameters) or not session.came_from_elsewhere()
    if said and not changed and parameters != st.session_state.get("dataset_address"):
        st.session_state.dataset, wrong = read(parameters)
        return wrong
    return []


def keep_address() -> None:
    """Have the address say what is shown, for going back to it or sending it on."""
    written = view().written()
    st.session_state.dataset_address = written
    st.session_state.dataset_changed = False
    session.settled()
    if st.query_params.to_dict() != written:
        st.query_params.from_dict(written)


def field(
    widget: Callable[..., Any], label: str, name: str, *arguments: Any, **options: Any
) -> Any:
    """A widget for one part of the view; where it changes, the wall begins at its first page."""
    key = f"dataset_{name}"
    value = getattr(view(), name)
    st.session_state[key] = list(value) if isinstance(value, tuple) else value

    def changed() -> None:
        new = st.session_state[key]
        new = tuple(sorted(new)) if isinstance(new, list) else new
        if new is not None:
            # What was drawn around on one map lies elsewhere on another.
            rest = {"lasso": ()} if name in ("part", "layout") else {}
            change(**{"page": 1, **rest, name: new})

    return widget(label, *arguments, key=key, on_change=changed, **options)


def name_of(part: Part, number: int | str) -> str:
    """What a digit is called."""
    return f"{PART_NAMES[part].removesuffix('s')} {number}"


def probabilities(of: Collection) -> NDArray[np.float32] | None:
    """What the network that reads says of all digits, (N, 10).

    None while it is still at it; then how far it is is on the page, which runs again at the end.
    """
    classifier = session.classifier()
    if of.part == "generated":
        return classifier.predict(of.images)  # a few; takes no time to speak of
    model, part = classifier.model, of.part
    said = predictions.kept(model, part)
    if said is None:
        wait(
            partial(predictions.status, model, part),
            partial(predictions.start, model, part),
            words="The network reads all digits, once ...",
            key=predictions.task(model, part),
        )
    return said


def wait(
    status: Callable[[], background.Status], start: Callable[[], None], *, words: str, key: str
) -> None:
    """Show how far work is that goes on beside the page, which runs again at its end.

    Starts it, once a visit; if it failed, or nothing came of it, says so and offers to try again.

    Args:
        status: of the work.
        start: starts it.
        words: what is being done, until the work says so itself.
        key: of this work.
    """
    begun: set[str] = st.session_state.setdefault("dataset_begun", set())
    now = status()
    lost = key in begun and not now.running
    if not now.running and not now.error and not lost:
        start()
    begun.add(key)

    @st.fragment(run_every=_LOOK)
    def look() -> None:
        now = status()
        if now.error or (lost and not now.running):
            st.error(now.error or "It was done, but what came of it is not there.")
            button("Try again", start, key=f"{key}_again")
        elif now.running:
            st.progress(now.share, text=now.words or words)
        else:
            st.rerun()

    look()
