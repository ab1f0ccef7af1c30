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
    _pending: list[Objects] | None = None
    _count: int = 0
    _seen: bytes = b""

    def record(self, objects: Objects, png: bytes) -> None:
        """Take note of what the canvas sent last; the same again, or late, changes nothing."""
        if png == self._seen:
            return
        self._seen = png
        told, self._pending = self._pending, None
        on_board = objects.get("objects") or []
        if not on_board:
            self.current = None
            return
        # The canvas tells, too, that it shows what it was told to: an old drawing is no new one.
        as_told = told is not None and _paths(on_board) == _paths(told)
        if as_told and self.current and told is self.current.objects["objects"]:
            return
        if self.current is None or self._taken_out:
            self._count += 1
            self.current = Drawing(self._count, objects, png, _thumbnail(png))
            self.drawings = [self.current, *self.drawings][:LIMIT]
        else:
            before = self.current
            self.current = Drawing(before.number, objects, png, _thumbnail(png))
            self.drawings = [self.current if d is before else d for d in self.drawings]
        self._taken_out = False

    def take_out(self, number: int) -> None:
        """Put an earlier drawing back on the board; unknown numbers do nothing."""
        for drawing in self.drawings:
            if drawing.number == number:
                self.current = drawing
                self._taken_out = True
                self.lay_out()

    def undo(self) -> None:
        """Have the canvas show the current drawing without its last stroke."""
        self._lay_out(self._strokes()[:-1])

    def clear(self) -> None:
        """Have the canvas show nothing."""
        self.current = None
        self._lay_out([])

    def lay_out(self) -> None:
        """Have the canvas show the current drawing, or nothing."""
        self._pending = None
        self._lay_out(self._strokes())

    def _strokes(self) -> list[Objects]:
        """What the canvas shows, or will once it has done what it was told."""
        if self._pending is not None:
            return self._pending
        strokes: list[Objects] = self.current.objects["objects"] if self.current else []
        return strokes

    def _lay_out(self, strokes: list[Objects]) -> None:
        self._pending = strokes
        # The canvas compares with what it was given last, so the same drawing must look new.
        turn = 1 + (self.laid_out or {}).get("turn", 0)
        self.laid_out = {"objects": strokes, "turn": turn}


def _paths(strokes: list[Objects]) -> list[object]:
    return [stroke.get("path") for stroke in strokes]


def _thumbnail(png: bytes) -> str:
    with Image.open(io.BytesIO(png)) as image:
        image.thumbnail((_THUMBNAIL, _THUMBNAIL))
        small = io.BytesIO()
        image.convert("RGB").quantize(32).save(small, "PNG")
    return "data:image/png;base64," + base64.b64encode(small.getvalue()).decode("ascii")
