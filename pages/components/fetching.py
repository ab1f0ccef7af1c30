"""MNIST, where it is not on this computer or can't be used: say so, and offer to get it."""

from __future__ import annotations

import streamlit as st

from mnist_core import datasets, fetching
from mnist_core.collection import collection
from mnist_core.errors import DataError
from pages.components.browsing import wait
from pages.components.frame import button


def offer_mnist() -> bool:
    """Say what is wrong with MNIST and offer the download; returns whether it can be used."""
    location = datasets.find_mnist()
    if location:
        try:
            with st.spinner("Opening MNIST ..."):
                collection("train")
                collection("test")
        except DataError as error:
            st.error(str(error))
        else:
            return True
    else:
        st.info(
            "MNIST is not on this computer yet. Until it is, you see **generated digits** here,"
            " drawn by a program."
        )
    # A download would not help where MNIST_DIR names the damaged one.
    if not location or location.place != "MNIST_DIR":
        _offer_download()
    return False


def _offer_download() -> None:
    status = fetching.status()
    if status.running or status.error:
        wait(fetching.status, fetching.start, words="Downloading MNIST ...", key="download")
    else:
        button("Download MNIST (11 MB)", fetching.start, type="primary", key="download")
