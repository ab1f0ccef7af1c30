"""What the wall of digits sends to the browser."""

from __future__ import annotations

import base64
import io
import json
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_core.generated import make_digits
from pages.components.wall import Tile, _payload, wall_sheet


def tiles(count: int, **more: Any) -> list[Tile]:
    return [Tile(number, f"Digit {number}", **more) for number in range(count)]


def sent(images: NDArray[np.uint8], shown: list[Tile], **more: Any) -> dict[str, Any]:
    options = {"told": "", "pickable": True, "columns": 20, "scale": 1, "chosen": None}
    return json.loads(json.dumps(_payload(images, shown, **{**options, **more})))


def decoded(address: str) -> NDArray[np.uint8]:
    data = base64.b64decode(address.split(",")[1])
    return np.array(Image.open(io.BytesIO(data)).convert("L"))


def test_the_sheet_holds_every_picture_as_it_is() -> None:
    images = np.random.default_rng(1).integers(0, 256, (23, 28, 28), np.uint8)
    sheet = decoded(sent(images, tiles(23))["sheet"])
    assert sheet.shape == (2 * 28, 20 * 28)
    cells = sheet.reshape(2, 28, 20, 28).swapaxes(1, 2).reshape(40, 28, 28)
    assert (cells[:23] == images).all()
    assert not cells[23:].any()


def test_two_hundred_digits_are_soon_ready_and_light() -> None:
    images = make_digits(200, seed=1).images
    address = wall_sheet(images)
    assert len(address) < 150_000
    times = []
    for _ in range(5):
        start = time.perf_counter()
        wall_sheet(images)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.025
    whole = json.dumps(sent(images, tiles(200, badge="9", caption="4, read as 9")))
    assert len(whole) - len(address) < 15_000


def test_an_empty_wall_has_no_sheet() -> None:
    assert sent(np.zeros((0, 28, 28), np.uint8), [])["sheet"] == ""


@pytest.mark.parametrize(
    ("shape", "shown", "more", "complaint"),
    [
        ((3, 28, 28), tiles(2), {}, "as many pictures"),
        ((2, 20, 20), tiles(2), {}, "28x28"),
        ((2, 28, 28), [Tile(0, "a", "b"), Tile(1, "c")], {}, "caption"),
        ((2, 28, 28), tiles(2), {"columns": 0}, "at least 1"),
        ((2, 28, 28), tiles(2), {"scale": 0}, "at least 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    shape: tuple[int, ...], shown: list[Tile], more: dict[str, int], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        sent(np.zeros(shape, np.uint8), shown, **more)


def test_a_badge_is_short() -> None:
    with pytest.raises(ValueError, match="characters"):
        Tile(0, "a", badge="123")
