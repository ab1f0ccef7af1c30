"""What the model is, how good, on whom, and where it fails: its card, for people."""

import streamlit as st

from pages.components import session
from pages.components.frame import within_frame

within_frame()
card = session.classifier().model.card

st.title("About this model")
st.write(
    "A small neural network reads the digits here. It runs on the computer that serves this page;"
    " what you draw is sent nowhere else and is forgotten when you close the page."
)

st.subheader("How good is it?")
with st.container(horizontal=True):
    st.metric(
        "MNIST test digits read right",
        f"{100 * card['test_accuracy']:.2f} %",
        help="Of 10,000 digits that it never saw while learning; measured once, at the end.",
        border=True,
    )
    if card.get("pen_drawings_accuracy"):
        st.metric(
            "Pen drawings read right",
            f"{100 * card['pen_drawings_accuracy']:.1f} %",
            help="Of 7,494 digits by 30 people who wrote on a tablet, drawn on the board as you"
            " do. It learned from none of them. Source: UCI Pen-Based Recognition of Handwritten"
            " Digits.",
            border=True,
        )
    st.metric(
        "Numbers it learned",
        f"{card['parameters']:,}",
        help="Its parameters: the weights of all its connections.",
        border=True,
    )

st.subheader("What did it learn from?")
recipe = card["recipe"]
held_out = card["data"]["held out for validation"]
st.markdown(
    f"""
- **MNIST**: {60_000 - held_out:,} digits written by American census workers and pupils, 28 × 28
  pixels each. Another {held_out:,} were kept aside to choose the best moment to stop.
- **Generated digits**: {recipe["generated_digits"]:,} drawn by a program in the styles that MNIST
  hardly holds, such as a 1 with a foot, a crossed 7 or a slashed 0.
- **Scribbles**: {recipe["scribbles"]:,} that are no digits, so that it learns to say so.

Every picture was turned, slanted, stretched, moved, thickened or thinned a little, differently each
of the {card["epochs"]} times it was shown.
"""
)

st.subheader("Where does it fail?")
st.markdown(
    """
- **Ways of writing it hardly met.** Of the pen drawings it misreads, most are a 7 taken for a 2, a
  1 with a long flag taken for a 7, a 9 taken for a 3, or a 4 without its second stroke taken for
  a 6.
- **Look-alikes.** A letter such as S, l or O is the same shape as a digit, so it reads one.
- **More than one digit.** It reads one at a time, and tells you when it sees two.
- **Difficult photos.** Ruled or patterned paper, deep shadows and crossed-out digits mislead it.

"Sure" is what the network gives the digit of its ten probabilities. It is a good guide, not a
promise: it can be sure and wrong.
"""
)

with st.expander("The details"):
    st.markdown(
        f"""
| | |
|---|---|
| Model | {card["id"]} |
| Layers | {card["architecture"]} |
| Multiplications for one digit | {card["multiply_adds"]:,} |
| Validation accuracy | {100 * card["validation_accuracy"]:.2f} % of {held_out:,} |
| Training | {card["epochs"]} epochs, {card["wall_seconds"] / 60:.0f} minutes, seed {card["seed"]} |
"""
    )
