"""What the curves and the board of digits send to the browser."""

from __future__ import annotations

import base64
import io
import json
import math

import numpy as np
import pytest
from PIL import Image

from pages.components.curves import Line, Panel, _payload
from pages.components.digits import sprite_sheet


def sent(*panels: Panel) -> dict[str, object]:
    """The payload as the browser reads it, which must be JSON that JavaScript accepts."""
    payload = _payload(panels, x_end=None, told="Nothing yet.")
    return json.loads(json.dumps(payload, allow_nan=False))


def test_what_cannot_be_drawn_becomes_a_gap() -> None:
    x = [1.0, 2.0, 3.0, 4.0]
    line = Line("loss", x, [0.5, math.nan, math.inf, -math.inf])
    assert sent(Panel("Loss", (line,)))["panels"][0]["lines"][0]["y"] == [0.5, None, None, None]


def test_numpy_and_lists_are_sent_alike_and_a_shared_x_once() -> None:
    x = np.linspace(0, 1, 3, dtype=np.float32)
    raw = Line("raw", x, np.float32([0.1, 0.2, 0.3]), "faint")
    smooth = Line("smooth", [0, 0.5, 1], [0.1, 0.2, 0.3])
    other = Line("validation", [1], [0.4], "points")
    payload = sent(Panel("Loss", (raw, smooth, other)))
    lines = payload["panels"][0]["lines"]
    assert payload["xs"] == [[0, 0.5, 1], [1]]
    assert [line["x"] for line in lines] == [0, 0, 1]
    assert lines[0]["y"] == lines[1]["y"] == [0.1, 0.2, 0.3]


def test_lines_without_a_point_yet_are_sent() -> None:
    payload = sent(Panel("Loss", (Line("training", [], []), Line("range", [], [], "faint"))))
    assert payload["xs"] == [[]]
    assert [line["y"] for line in payload["panels"][0]["lines"]] == [[], []]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"x": [1, 2], "y": [1]}, "equally long"),
        ({"x": [1], "y": [1], "style": "faint", "low": [0, 0], "high": [2]}, "equally long"),
        ({"x": [1], "y": [1], "style": "faint", "low": [0]}, "low, high"),
        ({"x": [1], "y": [1], "low": [0], "high": [2]}, "faint"),
        ({"x": [2, 1], "y": [1, 1]}, "ascending"),
        ({"x": [math.nan], "y": [1]}, "finite"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Line("loss", **given)


def test_the_sheet_holds_the_pictures_row_by_row() -> None:
    images = np.zeros((5, 28, 28), np.uint8)
    images[:] = np.arange(1, 6, dtype=np.uint8)[:, None, None] * 50
    _, encoded = sprite_sheet(images, columns=2).split(",")
    sheet = np.array(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert sheet.shape == (3 * 28, 2 * 28)
    assert sheet[::28, ::28].tolist() == [[50, 100], [150, 200], [250, 0]]
