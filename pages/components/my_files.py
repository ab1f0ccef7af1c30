"""Drawings to take along as files, and to bring back from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from mnist_core import handwriting, heldout
from mnist_core.errors import DigitStudioError
from mnist_core.handwriting import Drawing, Kept, Profile
from mnist_core.words import plural
from pages.components import profile, session


def export(of: Profile, count: int, *, labels: Sequence[int], right: bool | None) -> None:
    """Offer drawings of a profile as a sheet of pictures, as arrays, as a table and as strokes.

    Args:
        of: whose.
        count: how many are chosen; at most `handwriting.MOST` fit into a file.
        labels: those chosen; empty: all.
        right: how they were read; None: however.
    """

    def offer(label: str, kind: str, mime: str, write: Callable[[list[Drawing]], bytes]) -> None:
        # Made only when it is asked for: of thousands that takes a second or more.
        st.download_button(
            label,
            lambda: write(
                handwriting.drawings(of.number, labels=labels, right=right, limit=handwriting.MOST)
            ),
            file_name=f"my-digits-{min(count, handwriting.MOST)}.{kind}",
            mime=mime,
            on_click="ignore",
            width="stretch",
            key=f"my_export_{kind}",
        )

    with st.popover(f"Export {plural(count, 'drawing')}", disabled=not count):
        if count > handwriting.MOST:
            st.caption(f"A file holds the newest {handwriting.MOST:,}: choose by digit for others.")
        offer("Arrays (npz)", "npz", "application/octet-stream", handwriting.as_npz)
        offer("Table (CSV)", "csv", "text/csv", handwriting.as_csv)
        offer("Sheet (PNG)", "png", "image/png", handwriting.as_sheet)
        offer("Strokes (JSON)", "json", "application/json", handwriting.as_json)
        st.caption(
            "Arrays and tables are laid out as MNIST is, and can be imported again: the pictures,"
            " what they are, and which are held out, but not strokes and readings."
        )


def import_box() -> None:
    """Let a file of digits be brought in, into the profile of this visit."""
    with st.popover("Import"):
        # Another key is another box: the same file can be given to it again.
        turn = st.session_state.get("my_import_turn", 0)
        file = st.file_uploader(
            "Digits in a file",
            type=["npz", "csv"],
            key=f"my_import_{turn}",
            help="What was exported here, or laid out like it: npz with images (N, 28, 28) and"
            " labels (N), or a table with label, pixel0 ... pixel783; white ink on black.",
        )
        if file is not None:
            with st.spinner("Importing ..."):
                well, words = _import(file.name, file.getvalue())
            if well:  # said over the page, too: the first drawings close this box
                st.session_state.notice = words
            st.session_state.my_import_said = session.visit(), well, words
            st.session_state.my_import_turn = turn + 1
            st.rerun()
        visit, well, words = st.session_state.get("my_import_said", (None, True, ""))
        if visit == session.visit() and well:
            st.success(words)
        elif visit == session.visit():
            st.error("This file was not imported.")
            st.text(words)  # it may hold what the file does, which is no Markdown


def _import(name: str, content: bytes) -> tuple[bool, str]:
    """Bring it in; returns whether that went well, and a sentence."""
    try:
        new = handwriting.read_file(name, content)
        if count := heldout.measured_on(np.stack([drawing.image for drawing in new])):
            return False, (
                f"{plural(count, 'digit')} in it are of MNIST's test or validation digits. Networks"
                " are measured on those, so nobody may teach with them: choose another file."
            )
        return True, _told(handwriting.keep_all(profile.mine().number, new))
    except DigitStudioError as error:
        return False, str(error)


def _told(kept: Kept) -> str:
    if not kept.known:
        return f"Imported {kept.kept:,}."
    there = "was" if kept.known == 1 else "were"
    return f"Imported {kept.kept:,}; {kept.known:,} {there} there already."
