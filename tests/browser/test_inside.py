"""Look inside, in a real Chromium: drawn on Draw, and every step worked by mouse and keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_core import registry
from tests.browser import alone, networks, pen
from tests.browser.conftest import NewPage
from tests.browser.server import App, serve
from tests.browser.test_draw import template
from tests.pages.test_inside import TITLES, check_sum, number

PATIENCE: Final = 120_000  # milliseconds, in which the index of neighbours is made


def steps(page: Page) -> None:
    """Wait until all of them are there, and the page rests."""
    for title in TITLES:
        expect(page.get_by_role("heading", name=title)).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".st-key-inside .nudge")).to_be_visible()
    pen.wait_reading(page)


def from_draw(page: Page, label: int = 4) -> Page:
    """Draw on Draw, and ask why."""
    pen.draw(page, template(label))
    assert pen.first_digit(pen.wait_reading(page)) == label
    page.get_by_role("link", name="Why? Look inside").click()
    steps(page)
    return page


@pytest.fixture(scope="module")
def asked(app: App, browser: Browser) -> Iterator[Page]:
    """One visit for all tests that leave the drawing, a 4, as it is."""
    with alone.opened(app, browser) as page:
        yield from_draw(page)


def card(page: Page, layer: int) -> Locator:
    return page.locator(f".st-key-layer_{layer}")


def sum_of(page: Page, layer: int) -> str:
    body: str = card(page, layer).locator(".ds-sum").inner_html()
    # As the server wrote it, for the browser writes some of it in another way.
    return f'<div class="ds-sum">{body}'.replace("<tbody>", "").replace("</tbody>", "")


def test_a_drawing_is_asked_why_and_every_step_is_shown(page: Page) -> None:
    from_draw(page)
    assert pen.first_digit(page.locator(".st-key-reading").inner_text()) == 4
    expect(page.locator("[class*=st-key-layer_]")).to_have_count(9)
    expect(page.get_by_text("4. Convolution, 40 filters of 3 × 3")).to_be_visible()
    expect(page.locator(".ds-softmax tbody tr")).to_have_count(10)
    expect(page.locator(".ds-evidence")).to_have_count(2)
    expect(page.locator(".st-key-inside .tile")).to_have_count(10, timeout=PATIENCE)
    # The board, too, shows the drawing that came along.
    ink = pen.canvas(page).evaluate(
        """upper => {
          const lower = upper.parentElement.querySelector(".lower-canvas");
          const {data} = lower.getContext("2d").getImageData(0, 0, lower.width, lower.height);
          return data.filter((level, i) => i % 4 === 0 && level > 200).length;
        }"""
    )
    assert ink > 1000


def test_a_clicked_unit_adds_up(asked: Page) -> None:
    page = asked
    canvas = card(page, 2).locator("canvas")
    before = sum_of(page, 2)
    canvas.scroll_into_view_if_needed()
    canvas.hover(position={"x": 35, "y": 45})
    told = card(page, 2).locator(".at").inner_text()
    place, value = re.fullmatch(r"(Filter \d+, row \d+, column \d+): (\S+)", told).groups()
    canvas.click(position={"x": 35, "y": 45})
    expect(card(page, 2).locator(".ds-sum strong").first).to_have_text(place)
    assert sum_of(page, 2) != before
    assert check_sum(sum_of(page, 2)) == pytest.approx(number(value), abs=2e-4)


def test_a_unit_is_reached_by_keyboard(asked: Page) -> None:
    page = asked
    card(page, 4).locator("canvas").focus()
    name = card(page, 4).locator(".ds-sum strong").first
    column = int(re.search(r"column (\d+)", name.inner_text())[1])
    page.keyboard.press("ArrowLeft" if column else "ArrowRight")
    told = card(page, 4).locator(".at")
    expect(told).to_contain_text("Filter")
    place = told.inner_text().partition(":")[0]
    page.keyboard.press("Enter")
    expect(name).to_have_text(place)
    check_sum(sum_of(page, 4))


def test_a_step_that_is_switched_off_changes_the_reading(new_page: NewPage) -> None:
    page = new_page(path="inside")
    pen.draw(page, template(4), box=(0.05, 0.05, 0.3, 0.3))
    steps(page)
    expect(page.get_by_text("With all steps on, the network reads")).to_be_visible()
    page.locator(".st-key-ink_crop").get_by_text("Crop").click()
    told = page.get_by_text("Without Crop it now reads")
    expect(told).to_be_visible()
    page.locator(".st-key-ink_crop").get_by_text("Crop").click()
    expect(told).to_be_hidden()


def test_a_pixel_and_its_number_find_each_other(asked: Page) -> None:
    page = asked
    place = page.locator(".st-key-numbers")
    cell = place.locator("td[style]").first
    cell.hover()
    at = place.locator(".ds-pixel")
    expect(at).to_contain_text(f": {cell.inner_text()} of 255")
    place.locator(".ds-pixels").hover(position={"x": 145, "y": 125})
    expect(at).to_contain_text("Row 12, column 14")
    index = 28 * 12 + 14
    expect(place.locator("td").nth(index)).to_have_class("on")
    place.locator(".ds-pixels").focus()
    page.keyboard.press("ArrowDown")
    expect(at).to_contain_text("Row 13, column 14")
    place.get_by_text("0 to 1", exact=True).click()
    expect(place.locator("td", has_text=re.compile(r"^\.\d\d$")).first).to_be_visible()
    cell.hover()
    expect(at).to_contain_text("of 255, divided 0.")


def test_a_term_says_what_it_means(asked: Page) -> None:
    page = asked
    term = page.locator("dfn", has_text="centre of mass").first
    after = "term => getComputedStyle(term, '::after').content"
    assert term.evaluate(after) == "none"
    term.hover()
    assert "balance on a fingertip" in term.evaluate(after)
    page.mouse.move(0, 0)
    term.focus()
    assert "balance on a fingertip" in term.evaluate(after)


def test_what_is_nudged_is_read_at_once(asked: Page) -> None:
    page = asked
    nudge = page.locator(".st-key-inside .nudge")
    told, bars = nudge.locator("p"), nudge.locator(".bars")
    expect(told).to_contain_text("Reads 4")
    before = bars.get_attribute("aria-label")
    nudge.locator("input[name=turn]").focus()
    page.keyboard.press("End")
    expect(nudge.locator(".sliders b").first).to_have_text("+180 °")
    expect(bars).not_to_have_attribute("aria-label", before)
    nudge.get_by_role("button", name="Start again").click()
    expect(bars).to_have_attribute("aria-label", before)
    # All of it rubbed out.
    box = nudge.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    for row in range(0, 280, 20):
        page.mouse.move(box["x"] + 2, box["y"] + row + 2)
        page.mouse.move(box["x"] + 278, box["y"] + row + 2, steps=12)
    page.mouse.up()
    inked = """it => it.getContext("2d").getImageData(0, 0, 28, 28).data
      .filter((level, i) => i % 4 === 0 && level > 40).length"""
    assert nudge.locator("canvas").evaluate(inked) == 0
    # Nor does it come back with thicker lines.
    nudge.locator("input[name=thick]").press("End")
    assert nudge.locator("canvas").evaluate(inked) == 0
    expect(bars).not_to_have_attribute("aria-label", before)


def test_a_browser_that_cannot_read_asks_the_server(asked: Page) -> None:
    page = asked
    page.wait_for_function("globalThis.digitStudioLive?.network")
    nudge = page.locator(".st-key-inside .nudge")
    slider = nudge.locator("input[name=thick]")

    def nudged() -> str:
        nudge.get_by_role("button", name="Start again").click()
        slider.focus()
        page.keyboard.press("Home")
        page.wait_for_timeout(4000)  # a busy server takes its time
        return nudge.locator(".bars").get_attribute("aria-label") or ""

    here = nudged()
    page.evaluate("globalThis.digitStudioLive.network = null")
    there = nudged()
    shares = [
        [float(share) for share in re.findall(r"\d: [<>]?([\d.]+) %", told)]
        for told in (here, there)
    ]
    assert len(shares[0]) == 10
    assert shares[0] == pytest.approx(shares[1], abs=1.1)


def test_a_neighbour_opens(page: Page) -> None:
    from_draw(page)
    tile = page.locator(".st-key-inside .tile").first
    expect(tile).to_be_visible(timeout=PATIENCE)
    tile.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The network reads it as a 4")).to_be_visible()
    dialog.get_by_role("button", name="Look inside this one").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Its true label is 4: read right")).to_be_visible()
    steps(page)


def test_a_stroke_here_moves_everything_along(new_page: NewPage) -> None:
    page = new_page(path="inside")
    expect(page.get_by_text("Then you see here, step by step")).to_be_visible()
    pen.draw(page, template(7))
    steps(page)
    expect(page.locator(".ds-softmax .top th")).to_have_text("7")
    pen.press(page, "Clear")
    expect(page.get_by_text("Then you see here, step by step")).to_be_visible()
    pen.wait_reading(page)
    pen.draw(page, template(3))
    steps(page)
    expect(page.locator(".ds-softmax .top th")).to_have_text("3")


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_has_room_for_every_step(new_page: NewPage, dark: bool) -> None:
    page = new_page(path="inside", phone=True, dark=dark)
    pen.draw_touch(page, template(4))
    steps(page)
    wide = page.evaluate(
        """() => [...document.querySelectorAll(".st-key-inside *")]
          .filter(it => it.getBoundingClientRect().right > innerWidth + 1)
          .filter(it => !it.closest(".ds-numbers, .ds-parts, .ds-softmax, pre, svg"))
          .map(it => it.outerHTML.slice(0, 200))"""
    )
    assert wide == []
    card(page, 1).locator("canvas").tap(position={"x": 20, "y": 20})
    expect(card(page, 1).locator(".ds-sum strong").first).to_contain_text("Filter 0, row")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app in which softmax regression and the MLP of the lessons have been trained."""
    home = tmp_path_factory.mktemp("other")
    networks.train(
        home, *(f"--preset {preset} --images 1000 --epochs 1" for preset in ("softmax", "mlp"))
    )
    with serve(home) as app:
        yield app
    assert "Traceback" not in app.printed(), app.printed()


