"""Where a digit comes from, and its reading beside it: what Draw and Look inside begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import registry
from mnist_core.inference import Classifier, Reading, read_drawing
from mnist_core.pictures import open_picture
from mnist_core.strokes import CANVAS
from pages.components import session, sources
from pages.components.answer import answer
from pages.components.board import board
from pages.components.live import live_reader

DRAW, UPLOAD, CAMERA, SAMPLE = "Draw", "Upload", "Camera", "Sample"
_INVITATIONS = {
    DRAW: "Draw one digit on the board, large and in the middle.",
    UPLOAD: "Choose a picture of one digit.",
    CAMERA: "Take a picture of one digit.",
    SAMPLE: "Pick a digit.",
}
_SEES = (
    "Your digit the way MNIST shows its digits: cropped, 20 pixels large, its centre of mass in the"
    " middle of 28 × 28 pixels. Each pixel is a number from 0 (black) to 255 (white); point at one"
    " to read it."
)


@dataclass(frozen=True)
class Read:
    """A picture and its reading.

    Attributes:
        source: where it comes from: `DRAW`, `UPLOAD`, `CAMERA` or `SAMPLE`.
        image: (H, W[, 3 or 4]) uint8; None while there is none.
        reading: of the image; None while there is none.
        truth: a sample's name and its true label; of others None.
        model: the id of the network that read it.
    """

    source: str
    image: NDArray[np.uint8] | None
    reading: Reading | None
    truth: tuple[str, int] | None
    model: str

    @property
    def outcome(self) -> str:
        """Whether a sample was read right, in words; empty for what has no true label."""
        if self.truth is None or self.reading is None or self.reading.verdict == "blank":
            return ""
        if self.reading.verdict == "not a digit":
            return "not recognised"
        return "read right" if self.reading.label == self.truth[1] else "misread"


def read_digit(
    classifier: Classifier, *, why: bool = False, beneath: Callable[[Read], None] | None = None
) -> Read:
    """Let a digit be drawn or chosen, and show its reading beside it.

    Args:
        classifier: the network that reads.
        why: offer the way to the page that explains the reading.
        beneath: shows something more about it, right below the answer.
    """
    with st.container(horizontal=True, gap="medium"):
        left = st.container(width=CANVAS)
        right = st.container(width=456, key="reader")
    truth = None
    with left:
        offered = [DRAW, UPLOAD, CAMERA, SAMPLE]
        if not sources.camera_works(st.context.url):
            offered.remove(CAMERA)
        source = _source(offered)
        if source == UPLOAD:
            image = sources.uploaded()
        elif source == CAMERA:
            image = sources.photographed()
        elif source == SAMPLE:
            image, name, label = sources.sampled()
            truth = (name, label)
        else:
            sketchbook = session.sketchbook()
            board(sketchbook)
            drawing = sketchbook.current
            image = open_picture(drawing.png) if drawing else None
    reading = None if image is None else read_drawing(image, classifier)
    read = Read(source, image, reading, truth, classifier.model.id)
    with right:
        # The answer first, since it is what people wait for; then what is behind it.
        with st.container(key="reading"):
            answer(reading, invitation=_INVITATIONS[source])
        if beneath:
            beneath(read)
        live_reader(reading, classifier, canvas=source == DRAW)
        st.caption("What the network sees, and how sure it is", help=_SEES)
        if truth and read.outcome:
            st.markdown(f"{truth[0]}. Its true label is {truth[1]}: {read.outcome}.")
        if why:
            st.page_link("pages/inside.py", label="**Why?** Look inside, step by step")
        st.caption(f"Read by {session.described(classifier.model)}.")
        if classifier.model.id != (wanted := registry.published()):
            st.warning(
                f"{wanted} should read here, but its files are damaged or missing, so this one"
                " reads. You can change that on the page Runs."
            )
    return read


def _source(offered: list[str]) -> str:
    """Ask where the digit comes from; the answer goes along to the next page."""
    state = st.session_state
    if "source" not in state:  # just come to this page
        kept = SAMPLE if session.just_handed_over() else state.get("source_kept")
        state.source_first = kept if kept in offered else DRAW
    chosen = st.segmented_control(
        "Where the digit comes from",
        offered,
        default=state.source_first,
        required=True,
        key="source",
        label_visibility="collapsed",
        width="stretch",
    )
    state.source_kept = chosen or DRAW
    return state.source_kept
