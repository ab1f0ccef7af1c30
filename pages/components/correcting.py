"""Was it read right? What a person says is stored with the drawing, to count and to learn from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from mnist_core import handwriting
from mnist_core.errors import DigitStudioError, InputError
from mnist_core.handwriting import Drawing, NewDrawing
from mnist_core.inference import Reading
from pages.components import profile, session
from pages.components.keys import Press, keys
from pages.components.reader import DRAW, SAMPLE, Read


@dataclass
class _Judged:
    """What was said in a visit.

    Its parts are no entries of Streamlit's session state: to look one up there ends a run that the
    next one waits for, and that must not come between storing and taking note of it.

    Attributes:
        pressed: what was said last and is yet to be acted on.
        turn: how often something was acted on.
        stored: the numbers of stored drawings, by profile and picture.
    """

    pressed: Press | None = None
    turn: int = 0
    stored: dict[tuple[int, str], int] = field(default_factory=dict)

    def press(self, press: Press) -> None:
        self.pressed = press

    def acted(self) -> None:
        self.turn += self.pressed is not None
        self.pressed = None


def correcting(read: Read) -> None:
    """Let a person say what a digit is that was drawn, or came from a file or a camera.

    Not of samples: they are test digits, never to be learned from.
    """
    if "judged" not in st.session_state:
        st.session_state.judged = _Judged()
    judged: _Judged = st.session_state.judged
    if read.source == SAMPLE:
        judged.acted()  # what was pressed on the way here is about nothing that is seen now
        return
    reading = None if read.reading is None or read.reading.verdict == "blank" else read.reading
    picture = hashlib.sha256(reading.image.tobytes()).hexdigest() if reading else ""
    drawing, problem = None, ""
    try:
        drawing = _act(judged, read, reading, picture)
    except DigitStudioError as error:
        problem = str(error)
    judged.acted()
    with st.container(key="judging", gap=None):
        keys(
            picture=picture,
            read=reading.label if reading and reading.verdict != "not a digit" else None,
            stored=drawing.label if drawing else None,
            turn=judged.turn,
            on_press=judged.press,
        )
        if problem:
            st.error(problem)
        _counter()
        # Last, and in here: what comes and goes in between makes what is below it jump.
        profile.remember("profile_cookie_here")


def as_read(
    reading: Reading, label: int, *, model: str, objects: dict[str, Any] | None
) -> NewDrawing:
    """A drawing to store.

    Args:
        reading: of it; not blank.
        label: what it is, 0-9.
        model: the id of the network that read it.
        objects: what the canvas calls json_data; None for a picture that was not drawn here.
    """
    strokes, width = handwriting.strokes_on_canvas(objects) if objects else ((), 0.0)
    return NewDrawing(
        label,
        reading.image,
        strokes=strokes,
        pen_width=width,
        read=reading.label,
        confidence=reading.confidence,
        verdict=reading.verdict,
        model=model,
    )


def _act(judged: _Judged, read: Read, reading: Reading | None, picture: str) -> Drawing | None:
    """Do what was pressed; returns the drawing that is stored of this picture, if one is."""
    pressed = judged.pressed
    storing = pressed is not None and pressed != "undo"
    owner = profile.mine() if storing and reading else profile.current()
    if reading is None or owner is None:
        return None
    drawing = _stored(judged, key := (owner.number, picture))
    if pressed is None:
        return drawing
    if pressed == "undo":
        judged.stored.pop(key, None)
        if drawing:
            handwriting.delete(drawing.number)
        return None
    if drawing:
        return handwriting.relabel(drawing.number, pressed)
    sketch = session.sketchbook().current if read.source == DRAW else None
    objects = sketch.objects if sketch else None
    kept = handwriting.keep(
        owner.number, as_read(reading, pressed, model=read.model, objects=objects)
    )
    judged.stored[key] = kept.number
    return kept


def _stored(judged: _Judged, key: tuple[int, str]) -> Drawing | None:
    """What is stored of a picture; it may have been deleted or relabelled elsewhere."""
    if key not in judged.stored:
        return None
    try:
        return handwriting.find_drawing(judged.stored[key])
    except InputError:
        del judged.stored[key]
        return None


def _counter() -> None:
    """How often it was right on this person's digits, and the way to them."""
    owner = profile.current()
    words = "none stored yet"
    try:
        counts = handwriting.count(owner.number) if owner else None
    except DigitStudioError:
        counts = None  # whoever stores one is told
    if counts and counts.read:
        words = f"{counts.right:,} of {counts.read:,} read right"
    elif counts and counts.total:
        words = f"{counts.total:,} stored"
    st.page_link("pages/my_digits.py", label=f":small[{profile.called(owner)}: {words}]")
