"""Ways to a picture of a digit without drawing: upload, camera, sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from mnist_core import datasets, generated
from mnist_core.errors import DataDamaged, InputError
from mnist_core.pictures import open_picture
from mnist_core.strokes import CANVAS
from mnist_core.words import a
from pages.components import session
from pages.components.gallery import Picture, gallery, png_address

_SHOWN = 10  # samples to pick from, one of each digit


@dataclass(frozen=True)
class Samples:
    """Ten digits, one of each class, and where they are from."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    names: tuple[str, ...]
    origin: str


def camera_works(url: str | None) -> bool:
    """Whether browsers give the page at this address a camera: on this computer, or over HTTPS."""
    address = urlsplit(url or "")
    return address.scheme == "https" or address.hostname in ("localhost", "127.0.0.1", "::1")


def uploaded() -> NDArray[np.uint8] | None:
    """Ask for a picture file; returns (H, W[, 3 or 4]) uint8, or None while there is none."""
    new = "upload" not in st.session_state
    file = st.file_uploader(
        "A picture of one digit",
        key="upload",
        help="A photo or a scan, dark on light or light on dark (PNG, JPEG, GIF, BMP, WebP, TIFF).",
    )
    return _opened(file, kept="uploaded", new=new)


def photographed() -> NDArray[np.uint8] | None:
    """Ask the camera; returns (H, W, 3) uint8, or None while there is none."""
    new = "camera" not in st.session_state
    file = st.camera_input("Fill the picture with one digit", key="camera")
    return _opened(file, kept="photographed", new=new)


def sampled() -> tuple[NDArray[np.uint8], str, int]:
    """Let a sample be picked; returns its (28, 28) uint8 image, its name and its true label."""
    state = st.session_state
    location = datasets.find_mnist()
    samples = _samples(state.setdefault("sample_seed", 0), str(location.path) if location else "")
    state.setdefault("sample", int(np.random.default_rng().integers(_SHOWN)))

    def pick(number: int) -> None:
        state.sample = number
        state.pop("handed_over", None)

    def shuffle() -> None:
        state.sample_seed = int(np.random.default_rng().integers(2**31))
        pick(int(np.random.default_rng().integers(_SHOWN)))

    chosen = state.sample
    image, name, label = session.handed_over() or (
        samples.images[chosen],
        samples.names[chosen],
        int(samples.labels[chosen]),
    )
    show(image, f"{name}: {a(label)}")
    st.button(f"Random {samples.origin}", on_click=shuffle, width="stretch")
    gallery(
        f"Samples: {samples.origin}s",
        [
            Picture(i, png_address(image), f"{name}: {a(label)}")
            for i, (image, name, label) in enumerate(
                zip(samples.images, samples.names, samples.labels, strict=True)
            )
        ],
        key="samples",
        on_pick=pick,
        chosen=None if session.handed_over() else chosen,
    )
    return image, name, label


def show(image: NDArray[np.uint8], words: str) -> None:
    """Show a picture where the board would be, small ones with their pixels kept sharp."""
    picture = on_ground(image)
    picture.thumbnail((CANVAS, CANVAS))
    factor = max(1, CANVAS // max(picture.size))
    size = (picture.width * factor, picture.height * factor)
    picture = picture.resize(size, Image.Resampling.NEAREST)
    st.image(picture, width=picture.width, alt=words)


def on_ground(image: NDArray[np.uint8]) -> Image.Image:
    """A picture, (H, W[, 3 or 4]) uint8; what can be seen through shows grey.

    On that neither black nor white ink is lost, whatever the theme.
    """
    picture = Image.fromarray(image)
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGBA", picture.size, "#9aa5b4")
    return Image.alpha_composite(ground, picture).convert("RGB")


def _opened(file: BinaryIO | None, *, kept: str, new: bool) -> NDArray[np.uint8] | None:
    """The picture in `file`, shown; one opened before stays until it is removed or replaced.

    A `new` widget has forgotten its file, because it had left the page: that removes nothing.
    """
    if file is not None or not new:
        st.session_state[kept] = None
    if file is not None:
        try:
            st.session_state[kept] = open_picture(file)
        except InputError as error:
            st.error(str(error))
    image: NDArray[np.uint8] | None = st.session_state.get(kept)
    if image is not None:
        show(image, "Your picture")
    return image


@st.cache_data(show_spinner="Fetching samples ...", max_entries=50)
def _samples(seed: int, mnist: str) -> Samples:
    """One of each digit: from MNIST's test set if it is on this machine, else generated."""
    random = np.random.default_rng(seed)
    if mnist:
        try:
            test = datasets.load_mnist("test")
        except DataDamaged as error:
            st.warning(str(error))
        else:
            rows = [int(random.choice(np.flatnonzero(test.labels == d))) for d in range(10)]
            names = tuple(f"MNIST test digit {row}" for row in rows)
            return Samples(test.images[rows], test.labels[rows], names, "test digit")
    made = generated.make_digits(10, seed=seed)
    names = tuple(f"Generated digit ({style})" for style in made.styles)
    return Samples(made.images, made.labels, names, "generated digit")
