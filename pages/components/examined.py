"""A run's network, examined: what it misreads, how far to trust it, how large and fast it is."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.errors import DataError, DataMissing, ModelError
from mnist_core.inference import Classifier
from mnist_core.registry import Model
from mnist_core.settings import Data
from mnist_core.speed import reading_milliseconds
from mnist_core.store import Run
from mnist_core.validation import ValidationDigits, validation_digits
from pages.components import session
from pages.components.frame import errors_shown
from pages.components.how_sure import how_sure
from pages.components.mistakes import mistakes

_FILES = {
    "model.keras": "The whole network for Keras, to train on or to look into.",
    "model.tflite": "What this computer reads with (LiteRT).",
    "weights.bin": "What browsers read with: the weights alone.",
}
_WIDTH = 224  # pixels of a number with its name


def examined(run: Run) -> None:
    """Show how the network of a run does on its validation digits, and what it takes.

    Args:
        run: of whose model, if it has one.
    """
    if run.model is None:
        return
    with errors_shown():
        classifier = session.load(run.model)
        model = classifier.model
        try:
            digits = _held_out(run.settings.data)
        except DataMissing:
            st.info(
                "Its mistakes can't be shown: they are counted on MNIST, which is no longer on this"
                " computer. Fetch it on the page Dataset."
            )
        except DataError as error:
            st.error(str(error))
        else:
            _on_validation(model, digits, _said(classifier, digits.data, digits))
        _size_and_speed(model, classifier)


def _on_validation(model: Model, digits: ValidationDigits, said: NDArray[np.float32]) -> None:
    count = len(digits.labels)
    of = "digits of MNIST's training set" if digits.data == "mnist" else "generated digits"
    st.subheader("What is taken for what")
    st.caption(
        f"How this run's network reads the {count:,} {of} that are held out for validation: it was"
        " chosen by them and never learned from them."
    )
    mistakes(model.id, digits, said)
    st.subheader("How sure, how right")
    st.caption(
        f"On the same {count:,} validation digits. Its percentages were set right on these: expect"
        " them to be a little further off on new ones."
    )
    how_sure(said, digits.labels, key=f"how_sure_{model.id}")


def _size_and_speed(model: Model, classifier: Classifier) -> None:
    st.subheader("Size and speed")
    with st.container(horizontal=True):
        st.metric(
            "Parameters",
            _number(model, "parameters"),
            help="The numbers that were learned.",
            width=_WIDTH,
        )
        st.metric(
            "Multiplications a digit",
            _number(model, "multiply_adds"),
            help="How many it works out to read one digit.",
            width=_WIDTH,
        )
        st.metric(
            "Reading a digit",
            f"{_milliseconds(classifier):.2g} ms",
            help="One digit at a time, on the computer that serves this page: the median of 50."
            " Longer while something else keeps it busy.",
            width=_WIDTH,
        )
        for name, what in _FILES.items():
            st.metric(name, _size(model, name), help=what, width=_WIDTH)


def _number(model: Model, what: str) -> str:
    value = model.card.get(what)
    return f"{value:,}" if isinstance(value, int) else "–"


def _size(model: Model, name: str) -> str:
    try:
        return f"{(model.folder / name).stat().st_size / 1000:,.0f} kB"
    except OSError as error:
        raise ModelError(
            f"The model file {model.folder / name} can't be read: {error.strerror}."
        ) from error


def _held_out(data: Data) -> ValidationDigits:
    return _generated() if data == "generated" else validation_digits(data)


@st.cache_resource(show_spinner="Making the validation digits ...")
def _generated() -> ValidationDigits:
    return validation_digits("generated")


@st.cache_data(
    show_spinner="Reading the validation digits ...",
    max_entries=8,
    hash_funcs={Classifier: session.identity},
)
def _said(classifier: Classifier, data: Data, _digits: ValidationDigits) -> NDArray[np.float32]:
    return classifier.predict(_digits.images)


@st.cache_data(show_spinner=False, max_entries=8, hash_funcs={Classifier: session.identity})
def _milliseconds(classifier: Classifier) -> float:
    return reading_milliseconds(classifier)
