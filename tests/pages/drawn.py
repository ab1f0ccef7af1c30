"""What the canvas would send for a drawing, without a browser."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image

from mnist_core import generated, strokes
from mnist_core.strokes import Stroke
from mnist_core.templates import TEMPLATES


def png(written: Sequence[Stroke], *, pen_width: float = 20) -> bytes:
    """The canvas as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(strokes.render(written, pen_width=pen_width)).save(buffer, "PNG")
    return buffer.getvalue()


def sent(written: Sequence[Stroke]) -> dict[str, object]:
    """The canvas' state after these strokes; none: after Clear."""
    raw = {"objects": [{"type": "Path", "points": len(stroke)} for stroke in written]}
    address = "data:image/png;base64," + base64.b64encode(png(written)).decode("ascii")
    return {"drawing": {"raw": raw, "data": address}}


def template(label: int) -> list[Stroke]:
    """A plain drawing of a digit."""
    return generated.strokes_of(label, next(iter(TEMPLATES[label])))
