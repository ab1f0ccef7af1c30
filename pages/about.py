"""What the model is that reads, how good, on whom, and where it fails: its card, for people."""

import streamlit as st

from mnist_core.registry import SHIPPED
from mnist_core.words import accuracy, duration, percent
from pages.components import session
from pages.components.frame import within_frame

within_frame()
model = session.classifier().model
card = model.card
settings = card["settings"]
on_mnist = settings["data"] == "mnist"
measured = card.get("measured", {})  # of the model that ships; see mnist_core.examination
held_out = card["data"]["held out for validation"]

st.title("About this model")
st.write(
    f"Your drawings are read by {session.described(model)}. It runs on the computer that serves"
    " this page; what you draw is sent nowhere else. It is forgotten when you close the page, all"
    " but a drawing that is followed through a training, as the one on the board is when you press"
    " Retrain: the run keeps it, and shows it to everyone who looks at that run. A random number in"
    " a cookie, which goes when you close the browser, tells which trainings are yours, and nothing"
    " else."
)

st.subheader("How good is it?")
with st.container(horizontal=True):
    st.metric(
        "MNIST test digits read right" if on_mnist else "Generated test digits read right",
        accuracy(card["test_accuracy"]),
        help="Of digits that it never saw while learning; measured once, at the end.",
        border=True,
    )
    if pens := measured.get("pen digits, unseen writers"):
        st.metric(
            "Pen drawings of strangers read right",
            accuracy(pens["accuracy"]),
            help=f"Of {pens['count']:,} digits by ten people who wrote on a tablet, none of whom it"
            " learned from. Source: UCI Pen-Based Recognition of Handwritten Digits.",
            border=True,
        )
    if others := measured.get("no digit, unseen"):
        st.metric(
            "Non-digits not taken for one",
            percent(others["flagged"]),
            help="Of Greek and Latin letters and of shapes it did not learn from, and of scribbles,"
            " halves and pairs of digits made afresh. The others it takes for a digit.",
            border=True,
        )

st.subheader("What did it learn from?")
sources = []
if on_mnist:
    learned = min(settings.get("images", 60_000), 60_000 - held_out)
    sources.append(
        f"**MNIST**: {learned:,} digits written by American census workers and pupils, 28 × 28"
        f" pixels each. Another {held_out:,} were kept aside to choose by."
    )
    drawn = card["data"].get("drawn for every epoch", {})
    if drawn.get("pen digits"):
        writers = card["data"]["pen digits of writers"]
        sources.append(
            f"**Pen drawings**: {drawn['pen digits']:,} in every round, of what {len(writers)}"
            " people wrote on a tablet, each time at another size, slant, speed and pen."
        )
    elif settings.get("pen_digits"):
        sources.append(
            "**No pen drawings**: they were not to be had, so it reads strangers' drawings less"
            " well than the network that comes with Digit Studio."
        )
    if drawn.get("generated digits"):
        sources.append(
            f"**Generated digits**: {drawn['generated digits']:,} in every round, drawn by a"
            " program in styles that the others hardly hold, such as a 1 with a foot, a crossed 7"
            " or a slashed 0."
        )
    if drawn.get("no digits"):
        letters = "letters, " if "letters" in card["data"] else ""
        sources.append(
            f"**What is no digit**: {drawn['no digits']:,} in every round: {letters}scribbles,"
            " shapes, and digits cut in half, in pairs or turned."
        )
else:
    sources.append("**Generated digits**, drawn by a program. It has seen no MNIST at all.")
st.markdown("\n".join(f"- {source}" for source in sources))
if settings["augment"]:
    st.write(
        "Every picture was turned, slanted, stretched, moved, thickened or thinned a little,"
        f" differently in each of the {card['epochs']:g} rounds (epochs) of its training."
    )

st.subheader("Where does it fail?")
if model.id == SHIPPED:
    st.markdown(
        """
- **Ways of writing it hardly met.** Of strangers' drawings it misreads most are a 9 with a small
  loop and a far-swung tail taken for a 3, and a 1 with a long flag taken for a 7.
- **Look-alikes.** A letter such as S, l or O is the same shape as a digit, so it reads one. Some
  simple shapes, such as a heart, pass for a digit, too.
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
| Parameters, the numbers it learned | {card["parameters"]:,} |
| Multiplications for one digit | {card["multiply_adds"]:,} |
| Validation accuracy | {accuracy(card["validation_accuracy"])} of {held_out:,} |
| Training | {card["epochs"]:g} epochs, {duration(card["wall_seconds"])}, seed {card["seed"]} |
"""
    )
