"""Pictures of digits that come without drawing."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from mnist_core import generated, strokes
from tests.browser import pen
from tests.browser.test_draw import read, template


def choose(page: Page, source: str) -> None:
    page.get_by_role("radio", name=source, exact=True).or_(
        page.get_by_role("button", name=source, exact=True)
    ).first.click()


def png(image: np.ndarray, name: str = "digit.png") -> FilePayload:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


def upload(page: Page, file: FilePayload) -> None:
    page.locator('input[type="file"]').set_input_files(file)


def paper(label: int, style: str) -> np.ndarray:
    """A digit in dark ink on white paper."""
    chalk = strokes.render(generated.strokes_of(label, style))[..., 0]
    return (255 - (chalk.astype(int) - 31) * 255 // 210).clip(0, 255).astype(np.uint8)


def test_upload_dark_on_light_and_light_on_dark(page: Page) -> None:
    choose(page, "Upload")
    assert "Choose a picture" in pen.wait_reading(page)
    upload(page, png(paper(7, "crossed")))
    expect(page.locator(".st-key-reading")).to_contain_text("sure")
    assert read(page) == 7
    expect(page.get_by_role("img", name="Your picture")).to_be_visible()
    page.get_by_role("button", name="Remove").or_(
        page.get_by_test_id("stFileUploaderDeleteBtn").get_by_role("button")
    ).first.click()
    expect(page.locator(".st-key-reading")).to_contain_text("Choose a picture")
    upload(page, png(255 - paper(3, "round")))
    expect(page.locator(".st-key-reading")).to_contain_text("sure")
    assert read(page) == 3


def test_a_bad_file_gets_a_sentence_and_the_drawing_stays(page: Page) -> None:
    pen.draw(page, template(6))
    assert read(page) == 6
    choose(page, "Upload")
    pen.wait_reading(page)
    upload(page, {"name": "x.png", "mimeType": "image/png", "buffer": b"not a picture"})
    expect(page.get_by_role("alert")).to_contain_text("not a picture")
    assert "Choose a picture" in pen.wait_reading(page)
    choose(page, "Draw")
    assert read(page) == 6


def test_a_picture_of_nothing_says_so_and_a_picture_stays(page: Page) -> None:
    choose(page, "Upload")
    pen.wait_reading(page)
    upload(page, png(np.full((90, 120), 250, np.uint8)))
    expect(page.locator(".st-key-reading")).to_contain_text("Nothing found")
    upload(page, png(paper(5, "one stroke")))
    expect(page.locator(".st-key-reading")).to_contain_text("sure")
    choose(page, "Draw")
    assert "Your turn" in pen.wait_reading(page)
    choose(page, "Upload")
    assert read(page) == 5
    expect(page.get_by_role("img", name="Your picture")).to_be_visible()


def test_samples(page: Page) -> None:
    choose(page, "Sample")
    label = page.get_by_text("true label")
    expect(label).to_be_visible()
    page.get_by_role("group", name="Samples").get_by_role("button").nth(4).click()
    expect(label).to_contain_text("true label is 4")
    expect(page.get_by_role("img", name=": a 4")).to_have_count(2)  # in the row, and large
    seen = {label.inner_text()}
    for _ in range(3):
        page.get_by_role("button", name="Random").click()
        pen.wait_reading(page)
        seen.add(label.inner_text())
    assert len(seen) > 1
