"""Draw each digit three times: it names one, stores what is drawn, and goes on to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import streamlit as st
from streamlit.errors import StreamlitAPIException

from mnist_core import handwriting
from mnist_core.errors import DigitStudioError
from mnist_core.handwriting import Drawing, Profile
from mnist_core.inference import Classifier, read_drawing
from mnist_core.pictures import open_picture
from mnist_core.strokes import CANVAS
from mnist_core.words import a
from pages.components import asset, profile, session
from pages.components.board import board
from pages.components.correcting import as_read
from pages.components.sketchbook import Sketchbook

WANTED = 3 * tuple(range(10))
_KEY = "guide"
_WAY = 360  # pixels
_SESSIONS = 500  # at most that are remembered
_HEAD = """
<div class="ds-wanted"><div>Draw {article} <b>{digit}</b></div><span>{place} of {all}</span></div>
"""

_guide = st.components.v2.component(
    "digit_studio_guide",
    html=(
        '<div class="guide"><button type="button" class="next">Next<kbd>Enter</kbd></button>'
        '<button type="button" class="back">Back</button>'
        '<button type="button" class="stop">Stop</button>'
        '<p class="told" role="status"></p><p class="wanted" role="status"></p></div>'
    ),
    css=asset("guided.css"),
    js=asset("guided.js"),
)


@dataclass
class _Session:
    """How far a visitor has come.

    Attributes:
        profile: the number of the one that is drawn for.
        stored: the drawings, in order.
    """

    profile: int
    stored: list[Drawing] = field(default_factory=list)

    @property
    def wanted(self) -> int:
        return WANTED[len(self.stored)]


@dataclass
class _Desk:
    """What a browser tab has.

    Attributes:
        sketchbook: what is on its board.
        pressed: which button, and how many were stored then; None: it was acted on.
        turn: how often something was acted on.
        told: about what was done last.
    """

    sketchbook: Sketchbook = field(default_factory=Sketchbook)
    pressed: tuple[str, int] | None = None
    turn: int = 0
    told: str = ""


@st.cache_resource(show_spinner=False)
def _sessions() -> dict[tuple[str, int], _Session]:
    """By visitor and profile: a page that is loaded again goes on where it was."""
    return {}


def begin() -> None:
    """Begin anew, for the current profile or one's own; for a button's `on_click`, too."""
    try:
        owner = profile.mine()
    except DigitStudioError as error:
        st.session_state.notice = str(error)
        return
    _forget(owner)
    sessions = _sessions()
    sessions[session.visitor(), owner.number] = _Session(owner.number)
    while len(sessions) > _SESSIONS:
        sessions.pop(next(iter(sessions)), None)


def under_way() -> bool:
    """Whether this visitor has begun, for the current profile, and not ended."""
    now = profile.current()
    return now is not None and (session.visitor(), now.number) in _sessions()


@st.fragment
def guided(owner: Profile) -> None:
    """Show what to draw, the board, and the way on; call it only where one is `under_way`."""
    mine = _sessions().get((session.visitor(), owner.number))
    if mine is None:
        st.rerun()  # another tab has ended it
    if len(mine.stored) >= len(WANTED):
        _end(mine, owner)
        return
    if "guided_desk" not in st.session_state:
        st.session_state.guided_desk = _Desk(Sketchbook(pen_width=session.sketchbook().pen_width))
    desk: _Desk = st.session_state.guided_desk
    article, digit = a(mine.wanted).split()
    place = len(mine.stored)
    with st.container(width=CANVAS + 32 + _WAY):
        st.html(_HEAD.format(article=article, digit=digit, place=place + 1, all=len(WANTED)))
        st.progress(place / len(WANTED))
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=CANVAS):
            board(desk.sketchbook)
        if desk.pressed:
            if desk.pressed[0] == "stop":
                _leave(owner)
            _act(mine, desk, session.classifier())
            _again()  # the board is to show something else
        with st.container(width=_WAY, gap=None):
            _guide(
                key=_KEY,
                data={
                    "place": place,
                    "wanted": f"Draw {a(mine.wanted)}.",
                    "told": desk.told,
                    "turn": desk.turn,
                },
                on_pressed_change=_press,
            )


def _again() -> None:
    """Run this fragment anew; or the page, where it is the page that runs."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        st.rerun()


def _press() -> None:
    value: Any = st.session_state[_KEY].pressed
    desk: _Desk = st.session_state.guided_desk
    if isinstance(value, list) and len(value) == 2:
        desk.pressed = value[0], value[1]


def _act(mine: _Session, desk: _Desk, classifier: Classifier) -> None:
    """Do what was pressed, unless another tab or an earlier press has done it."""
    place = len(mine.stored)
    pressed, desk.pressed = desk.pressed, None
    desk.turn += 1
    desk.told = ""
    try:
        if pressed == ("next", place):
            _store(mine, desk, classifier)
        elif pressed == ("back", place) and place:
            handwriting.delete(mine.stored[-1].number)
            mine.stored.pop()
            desk.sketchbook.clear()
    except DigitStudioError as error:
        desk.told = str(error)


def _store(mine: _Session, desk: _Desk, classifier: Classifier) -> None:
    sketch = desk.sketchbook.current
    reading = read_drawing(open_picture(sketch.png), classifier) if sketch else None
    if sketch is None or reading is None or reading.verdict == "blank":
        desk.told = f"Draw {a(mine.wanted)} first."
        return
    drawing = as_read(reading, mine.wanted, model=classifier.model.id, objects=sketch.objects)
    kept = handwriting.keep(mine.profile, drawing)
    mine.stored.append(kept)
    desk.sketchbook.clear()
    desk.told = f"The last one, {a(kept.label)}, was {_outcome(kept)}."


def _outcome(drawing: Drawing) -> str:
    if drawing.right:
        return "read right"
    if drawing.read is None or drawing.verdict == "not a digit":
        return "not recognised"
    return f"read as {a(drawing.read)}"


def _end(mine: _Session, owner: Profile) -> None:
    """All are stored: how they were read, and the way on."""
    right = sum(bool(drawing.right) for drawing in mine.stored)
    st.success(f"All {len(WANTED)} drawings are stored; {right} of them were read right.")
    if st.button("See them, and teach the network with them", type="primary", key="guided_end"):
        _leave(owner)


def _leave(owner: Profile) -> NoReturn:
    """Back to the page as it is without this."""
    _forget(owner)
    st.rerun()


def _forget(owner: Profile) -> None:
    _sessions().pop((session.visitor(), owner.number), None)
    if "guided_desk" in st.session_state:
        desk: _Desk = st.session_state.guided_desk
        desk.told, desk.pressed = "", None
        desk.sketchbook.clear()
