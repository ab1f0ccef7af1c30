"""Look inside: what every layer of the network makes of one digit."""

import streamlit as st

from mnist_core.explanation import through_the_layers
from pages.components import session
from pages.components.charts import pixel_view, probability_bars
from pages.components.frame import errors_shown, within_frame
from pages.components.layers import show_layer

DRAWN = "Your drawing"

within_frame()
st.title("Look inside")
digits = {}
if (drawn := session.drawn_digit()) is not None:
    digits[DRAWN] = drawn
if handed := session.handed_over():
    image, name, label = handed
    digits[name] = image
if not digits:
    st.write(
        "Draw a digit, or open one of the data set and send it here; then you see what every layer"
        " of the network makes of it."
    )
    st.page_link("pages/draw.py", label="Draw a digit")
    st.page_link("pages/dataset.py", label="Pick one from the data set")
    st.stop()
names = list(digits)
if st.session_state.get("inside") not in names:
    st.session_state.inside = names[-1]
chosen = st.segmented_control(
    "Which digit", names, key="inside", required=True, label_visibility="collapsed"
)
digit = digits[chosen or names[-1]]
with errors_shown():
    classifier = session.classifier()
    layers = through_the_layers(classifier, digit)
    st.write(
        f"The digit goes through {session.described(classifier.model)}, layer by layer. Each turns"
        " the numbers before it into new ones, until ten are left: how sure it is of each digit."
    )
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=196, gap="xsmall"):
            pixel_view(digit)
            st.caption("What goes in: 784 numbers")
        with st.container(width=456, gap="xsmall"):
            probability_bars(layers[-1].values)
            st.caption("What comes out: ten probabilities")
    for number, layer in enumerate(layers, 1):
        show_layer(number, layer)
