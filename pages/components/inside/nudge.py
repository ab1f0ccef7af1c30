"""Step 6: turn, shift, thicken and rub out, and see the probabilities move."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core.inference import Classifier
from pages.components import asset
from pages.components.charts import BARS
from pages.components.glossary import prose
from pages.components.inside.snippets import code

_SLIDERS = (
    ("turn", "Turn", -180, 180, 1, "°"),
    ("across", "Left, right", -9, 9, 0.5, "px"),
    ("down", "Up, down", -9, 9, 0.5, "px"),
    ("thick", "Thinner, thicker", -2, 2, 0.1, ""),
)

_nudge = st.components.v2.component(
    "digit_studio_nudge",
    html=(
        '<div class="nudge"><div class="board"><canvas width="28" height="28" tabindex="0"'
        ' role="application" aria-label="The digit, to be rubbed out: press and move; or arrows and'
        ' space."></canvas><i hidden></i></div><div class="sliders">'
        + "".join(
            f'<div><span>{words}</span><b></b><input type="range" name="{name}" value="0"'
            f' aria-label="{words}" min="{low}" max="{high}" step="{step}"'
            f' data-unit="{unit}"></div>'
            for name, words, low, high, step, unit in _SLIDERS
        )
        + '<button type="button">Start again</button></div>'
        f'<div class="answer"><p role="status"></p><div class="bars" role="img">{BARS}</div></div>'
        "</div>"
    ),
    css=asset("inside/nudge.css"),
    js="\n".join((asset("percent.js"), asset("inside/nudge.js"))),
)


def what_if(image: NDArray[np.uint8], classifier: Classifier) -> None:
    """Let a digit, (28, 28) uint8, be changed; the browser reads it, or else the server does."""
    prose(
        "Change the 28 × 28 pixels themselves, after all scaling and centring: with the sliders,"
        " or press on the picture to rub ink out. The thin line on each bar is where it began."
    )
    _nudge(
        key="nudge",
        data={
            "image": base64.b64encode(image.tobytes()).decode("ascii"),
            "probabilities": _rounded(classifier.predict(image[None])[0]),
            "answer": _answer(st.session_state.get("nudged"), classifier),
        },
        on_asked_change=lambda: st.session_state.update(nudged=st.session_state.nudge.asked),
    )
    code("nudge")


def _answer(asked: object, classifier: Classifier) -> dict[str, Any] | None:
    """What a picture is read as that a browser sent which can't read by itself; and the picture."""
    try:
        pixels = base64.b64decode(str(asked), validate=True) if asked else b""
    except (binascii.Error, ValueError):
        return None
    if len(pixels) != 784:
        return None
    digit = np.frombuffer(pixels, np.uint8).reshape(1, 28, 28)
    return {"asked": asked, "probabilities": _rounded(classifier.predict(digit)[0])}


def _rounded(probabilities: NDArray[np.float32]) -> list[float]:
    return [round(float(p), 5) for p in probabilities]
