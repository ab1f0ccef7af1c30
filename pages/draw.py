"""Draw a digit and see it read; the home page."""

import streamlit as st

from mnist_core.inference import Classifier, Reading, read_drawing
from mnist_core.pictures import open_picture
from mnist_core.strokes import CANVAS
from pages.components import session, sources
from pages.components.answer import answer
from pages.components.board import board
from pages.components.frame import within_frame
from pages.components.gallery import Picture, gallery
from pages.components.live import live_reader

DRAW, UPLOAD, CAMERA, SAMPLE = "Draw", "Upload", "Camera", "Sample"
INVITATIONS = {
    DRAW: "Draw one digit on the board, large and in the middle.",
    UPLOAD: "Choose a picture of one digit.",
    CAMERA: "Take a picture of one digit.",
    SAMPLE: "Pick a digit.",
}

SEES = (
    "Your digit the way MNIST shows its digits: cropped, 20 pixels large, its centre of mass in the"
    " middle of 28 × 28 pixels. Each pixel is a number from 0 (black) to 255 (white); point at one"
    " to read it."
)

within_frame()
sketchbook = session.sketchbook()


@st.fragment
def draw_and_read() -> None:
    """One fragment, so that a stroke runs this and nothing else."""
    classifier = session.classifier()
    with st.container(horizontal=True, gap="medium"):
        left = st.container(width=CANVAS)
        right = st.container(width=456, key="reader")
    truth = None
    with left:
        offered = [DRAW, UPLOAD, CAMERA, SAMPLE]
        if not sources.camera_works(st.context.url):
            offered.remove(CAMERA)
        if "source" not in st.session_state:  # just come to this page
            st.session_state.source_first = SAMPLE if session.just_handed_over() else DRAW
        source = (
            st.segmented_control(
                "Where the digit comes from",
                offered,
                default=st.session_state.source_first,
                required=True,
                key="source",
                label_visibility="collapsed",
                width="stretch",
            )
            or DRAW
        )
        if source == UPLOAD:
            image = sources.uploaded()
        elif source == CAMERA:
            image = sources.photographed()
        elif source == SAMPLE:
            image, name, label = sources.sampled()
            truth = (name, label)
        else:
            board(sketchbook)
            drawing = sketchbook.current
            image = open_picture(drawing.png) if drawing else None
    reading = None if image is None else read_drawing(image, classifier)
    with right:
        show(reading, classifier, source, truth)
        st.caption(f"Read by {session.described(classifier.model)}.")
    if source == DRAW:
        st.caption("Your drawings: pick one to have it back")
        gallery(
            "Your drawings",
            [Picture(d.number, d.thumbnail, f"Drawing {d.number}") for d in sketchbook.drawings],
            key="drawings",
            on_pick=sketchbook.take_out,
            chosen=sketchbook.current.number if sketchbook.current else None,
            swipe=True,
        )


def show(
    reading: Reading | None, classifier: Classifier, source: str, truth: tuple[str, int] | None
) -> None:
    """The answer first, since it is what people wait for; then what is behind it."""
    with st.container(key="reading"):
        answer(reading, invitation=INVITATIONS[source])
    live_reader(reading, classifier, canvas=source == DRAW)
    st.caption("What the network sees, and how sure it is", help=SEES)
    if truth and reading and reading.verdict != "blank":
        name, label = truth
        if reading.verdict == "not a digit":
            outcome = "not recognised"
        else:
            outcome = "read right" if reading.label == label else "misread"
        st.markdown(f"{name}. Its true label is {label}: {outcome}.")


st.title("Draw a digit")
draw_and_read()
