"""What the model is that reads, how good, on whom, and where it fails: its card, for people."""

import streamlit as st

from mnist_core.registry import SHIPPED
from mnist_core.words import accuracy, duration
from pages.components import session
from pages.components.frame import within_frame

within_frame()
model = session.classifier().model
card = model.card
# The model that ships names its settings "recipe"; those trained here, "settings".
settings = card.get("settings") or card["recipe"]
on_mnist = settings.get("data", "mnist") == "mnist"
held_out = card["data"]["held out for validation"]

st.title("About this model")
st.write(
    f"Your drawings are read by {session.described(model)}. It runs on the computer that serves"
    " this page; what you draw is sent nowhere else. It is forgotten when you close the page, all"
    " but a drawing that is followed through a training, as the one on the board is when you press"
    " Retrain: the run keeps it, and shows it to everyone who looks at that run."
)

st.subheader("How good is it?")
with st.container(horizontal=True):
    st.metric(
        "MNIST test digits read right" if on_mnist else "Generated test digits read right",
        accuracy(card["test_accuracy"]),
        help="Of digits that it never saw while learning; measured once, at the end.",
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
sources = []
if on_mnist:
    learned = min(settings.get("images", 60_000), 60_000 - held_out)
    sources.append(
        f"**MNIST**: {learned:,} digits written by American census workers and pupils, 28 × 28"
        f" pixels each. Another {held_out:,} were kept aside to choose the best moment to stop."
    )
    if settings["generated_digits"]:
        sources.append(
            f"**Generated digits**: {settings['generated_digits']:,} drawn by a program in the"
            " styles that MNIST hardly holds, such as a 1 with a foot, a crossed 7 or a slashed 0."
        )
    if settings["scribbles"]:
        sources.append(
            f"**Scribbles**: {settings['scribbles']:,} that are no digits, so that it learns to"
            " say so."
        )
else:
    sources.append("**Generated digits**, drawn by a program. It has seen no MNIST at all.")
st.markdown("\n".join(f"- {source}" for source in sources))
if settings.get("augment", True):
    st.write(
        "Every picture was turned, slanted, stretched, moved, thickened or thinned a little,"
        f" differently each of the {card['epochs']:g} times it was shown."
    )

st.subheader("Where does it fail?")
if model.id == SHIPPED:
    st.markdown(
        """
- **Ways of writing it hardly met.** Of the pen drawings it misreads, most are a 7 taken for a 2, a
  1 with a long flag taken for a 7, a 9 taken for a 3, or a 4 without its second stroke taken for
  a 6.
- **Look-alikes.** A letter such as S, l or O is the same shape as a digit, so it reads one.
- **More than one digit.** It reads one at a time, and tells you when it sees two.
- **Difficult photos.** Ruled or patterned paper, deep shadows and crossed-out digits mislead it.
"""
    )
else:
    st.write(
        "Nobody has looked into that. It was trained here, and may misread what the network that"
        " comes with Digit Studio reads: letters, scribbles, and ways of writing that it did not"
        " learn from. The page Train shows which digits it takes for which."
    )
st.write(
    '"Sure" is what the network gives the digit of its ten probabilities. It is a good guide, not a'
    " promise: it can be sure and wrong."
)

with st.expander("The details"):
    st.markdown(
        f"""
| | |
|---|---|
| Model | {model.id} |
| Layers | {card["architecture"]} |
| Multiplications for one digit | {card["multiply_adds"]:,} |
| Validation accuracy | {accuracy(card["validation_accuracy"])} of {held_out:,} |
| Training | {card["epochs"]:g} epochs, {duration(card["wall_seconds"])}, seed {card["seed"]} |
"""
    )
