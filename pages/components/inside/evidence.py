"""Step 4: which places of the digit speak for one reading and against another."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_core.explanation import Evidence, LayerSeen, adding_up, evidence, occlusion
from mnist_core.inference import Classifier
from mnist_core.words import a, signed
from pages.components.gallery import png_address
from pages.components.glossary import prose
from pages.components.inside.colours import ABOVE, BELOW
from pages.components.inside.snippets import code

_SIDE = 10  # screen pixels a pixel
_OTHERS = "all others"
_MARKED = 0.15  # of the strongest place; what is weaker gets no sign


def where_it_looked(
    classifier: Classifier,
    layers: tuple[LayerSeen, ...],
    image: NDArray[np.uint8],
    label: int,
    second: int,
) -> None:
    """Show the evidence for a digit and against another.

    Args:
        classifier: which reads.
        layers: of the image.
        image: (28, 28) uint8.
        label: what it is read as.
        second: the next guess.
    """
    prose(
        "Which ink made the network say so? Orange and + speak for the first digit, blue and −"
        " for the second. Two ways to ask, since neither shows all."
    )
    key = f"{label}_{second}"  # begins anew with another digit
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        with st.container(width=456):
            chosen = st.segmented_control(
                "Why", range(10), default=label, required=True, key=f"why_{key}"
            )
        digit = label if chosen is None else chosen
        others = [other for other in range(10) if other != digit]
        with st.container(width=456):
            other = st.segmented_control(
                "and not",
                [*others, _OTHERS],
                default=second if second in others else _OTHERS,
                required=True,
                key=f"why_not_{key}_{digit}",
            )
    against = other if isinstance(other, int) else None
    found = evidence(layers, digit, against)
    fall = occlusion(classifier, image, digit, against)
    rather = "the mean of all others" if against is None else a(against)
    with st.container(horizontal=True, gap="medium"):
        if found:
            with st.container(width=440, key="exact"):
                _exact(image, found, digit, rather, layers)
        with st.container(width=440, key="occlusion"):
            _occluded(image, fall, digit, rather, alone=found is None)
    code("evidence" if found else "occlusion", digit=digit, against=against, layers=layers)


def _exact(
    image: NDArray[np.uint8],
    found: Evidence,
    digit: int,
    rather: str,
    layers: tuple[LayerSeen, ...],
) -> None:
    height, width = found.places.shape
    for_it = float(found.places[found.places > 0].sum())
    against_it = float(found.places[found.places < 0].sum())
    st.markdown("**Exact shares**")
    parts = adding_up([for_it, against_it, found.bias], 2)
    lead = f"the lead of {a(digit)} over {rather}"
    sums = (
        f"{_plus(parts[0])} from places that speak for {a(digit)}, {_plus(parts[1])} from those"
        f" that speak for {rather}, {_plus(parts[2])} of [[bias]]: together {_plus(sum(parts))}"
    )
    st.html(_picture(image, found.places, f"Exact shares of {height} × {width} places: {sums}."))
    prose(
        f"{sums}, just {lead} in [[logits|logit]]. "
        + (
            f"Shows what each of {height} × {width} places gave to the answer ([[class activation"
            f" map]]). Can't show single strokes, for each place sees {_sight(layers)} of the digit"
            " (its [[receptive field]])."
            if height < 28
            else "Each pixel times its weight. Shows all there is: this network has one layer."
        )
    )


def _occluded(
    image: NDArray[np.uint8], fall: NDArray[np.float64], digit: int, rather: str, *, alone: bool
) -> None:
    most, least = float(fall.max()), float(fall.min())
    st.markdown("**What if it were covered** (occlusion)")
    words = (
        f"Patches of 4 × 4 pixels were covered in turn. The ink that is missed most takes"
        f" {max(most, 0):.2f} from the lead of {a(digit)} over {rather}, on the mean of the patches"
        f" on it; the ink that is most in the way, {max(-least, 0):.2f} from that of {rather}"
    )
    st.html(_picture(image, fall, f"{words}."))
    prose(
        f"{words} ([[occlusion]]). Shows which strokes the answer hangs on. Can't show what two"
        " strokes do together, and its numbers add up to nothing."
        + (
            " Exact shares can't be had from this network: hidden layers bend the sums in between."
            if alone
            else ""
        )
    )


def _picture(image: NDArray[np.uint8], places: NDArray[np.float64], told: str) -> str:
    """The digit in grey, tinted and signed by place."""
    side = 28 * _SIDE
    shares = places / max(float(np.abs(places).max()), 1e-9)
    smooth = np.asarray(
        Image.fromarray(shares.astype(np.float32)).resize(
            (side, side),
            Image.Resampling.BILINEAR if len(places) < 28 else Image.Resampling.NEAREST,
        )
    )
    ink = np.kron(image, np.ones((_SIDE, _SIDE)))[..., None] / 255
    tint = np.where(smooth[..., None] < 0, BELOW, ABOVE) * np.abs(smooth)[..., None]
    # The ink stays to be seen under the tint, and the tint beside the ink.
    picture = Image.fromarray(
        np.clip(0.75 * tint + 150 * ink + 14, 0, 255).round().astype(np.uint8)
    )
    _sign(picture, shares)
    address = png_address(np.asarray(picture))
    told = told.replace("[[", "").replace("]]", "")
    return f'<img class="ds-evidence" src="{address}" alt="{told}" width="{side}" height="{side}">'


def _sign(picture: Image.Image, shares: NDArray[np.float64]) -> None:
    """Put + and - on the places that weigh, larger ones on those that weigh more."""
    pen = ImageDraw.Draw(picture)
    per = len(shares) // 7
    blocks = shares.reshape(7, per, 7, per).mean(axis=(1, 3))
    blocks /= max(float(np.abs(blocks).max()), 1e-9)
    cell = picture.width / 7
    for (row, column), share in np.ndenumerate(blocks):
        if abs(share) < _MARKED:
            continue
        x, y = (column + 0.5) * cell, (row + 0.5) * cell
        arm = 3 + 7 * abs(share)
        for colour, width in (((0, 0, 0), 5), ((255, 255, 255), 2)):
            pen.line((x - arm, y, x + arm, y), colour, width)
            if share > 0:
                pen.line((x, y - arm, x, y + arm), colour, width)


def _sight(layers: tuple[LayerSeen, ...]) -> str:
    """How much of the digit a place of the last pictures can see, at most."""
    last = [layer for layer in layers if layer.values.ndim == 3][-1]
    height, width = last.values.shape[:2]
    seen = last.seen_by((height // 2, width // 2))
    return f"up to {seen.height} × {seen.width} pixels"


def _plus(value: float) -> str:
    return ("+" if round(value, 2) > 0 else "") + signed(value, 2)
