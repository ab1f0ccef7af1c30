"""What the network sees and how sure it is, while the pen moves: read in the browser itself.

Two components: the network goes to the browser once a visit, because Streamlit sends a component's
script and data again as a whole when any of its data changes. The other gets the server's reading
after every stroke, which is the one of record.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import streamlit as st

from mnist_core.errors import ModelError
from mnist_core.inference import Classifier, Reading, sure_from
from mnist_core.strokes import BOARD, CANVAS
from mnist_core.weights import halves
from pages.components import asset, session
from pages.components.charts import BARS, told

_network = st.components.v2.component(
    "digit_studio_live_network",
    js="\n".join(asset(f"{part}.js") for part in ("live_ink", "live_network", "percent", "live")),
    isolate_styles=False,
)
_reader = st.components.v2.component(
    "digit_studio_live",
    html=(
        '<div class="ds-live" data-live-digit="" data-live-confidence="" data-live-frames="0">'
        '<div class="sees"><canvas width="28" height="28" role="img" aria-label="What the network'
        ' sees: your digit as 28 by 28 pixels, white on black."></canvas>'
        '<div class="pixel" hidden></div></div>'
        f'<div class="bars" role="img">{BARS}</div>'
        '<p class="hint">Reads after each stroke: this browser can\'t read while you draw.</p>'
        '<div class="ds-reading" aria-hidden="true" hidden><div class="ds-digit"></div>'
        '<div><strong></strong><div class="ds-detail"></div></div></div>'
        "</div>"
    ),
    css=asset("live.css"),
    js=asset("live_view.js"),
    isolate_styles=False,
)


def live_reader(reading: Reading | None, classifier: Classifier, *, canvas: bool) -> None:
    """Show the picture that the network sees and ten bars, which follow the ink on the board.

    While the pen moves, the answer in the container "reading" is covered by one that follows it,
    too. If the browser can't do that, a hint says so and the reading is shown after each stroke.

    Args:
        reading: the server's, of what is drawn; None or a blank one shows no digit.
        classifier: the network that reads.
        canvas: whether there is a board to follow.
    """
    shown = None if reading is None or reading.verdict == "blank" else reading
    probabilities = None if shown is None else shown.probabilities
    try:
        network = _sent(classifier)
    except ModelError:
        network = None  # the server reads from another file
    with st.container(key="live", gap=None):
        _network(key="live_network", data=network)
        _reader(
            key="live_reader",
            data={
                "canvas": canvas,
                "image": shown and base64.b64encode(shown.image.tobytes()).decode("ascii"),
                "probabilities": shown and [round(float(p), 5) for p in shown.probabilities],
                "told": told(probabilities),
            },
        )


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Classifier: session.identity})
def _sent(classifier: Classifier) -> dict[str, Any]:
    """What the browser needs to read as this one does; a damaged file is a ModelError."""
    model = classifier.model
    return {
        "id": session.identity(classifier),
        "described": json.loads(model.read("weights.json")),
        "values": base64.b64encode(halves(model.read("weights.bin"))).decode("ascii"),
        "digit_from": classifier.digit_from,
        "sure_from": sure_from(classifier),
        "side": CANVAS,
        "board": f"rgb{BOARD}",
    }
