"""Terms of the field, each with a few plain words that are shown where one points at it."""

from __future__ import annotations

import html
import re

import streamlit as st

TERMS = {
    "activation": "What is done to a unit's sum before it is given out, such as ReLU.",
    "anti-aliasing": "A pixel that is half covered by a line becomes half bright, so edges are"
    " soft instead of stairs.",
    "bias": "A number that a unit adds whatever it sees: the b in y = mx + b.",
    "centre of mass": "Where the ink would balance on a fingertip, if bright pixels weigh more.",
    "class activation map": "The last pictures of the network, each times the weight that a digit"
    " gives it, added up: what each place gives to that digit.",
    "convolution": "One small window of weights that is laid on every place of a picture; the sum"
    " at each place makes a new picture.",
    "cross-entropy": "The usual loss for choosing one of several classes: minus the logarithm of"
    " the probability that the true one got.",
    "dense layer": "A layer in which each unit is joined to all numbers before it.",
    "feature space": "Each digit as a point whose coordinates are the features, the numbers that"
    " the last layer decides by. What is near there is alike to the network.",
    "filter": "One set of weights that looks for one small pattern everywhere.",
    "hidden layer": "A layer between what goes in and what comes out.",
    "logit": "The sum that a digit gets from the last layer, any number; the highest one wins.",
    "label smoothing": "Telling the network a little less than 1 for the true digit and a little"
    " more than 0 for the others, so that it doesn't grow too sure.",
    "loss": "One number for how wrong an answer is. Training makes it small.",
    "nearest neighbours": "A way to read without a network: look for the digits that are most"
    " alike, and take the label that most of them have.",
    "normalise": "Bring numbers into one range: here 0 to 255 is divided by 255, to 0 to 1.",
    "occlusion": "Cover a small patch, ask again, and see how the answer changes.",
    "one-hot": "Ten numbers that are 0, but for a 1 in the place of the true digit.",
    "pixel": "One of 28 × 28 small squares; its number says how bright it is.",
    "ReLU": "Rectified linear unit: what is below 0 becomes 0, all else stays as it is.",
    "receptive field": "The part of the picture that a unit can see, through all layers before.",
    "sigmoid": "A function that bends any number into 0 to 1, along the shape of an S.",
    "softmax": "Makes probabilities of any numbers: e to the power of each, divided by the sum of"
    " all, so that each is above 0 and all are 1 together.",
    "tanh": "Hyperbolic tangent: bends any number into −1 to 1, along the shape of an S.",
    "unit": "One number of a layer, also called a neuron: a weighted sum of what comes before.",
    "weight": "What an input is multiplied by: the slope m in y = mx + b. Training finds it.",
}

_TERM = re.compile(r"\[\[([^\]|]+)(?:\|([^\]]+))?\]\]")


def prose(text: str) -> None:
    """Show a paragraph whose terms explain themselves to whoever points at them.

    Args:
        text: plain text; [[term]] or [[words|term]] is a term of `TERMS`.

    Raises:
        KeyError: a term is none of these.
    """
    st.html(f'<p class="ds-prose">{marked(text)}</p>')


def marked(text: str) -> str:
    """As `prose`, for a part of a paragraph, as HTML."""

    def term(found: re.Match[str]) -> str:
        words, name = found[1], found[2] or found[1]
        means = TERMS[name]
        return f'<dfn tabindex="0" data-means="{means}" aria-description="{means}">{words}</dfn>'

    return _TERM.sub(term, html.escape(text, quote=False))
