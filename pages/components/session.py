"""What is shared by all visitors, and what one visit remembers."""

from __future__ import annotations

import hashlib
import re
import secrets

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import explanation, registry
from mnist_core.errors import ModelError
from mnist_core.inference import Classifier
from mnist_core.pictures import open_picture
from mnist_core.preprocessing import to_mnist
from mnist_core.settings import PRESETS
from mnist_core.weights import PlainNetwork
from pages.components.sketchbook import Sketchbook


@st.cache_resource(show_spinner=False, max_entries=4)
def _load(edition: tuple[str, int]) -> Classifier:
    """The network that serves; asked for anew when another one was published."""
    return Classifier.load()


def classifier() -> Classifier:
    """The network that reads; without one the page says why and ends here."""
    try:
        return _load(registry.edition())
    except ModelError as error:
        st.error(str(error))
        st.stop()


@st.cache_resource(show_spinner=False, max_entries=4)
def _load_named(edition: tuple[str, int]) -> Classifier:
    return Classifier.load(edition[0])


def load(model_id: str) -> Classifier:
    """A model by its id, whether it serves or not.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    return _load_named(registry.edition(model_id))


def identity(classifier: Classifier) -> str:
    """What changes when anything changes that a classifier reads with; for caches."""
    card = classifier.model.card
    return hashlib.sha256(repr((card["files"], classifier.digit_from)).encode()).hexdigest()


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Classifier: identity})
def plain_network(classifier: Classifier) -> PlainNetwork:
    """The same network as plain arrays.

    Raises:
        ModelError: its files are missing, altered, or of another network.
    """
    return explanation.plain_network(classifier)


def described(model: registry.Model) -> str:
    """Which network that is, in a few words."""
    if model.id == registry.SHIPPED:
        return "the network that comes with Digit Studio"
    preset = PRESETS.get(model.card.get("preset", ""))
    return f"{model.id} ({preset.title})" if preset else model.id


def sketchbook() -> Sketchbook:
    """The drawings of this visit."""
    if "sketchbook" not in st.session_state:
        st.session_state.sketchbook = Sketchbook()
    book: Sketchbook = st.session_state.sketchbook
    return book


def drawn_digit() -> NDArray[np.uint8] | None:
    """What is on the board, (28, 28) uint8; None if it is empty."""
    drawing = sketchbook().current
    if drawing is None:
        return None
    digit = to_mnist(open_picture(drawing.png))
    return digit if digit.any() else None


COOKIE = "digit_studio_visitor"


def visitor() -> str:
    """A name for this browser, to know the trainings and the followed drawings by that are its own.

    It comes with the browser's cookie. Where there is none yet it is made up here, and
    `frame.remember_visitor` has the browser keep it; one that keeps no cookies has another name
    after every reload.
    """
    if "visitor" not in st.session_state:
        kept = st.context.cookies.get(COOKIE, "")
        st.session_state.visitor = kept if names_visitor(kept) else secrets.token_hex(16)
    name: str = st.session_state.visitor
    return name


def names_visitor(text: object) -> bool:
    """Whether a browser's word for who it is looks as a name made up here does."""
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{32}", text) is not None


Given = tuple[NDArray[np.uint8], str, int]


def hand_over(image: NDArray[np.uint8], name: str, label: int) -> None:
    """Give a digit, (28, 28) uint8, with its name and label to the pages Draw and Look inside."""
    st.session_state.handed_over = image, name, label
    st.session_state.just_handed_over = True


def just_handed_over() -> bool:
    """Whether a digit was handed over that no page has asked about yet."""
    return bool(st.session_state.pop("just_handed_over", False))


def handed_over() -> Given | None:
    """The digit that was last handed over: image, name, label."""
    given: Given | None = st.session_state.get("handed_over")
    return given


def show_run(run_id: str) -> None:
    """Have the page Train show a run, whatever was chosen there before."""
    st.session_state.run_to_show = run_id
    st.session_state.runs_shown = st.session_state.get("runs_shown", 0) + 1


def run_choice() -> str:
    """The key of the box in which a run is chosen: another one after each `show_run`.

    What the sidebar asks by itself comes with all that was chosen, as the browser knew it then: by
    a key that stays, a browser that hasn't heard of the new run yet would bring back the old one.
    """
    return f"run_{st.session_state.get('runs_shown', 0)}"


def went_to(page: str) -> None:
    """Note which page is shown."""
    if page != st.session_state.get("page"):
        st.session_state.page = page
        st.session_state.visit = visit() + 1
        st.session_state.from_elsewhere = True  # until a page has settled, however often it runs


def visit() -> int:
    """Which visit to a page this is, counted over all pages; what was open on another one isn't."""
    number: int = st.session_state.get("visit", 0)
    return number


def came_from_elsewhere() -> bool:
    """Whether the page has just been come to, and has not called `settled` yet."""
    return bool(st.session_state.get("from_elsewhere"))


def settled() -> None:
    """Note that the page is there, after a whole run."""
    st.session_state.from_elsewhere = False
