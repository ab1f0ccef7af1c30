"""The drawings of one visit. They outlive the canvas, which forgets when it leaves the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

LIMIT = 20  # drawings kept
_THUMBNAIL = 56  # pixels

Objects = dict[str, Any]  # what the canvas calls json_data


@dataclass(frozen=True)
class Drawing:
    """One drawing: `number` counts from 1 in a visit, `png` is the canvas as it looked."""

    number: int
    objects: Objects
    png: bytes
    thumbnail: str  # a data: address


@dataclass
class Sketchbook:
    """The last `LIMIT` drawings, newest first, and the one on the board.

    A drawing stays the same one while strokes are added or undone. A new one begins on an empty
    board, and at the first change to an old one that was taken out again, which itself stays.

    Attributes:
        drawings: newest first.
        current: the one on the board; None if the board is empty.
        laid_out: what the canvas is to show when it comes to the page; it must not change
            otherwise, since the canvas takes every change for a new drawing.
        pen_width: in pixels.
    """

    drawings: list[Drawing] = field(default_factory=list)
    current: Drawing | None = None
    laid_out: Objects | None = None
    pen_width: int = 20
    _taken_out: bool = False
    _count: int = 0
    _seen: bytes = b""

    def record(self, objects: Objects, png: bytes) -> None:
        """Take note of what the canvas sent last; the same again, or late, changes nothing."""
        if png == self._seen:
            return
        self._seen = png
        if not objects.get("objects"):
            self.current = None
            return
        shown = self.current
        if shown and self._taken_out:
            if len(objects["objects"]) == len(shown.objects["objects"]):
                return  # the canvas telling what it was told to show
            shown = None
        self._taken_out = False
        if shown is None:
            self._count += 1
            self.current = Drawing(self._count, objects, png, _thumbnail(png))
            self.drawings = [self.current, *self.drawings][:LIMIT]
        else:
            self.current = Drawing(shown.number, objects, png, _thumbnail(png))
            self.drawings = [self.current if d is shown else d for d in self.drawings]

    def take_out(self, number: int) -> None:
        """Put an earlier drawing back on the board; unknown numbers do nothing."""
        for drawing in self.drawings:
            if drawing.number == number:
                self.current = drawing
                self._taken_out = True
                self.lay_out()

    def undo(self) -> None:
        """Have the canvas show the current drawing without its last stroke."""
        if self.current:
            self._lay_out(self.current.objects["objects"][:-1])

    def clear(self) -> None:
        """Have the canvas show nothing."""
        self.current = None
        self._lay_out([])

    def lay_out(self) -> None:
        """Have the canvas show the current drawing, or nothing."""
        self._lay_out(self.current.objects["objects"] if self.current else [])

    def _lay_out(self, objects: list[Objects]) -> None:
        # The canvas compares with what it was given last, so the same drawing must look new.
        turn = 1 + (self.laid_out or {}).get("turn", 0)
        self.laid_out = {"objects": objects, "turn": turn}


def _thumbnail(png: bytes) -> str:
    with Image.open(io.BytesIO(png)) as image:
        image.thumbnail((_THUMBNAIL, _THUMBNAIL))
        small = io.BytesIO()
        image.convert("RGB").quantize(32).save(small, "PNG")
    return "data:image/png;base64," + base64.b64encode(small.getvalue()).decode("ascii")
