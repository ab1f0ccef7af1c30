"""Step 5: the training digits that are nearest in the network's own feature space."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import datasets
from mnist_core.collection import Collection, collection
from mnist_core.errors import DataError
from mnist_core.explanation import similar
from mnist_core.explanation.similar import FeatureIndex, index_features, vote
from mnist_core.inference import Classifier
from mnist_core.words import a, percent
from pages.components import session
from pages.components.browsing import name_of, wait
from pages.components.glossary import prose
from pages.components.inside.snippets import code
from pages.components.reader import SAMPLE
from pages.components.sources import show
from pages.components.wall import Tile, digit_wall

_COUNT = 10


def who_it_reminds_of(
    classifier: Classifier, features: NDArray[np.float32], label: int, image: NDArray[np.uint8]
) -> None:
    """Show the nearest training digits, and their vote beside the network's reading.

    Args:
        classifier: which reads.
        features: what its layer "features" says of the digit.
        label: what it reads the digit as.
        image: the digit, (28, 28) uint8, which is none of its own neighbours.
    """
    prose(
        "Just before the logits, your digit is a point in the network's [[feature space]]. These"
        " training digits lie nearest to it there: they are what it reminds the network of."
    )
    learned, index = _index(classifier)
    if index is None:
        st.info("They are being compared, once for this network: the bar below says how far it is.")
        return
    nearest = index.nearest(features, _COUNT + 1)
    other = (learned.images[nearest.rows] != image).any(axis=(1, 2))
    rows, distances = nearest.rows[other][:_COUNT], nearest.distances[other][:_COUNT]
    labels = learned.labels[rows]
    said, votes = vote(labels)
    agree = "so does" if said == label else "but"
    rest = "the network" if said == label else f"the network reads {a(label)}"
    st.markdown(
        f"**{votes} of {len(rows)}** are {said}s, so a vote among them reads **{a(said)}**;"
        f" {agree} {rest}."
    )
    digit_wall(
        learned.images[rows],
        [
            Tile(
                row,
                f"{name_of(learned.part, row)}: {a(each)}, distance {distance:.3g}",
                caption=f"{each} · {distance:.3g}",
                wrong=each != label,
                badge="" if each == label else "≠",
            )
            for row, each, distance in zip(
                rows.tolist(), labels.tolist(), distances.tolist(), strict=True
            )
        ],
        key="reminds",
        told="The training digits nearest in feature space, nearest first. Pick one to open it.",
        on_pick=lambda row: st.session_state.update(reminds_of=row),
        columns=10,
        scale=2,
    )
    picked = st.session_state.pop("reminds_of", None)
    if picked in rows.tolist():
        _open(learned, picked, classifier)
    among = f"Among {len(learned.labels):,} digits, by {features.size:,} features"
    if index.components:
        among += (
            f", of which {index.places.shape[1]} main directions are compared"
            f" ({percent(index.share)} of the variance)"
        )
    st.caption(f"{among}. The number under each is its label, then its distance.")
    prose("The vote is how one reads without any network ([[nearest neighbours]]).")
    code("similar")


@st.dialog("One of the nearest")
def _open(learned: Collection, row: int, classifier: Classifier) -> None:
    """Show one of them large, over the page, and offer to look inside it."""
    image, label = learned.images[row], int(learned.labels[row])
    name = name_of(learned.part, row)
    show(image, f"{name}: {a(label)}")
    probabilities = classifier.predict(image[None])[0]
    read = int(probabilities.argmax())
    st.markdown(
        f"{name}, labelled **{label}**. The network reads it as **{a(read)}**"
        f" ({percent(float(probabilities[read]))})."
    )

    def take() -> None:
        session.hand_over(image, name, label)
        st.session_state.source = SAMPLE

    if st.button("Look inside this one", on_click=take, type="primary"):
        st.rerun()


def _index(classifier: Classifier) -> tuple[Collection, FeatureIndex | None]:
    """The digits to compare with, and their index; None while it is being made."""
    if datasets.find_mnist() is None:
        st.caption("MNIST is not on this computer: these are **generated digits**.")
        return collection("generated"), _generated(classifier)
    try:
        learned = collection("train")
    except DataError as error:
        st.warning(str(error))
        return collection("generated"), _generated(classifier)
    return learned, similar.kept(classifier.model)


def prepare(classifier: Classifier) -> None:
    """Have the training digits be compared, once for each network; shows how far it is.

    To be called by the page itself: what shows it is a fragment, and must not be within another.
    """
    model = classifier.model
    with suppress(DataError):  # step 5 says so
        if datasets.find_mnist() and collection("train") and similar.kept(model) is None:
            wait(
                partial(similar.status, model),
                partial(similar.start, model),
                words="The network looks at all training digits, once ...",
                key=similar.task(model),
            )


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Classifier: session.identity})
def _generated(classifier: Classifier) -> FeatureIndex:
    """The generated digits, which are few."""
    return index_features(classifier, collection("generated").images, lambda share, words: None)
