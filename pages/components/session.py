"""What is shared by all visitors, and what one visit remembers."""

from __future__ import annotations

import streamlit as st

from mnist_core.errors import ModelError
from mnist_core.inference import Classifier
from pages.components.sketchbook import Sketchbook


@st.cache_resource(show_spinner=False)
def _load() -> Classifier:
    return Classifier.load()


def classifier() -> Classifier:
    """The network that reads; without one the page says why and ends here."""
    try:
        return _load()
    except ModelError as error:
        st.error(str(error))
        st.stop()


def sketchbook() -> Sketchbook:
    """The drawings of this visit."""
    if "sketchbook" not in st.session_state:
        st.session_state.sketchbook = Sketchbook()
    book: Sketchbook = st.session_state.sketchbook
    return book