@pytest.mark.parametrize(
    ("model", "layers", "pictures", "exact"),
    [
        ("softmax-1", ["In one line", "the logits", "Softmax"], 2, "Each pixel times its weight"),
        (
            "mlp-2",
            ["In one line", "128 units", "256 units", "512 units", "the logits", "Softmax"],
            1,
            "Exact shares can't be had from this network",
        ),
    ],
)
def test_other_networks_are_shown_as_they_are(
    other: App,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    layers: list[str],
    pictures: int,
    exact: str,
) -> None:
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(other.log.parent))
    registry.publish(model)
    with alone.opened(other, browser, path="inside") as page:
        pen.draw(page, template(1))
        steps(page)
        for place, words in enumerate(layers, 1):
            title = page.locator(".stMarkdown strong", has_text=re.compile(rf"^{place}\. "))
            expect(title.filter(has_text=words)).to_be_visible()
        expect(page.locator("[class*=st-key-layer_]")).to_have_count(len(layers))
        expect(page.locator(".ds-evidence")).to_have_count(pictures)
        expect(page.get_by_text(exact)).to_be_visible()
        # The first weights are shown as a picture, and the parts add up.
        expect(card(page, 2).locator(".ds-figure", has_text="Weights")).to_be_visible()
        card(page, 2).locator("canvas").click(position={"x": 12, "y": 12})
        expect(card(page, 2).locator(".ds-sum strong").first).to_contain_text(" 0")
        check_sum(sum_of(page, 2))
