"""Look inside: how the network reads a digit, step by step."""

import streamlit as st

from mnist_core.explanation import through_the_layers
from mnist_core.words import a
from pages.components import session
from pages.components.frame import errors_shown, within_frame
from pages.components.inside.evidence import where_it_looked
from pages.components.inside.ink import from_ink_to_numbers
from pages.components.inside.layers import through_all_layers
from pages.components.inside.nudge import what_if
from pages.components.inside.similar import prepare, who_it_reminds_of
from pages.components.inside.softmax import to_probabilities
from pages.components.reader import read_digit

STEPS = {
    "ink": "From ink to 784 numbers",
    "layers": "Through the layers",
    "probabilities": "To ten probabilities",
    "where": "Where it looked",
    "reminds": "Who it reminds it of",
    "what-if": "What if",
}


def heading(step: str) -> None:
    number = list(STEPS).index(step) + 1
    st.subheader(f"{number}. {STEPS[step]}", anchor=step, divider="gray")


@st.fragment
def look_inside() -> None:
    """One fragment, so that a stroke runs this and not the frame.

    Its steps are none of their own: fragments within one, on a busy server's first visit, had
    Streamlit's page break down ("Bad delta path index"); and the whole takes a tenth of a second.
    """
    classifier = session.classifier()
    read = read_digit(classifier)
    reading = read.reading
    if read.image is None or reading is None or reading.verdict == "blank":
        st.info(
            "Then you see here, step by step, how the network comes to its answer: "
            + "; ".join(title[0].lower() + title[1:] for title in STEPS.values())
            + ". No idea what to draw? Choose **Sample** above."
        )
        return
    if reading.verdict == "not a digit":
        st.info(
            "The network takes this for no digit. Below you see how its ten numbers come about all"
            f" the same: where it says that it reads {a(reading.label)}, that is just the highest."
        )
    links = " · ".join(
        f"[{n}. {title}](#{step})" for n, (step, title) in enumerate(STEPS.items(), 1)
    )
    st.markdown(f":small[{links}]")
    with errors_shown():
        network = session.plain_network(classifier)
        layers = through_the_layers(classifier, network, reading.image)
        values = {layer.name: layer.values for layer in layers}
        heading("ink")
        from_ink_to_numbers(read.image, classifier, network)
        heading("layers")
        through_all_layers(layers, reading.image)
        heading("probabilities")
        to_probabilities(
            values["logits"],
            read.truth[1] if read.truth else reading.label,
            smoothing=bool(classifier.model.card.get("settings", {}).get("label_smoothing")),
        )
        heading("where")
        where_it_looked(classifier, layers, reading.image, reading.label, reading.runner_up)
        heading("reminds")
        who_it_reminds_of(classifier, values["features"], reading.label, reading.image)
        heading("what-if")
        what_if(reading.image, classifier)


within_frame()
with st.container(key="inside"):
    st.title("Look inside")
    look_inside()
    prepare(session.classifier())
