"""Step 1: from ink to 784 numbers, with each part of the way to be switched off."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_core.inference import Classifier
from mnist_core.ink import find_ink
from mnist_core.preprocessing import CENTRE, FIT, SIDE, ink_box, place
from mnist_core.weights import PlainNetwork
from mnist_core.words import a, percent
from pages.components.charts import probability_bars
from pages.components.gallery import png_address
from pages.components.glossary import prose
from pages.components.inside.snippets import code
from pages.components.numbers import number_table, pixel_picture
from pages.components.sources import on_ground

_LARGE = 5 * SIDE  # screen pixels of a picture of the strip
_SHADES = ("0 to 255", "0 to 1")
_SWITCHES = {
    "crop": ("Crop", "Cut the picture to its ink. Otherwise all of it is made small."),
    "margin": ("Scale to 20", "Make the longer side 20 of 28 pixels. Otherwise it fills all 28."),
    "centre": ("Centre", "Put its centre of mass in the middle. Otherwise the middle of its box."),
    "smooth": (
        "Soft edges",
        "Each pixel is the mean of what it covers. Otherwise one point.",
    ),
    "normalised": ("Divide by 255", "Otherwise the network gets 0 to 255, and learned on 0 to 1."),
}


def from_ink_to_numbers(
    image: NDArray[np.uint8], classifier: Classifier, network: PlainNetwork
) -> None:
    """Show the way of a picture to 28x28 numbers, and the reading if some of it is left out.

    Args:
        image: as for `preprocessing.to_mnist`, with ink on it.
        classifier: which reads.
        network: its plain arrays, which read what was not divided by 255.
    """
    prose(
        "A network reads numbers, not pictures: one for each [[pixel]], and only of the kind it"
        " learned from. So your digit is made to look like those of MNIST: cropped, scaled,"
        " moved until its [[centre of mass]] is in the middle, with soft edges"
        " ([[anti-aliasing]]). Switch a step off and see what becomes of the"
        " reading: this is why networks that read 99 % of MNIST fail on drawings. (The one that"
        " comes with Digit Studio bears more than most: it learned from drawings, too.)"
    )
    ink = find_ink(image)
    on = {name: bool(st.session_state.get(f"ink_{name}", True)) for name in _SWITCHES}
    normalised = on["normalised"]
    steps = {name: value for name, value in on.items() if name != "normalised"}
    digit = place(ink, **steps)
    strip = _strip(image, ink, steps, digit, "0 to 1" if normalised else "0 to 255")
    with st.container(horizontal=True, gap="small", key="ink_strip"):
        for (title, picture, told), name in zip(strip, (None, *_SWITCHES), strict=True):
            with st.container(width=_LARGE, gap="xsmall"):
                st.html(
                    f'<figure class="ds-figure"><figcaption>{title}</figcaption>'
                    f'<img src="{png_address(picture)}" alt="{told}" width="{_LARGE}"'
                    f' height="{_LARGE}"></figure>'
                )
                if name:
                    label, hint = _SWITCHES[name]
                    st.toggle(label, True, key=f"ink_{name}", help=hint)
    usual = classifier.predict(place(ink)[None])[0]
    if normalised:
        said = classifier.predict(digit[None])[0]
    else:
        said = network.forward(digit[None], normalised=False)["probabilities"][0]
    _compare(usual, said, [_SWITCHES[name][0] for name in on if not on[name]])
    st.markdown(
        "**The 784 numbers**",
        help="Point at a pixel to find its number, or at a number to find its pixel. With the"
        " keyboard: go to the picture and use the arrows.",
    )
    with st.container(horizontal=True, gap="medium", key="numbers"):
        with st.container(width=280):
            pixel_picture(digit, key="numbers")
        with st.container(width=600):
            shades = st.segmented_control(
                "Numbers from",
                _SHADES,
                default=_SHADES[0],
                required=True,
                key="ink_shades",
                label_visibility="collapsed",
            )
            number_table(digit, unit=shades or _SHADES[0])
    prose(
        "Left as they are, the numbers go from 0 (black) to 255 (white). The network gets them"
        " divided by 255: to [[normalise]] is to bring them into one range, here 0 to 1."
    )
    code("ink")


def _strip(
    image: NDArray[np.uint8],
    ink: NDArray[np.uint8],
    steps: dict[str, bool],
    digit: NDArray[np.uint8],
    unit: str,
) -> list[tuple[str, NDArray[np.uint8], str]]:
    """The pictures of the way, each with its title and what it shows in words."""
    box = ink_box(ink)
    assert box is not None
    cropped = ink[box.top : box.bottom, box.left : box.right] if steps["crop"] else ink
    smooth = steps | {"smooth": True}
    scaled = place(ink, side=_LARGE, **smooth | {"centre": False})
    centred = place(ink, side=_LARGE, **smooth)
    numbers = np.kron(digit, np.ones((5, 5), np.uint8))
    shown = f"{cropped.shape[1]} by {cropped.shape[0]} pixels"
    size = f"the longer side is {FIT if steps['margin'] else SIDE} of {SIDE} pixels"
    middle = "its centre of mass" if steps["centre"] else "the middle of its box"
    edges = "" if steps["smooth"] else ", hard edges"

    def done(words: str, step: str) -> str:
        return words.capitalize() if steps[step] else f"Not {words}"

    return [
        ("As drawn", _fitted(_grey(image)), "Your digit as it was drawn."),
        (done("cropped", "crop"), _fitted(cropped), f"What is left of the picture: {shown}."),
        (done("scaled", "margin"), _framed(scaled, steps["margin"]), f"Scaled so that {size}."),
        (done("centred", "centre"), _crossed(centred), f"Moved so that {middle} is in the middle."),
        (f"{SIDE} × {SIDE} pixels", numbers, f"The 28 by 28 pixels{edges}."),
        (f"In: {unit}", numbers, f"The same pixels, as the network gets them: from {unit}."),
    ]


def _compare(usual: NDArray[np.float32], said: NDArray[np.float32], off: list[str]) -> None:
    """The reading with all steps, beside the one without some."""
    label, sure = int(said.argmax()), percent(float(said.max()))
    before = int(usual.argmax())
    if not off:
        words = f"With all steps on, the network reads **{a(label)}** ({sure})."
    else:
        verb = "still reads" if label == before else "now reads"
        words = (
            f"Without **{', '.join(off)}** it {verb} **{a(label)}** ({sure}); with all steps it"
            f" reads {a(before)} ({percent(float(usual.max()))})."
        )
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        with st.container(width=280):
            st.markdown(words)
        with st.container(width=456):
            probability_bars(said, key="ink_bars")


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(on_ground(image).convert("L"))


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey picture as large as its place in the strip, on grey, so that its edges are seen."""
    small = Image.fromarray(picture)
    factor = _LARGE / max(small.size)
    size = max(1, round(factor * small.width)), max(1, round(factor * small.height))
    small = small.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX)
    ground = Image.new("L", (_LARGE, _LARGE), 96)
    ground.paste(small, ((_LARGE - size[0]) // 2, (_LARGE - size[1]) // 2))
    return np.asarray(ground)


def _framed(picture: NDArray[np.uint8], margin: bool) -> NDArray[np.uint8]:
    """With a frame around what the digit is fitted into."""
    image = Image.fromarray(picture)
    edge = 5 * (SIDE - FIT) // 2 if margin else 0
    ImageDraw.Draw(image).rectangle((edge, edge, _LARGE - 1 - edge, _LARGE - 1 - edge), None, 128)
    return np.asarray(image)


def _crossed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With a cross where the centre of mass belongs."""
    image = Image.fromarray(picture)
    pen, middle = ImageDraw.Draw(image), 5 * CENTRE
    pen.line((middle, 0, middle, _LARGE), 110)
    pen.line((0, middle, _LARGE, middle), 110)
    return np.asarray(image)
