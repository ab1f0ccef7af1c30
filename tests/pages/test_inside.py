"""The page Look inside, run without a browser."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnist_core import generated, registry
from mnist_core.background import Status
from mnist_core.explanation import similar, softmax_steps
from mnist_core.inference import Classifier
from mnist_core.paths import PROJECT
from mnist_core.pictures import open_picture
from mnist_core.preprocessing import to_mnist
from pages.components import session
from tests.pages import drawn
from tests.pages.browsed import sent, tell

TITLES = [
    "1. From ink to 784 numbers",
    "2. Through the layers",
    "3. To ten probabilities",
    "4. Where it looked",
    "5. Who it reminds it of",
    "6. What if",
]
FOUR = drawn.template(4)


@pytest.fixture
def app(offline: None) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    return at.switch_page("pages/inside.py").run()


@pytest.fixture
def four(app: AppTest) -> AppTest:
    """With a 4 on the board."""
    app.session_state["board"] = drawn.sent(FOUR)
    return ran(app.run())


def ran(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def go_inside(app: AppTest) -> None:
    """By way of a page without widgets: AppTest forgets a page's own only after the next one."""
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/inside.py").run()


def digit() -> np.ndarray:
    return to_mnist(open_picture(drawn.png(FOUR)))


def html(app: AppTest) -> str:
    return "\n".join(each.proto.body for each in app.get("html"))


def words(app: AppTest) -> str:
    return " ".join(each.value for each in app.markdown)


class Cells(HTMLParser):
    """The texts of a table's cells, row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.open = True

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.rows[-1][-1] += data


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_without_a_digit_it_invites_and_shows_no_step(app: AppTest) -> None:
    ran(app)
    assert not app.subheader
    assert "step by step" in app.info[0].value


def test_a_drawing_shows_all_six_steps(four: AppTest) -> None:
    assert [each.value for each in four.subheader] == TITLES
    assert "Show me the code" in {each.label for each in four.expander}


def test_the_drawing_comes_along_from_draw(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.session_state["board"] = drawn.sent(FOUR)
    app.run()
    go_inside(app)
    assert [each.value for each in ran(app).subheader] == TITLES
    assert 'ds-digit">4<' in html(app)


def test_what_was_chosen_on_draw_comes_along_as_well(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.segmented_control(key="source").set_value("Sample").run()
    go_inside(app)
    assert app.segmented_control(key="source").value == "Sample"
    assert [each.value for each in ran(app).subheader] == TITLES


def test_a_digit_of_the_data_set_is_shown_with_its_label(app: AppTest) -> None:
    made = generated.make_digits(3, seed=1)
    app.session_state["handed_over"] = made.images[2], "Test digit 7", 2
    app.session_state["just_handed_over"] = True
    go_inside(app)
    assert "Test digit 7. Its true label is 2" in words(ran(app))
    assert app.segmented_control(key="true_label_2").value == 2


def test_every_layer_is_told_of_with_its_size_and_parameters(four: AppTest) -> None:
    outputs = Classifier.load().outputs(digit()[None])
    told, page = words(four), html(four)
    for place, values in enumerate(outputs.values(), 1):
        assert f"**{place}. " in told
        assert f"{' × '.join(map(str, values.shape[1:]))} numbers" in page
        assert sent(four, f"unit_{place}")["shape"] == list(values.shape[1:])
    assert "14 × 14 × 12 numbers, 312 parameters" in page


def sums(app: AppTest) -> list[str]:
    return [each.proto.body for each in app.get("html") if 'class="ds-sum"' in each.proto.body]


def products_of(grid: str) -> list[float]:
    return [number(cell) for row in Cells(grid.split("</table>")[0]).rows for cell in row]


def check_sum(body: str) -> float:
    """The parts that are shown add up to what is shown below them; returns the value shown."""
    value = number(re.search(r"<strong>.*?</strong> = <b>([^<]+)</b>", body)[1])
    total = re.search(r"Sum of products ([^ ]+) \+ bias ([^ ]+) = <b>([^<]+)</b>", body)
    if not total:
        return value
    products, bias, end = (number(text) for text in total.groups())
    grids = body.split("<caption>Products</caption>")
    listed = re.search(r'class="ds-parts".*', body, re.DOTALL)
    if listed:
        rows = [row for row in Cells(listed[0]).rows if len(row) == 3][1:]
        assert sum(number(row[-1]) for row in rows) == pytest.approx(products, abs=1e-9)
        if len(grids) == 2:  # those of the strongest of the pictures before
            cells = [
                number(cell) for row in Cells(grids[1].split("</table>")[0]).rows for cell in row
            ]
            assert sum(cells) == pytest.approx(number(rows[0][-1]), abs=1e-9)
    else:
        assert sum(products_of(grids[1])) == pytest.approx(products, abs=1e-9)
    assert products + bias == pytest.approx(end, abs=1e-9)
    assert value == pytest.approx(max(end, 0) if "ReLU" in body else end, abs=1e-9)
    return value


def test_the_numbers_that_are_shown_add_up_to_the_value_of_the_network(four: AppTest) -> None:
    outputs = Classifier.load().outputs(digit()[None])
    shown = sums(four)
    assert len(shown) == len(outputs)
    for body, values in zip(shown, outputs.values(), strict=True):
        assert check_sum(body) == pytest.approx(float(values.max()), abs=1e-4)


def test_a_picked_unit_is_explained(four: AppTest) -> None:
    tell(four, "unit_2", "picked", [3, 5, 7])
    values = Classifier.load().outputs(digit()[None])["conv2"][0]
    body = sums(ran(four))[1]
    assert "Filter 7, row 3, column 5" in body
    assert check_sum(body) == pytest.approx(float(values[3, 5, 7]), abs=1e-4)
    assert sent(four, "unit_2")["chosen"] == [3, 5, 7]


def test_a_picked_unit_that_another_network_lacks_is_forgotten(four: AppTest) -> None:
    four.session_state["unit_2_at"] = (13, 13, 15)
    assert "Filter 15, row 13, column 13" in sums(ran(four.run()))[1]
    four.session_state["unit_2_at"] = (13, 13, 16)
    ran(four.run())
    four.session_state["unit_2_at"] = (3,)
    ran(four.run())


@pytest.mark.parametrize(
    "picked", [[-1, 0, 0], [99, 0, 0], [0], [], "abc", None, {}, [0.5, 1, 2], [[1], 2, 3], 10**30]
)
def test_what_is_no_unit_is_not_picked(four: AppTest, picked: object) -> None:
    before = sums(four)
    tell(four, "unit_1", "picked", picked)
    assert sums(ran(four)) == before
    assert [each.value for each in ran(four.run()).subheader] == TITLES


def test_a_scribble_is_said_to_be_no_digit(app: AppTest) -> None:
    random = np.random.default_rng(3)
    app.session_state["board"] = drawn.sent([random.uniform(30, 250, (40, 2))])
    ran(app.run())
    assert 'data-verdict="not-a-digit"' in html(app)
    assert "takes this for no digit" in app.info[0].value
    assert [each.value for each in app.subheader] == TITLES


def test_a_see_through_picture_is_shown_as_people_see_it(app: AppTest) -> None:
    black = np.zeros((60, 60, 4), np.uint8)
    black[10:50, 28:33, 3] = 255
    app.session_state["uploaded"] = black
    app.session_state["source_kept"] = "Upload"
    go_inside(app)
    assert [each.value for each in ran(app).subheader] == TITLES
    address = re.search(r'src="data:image/png;base64,([^"]+)" alt="Your digit as it was', html(app))
    with Image.open(io.BytesIO(base64.b64decode(address[1]))) as shown:
        assert len(shown.getcolors()) > 1


def test_softmax_is_worked_out_before_ones_eyes(four: AppTest) -> None:
    (page,) = (each.proto.body for each in four.get("html") if "ds-softmax" in each.proto.body)
    rows = Cells(page).rows
    steps = softmax_steps(Classifier.load().outputs(digit()[None])["logits"][0])
    cells = [[0.0 if cell[0] == "<" else number(cell) for cell in row] for row in rows[1:11]]
    shown = np.array(cells)
    np.testing.assert_allclose(shown[:, [2, 3]].sum(axis=0), [number(rows[11][2]), 1], atol=1e-9)
    assert rows[11][3] == "1.0000"
    np.testing.assert_allclose(shown[:, 1], steps.logits, atol=6e-5)
    np.testing.assert_allclose(shown[:, 3], steps.probabilities, atol=1e-4)
    assert shown[:, 4].tolist() == np.eye(10)[4].tolist()
    np.testing.assert_allclose(shown[:, 5], steps.losses, atol=6e-5)
    four.segmented_control(key="true_label_4").set_value(9).run()
    (page,) = (each.proto.body for each in four.get("html") if "ds-softmax" in each.proto.body)
    shown = np.array([[row[0], row[4]] for row in Cells(page).rows[1:11]], float)
    assert shown[:, 1].tolist() == np.eye(10)[9].tolist()


def test_why_four_and_not_nine_is_a_difference_of_logits(four: AppTest) -> None:
    second = next(e for e in four.segmented_control if e.label == "and not")
    second.set_value(9).run()
    logits = Classifier.load().outputs(digit()[None])["logits"][0]
    told = re.search(r"together ([+−][\d.]+), just the lead", html(ran(four)))
    assert number(told[1]) == pytest.approx(float(logits[4] - logits[9]), abs=6e-3)
    for_it, against_it, bias = re.search(
        r"([+−][\d.]+) from places.*?([+−][\d.]+) from those.*?([+−]?[\d.]+) of <dfn", html(four)
    ).groups()
    parts = number(for_it) + number(against_it) + number(bias)
    assert parts == pytest.approx(number(told[1]), abs=1e-9)
    assert "class activation map" in html(four)
    assert "occlusion" in words(four)


def test_why_not_all_others(four: AppTest) -> None:
    second = next(e for e in four.segmented_control if e.label == "and not")
    second.set_value("all others").run()
    assert "over the mean of all others" in html(ran(four))
    logits = Classifier.load().outputs(digit()[None])["logits"][0]
    lead = float(logits[4] - np.delete(logits, 4).mean())
    shown = re.search(r"together ([+−][\d.]+), just the lead", html(four))
    assert number(shown[1]) == pytest.approx(lead, abs=6e-3)


@pytest.mark.parametrize("step", ["crop", "margin", "centre", "smooth"])
def test_a_step_that_is_switched_off_changes_the_numbers(app: AppTest, step: str) -> None:
    small = [stroke * 0.4 + 20 for stroke in FOUR]
    app.session_state["board"] = drawn.sent(small)
    app.run()
    before = next(b for b in html(app).split("<table>") if "28 rows of 28 values" in b)
    app.toggle(key=f"ink_{step}").set_value(False).run()
    after = next(b for b in html(ran(app)).split("<table>") if "28 rows of 28 values" in b)
    assert before != after
    assert "Without **" in words(app)


def test_a_small_digit_that_is_not_cropped_is_read_otherwise(app: AppTest) -> None:
    app.session_state["board"] = drawn.sent([stroke * 0.3 + 10 for stroke in FOUR])
    app.run()
    app.toggle(key="ink_crop").set_value(False).run()
    assert "it now reads" in words(ran(app))


def test_numbers_that_are_not_divided_are_read_by_plain_arithmetic(four: AppTest) -> None:
    four.toggle(key="ink_normalised").set_value(False).run()
    assert "Without **Divide by 255**" in words(ran(four))
    assert "In: 0 to 255" in html(four)


def test_without_mnist_the_neighbours_are_generated_digits(four: AppTest) -> None:
    wall = sent(four, "reminds")
    assert len(wall["tiles"]) == 10
    assert any("generated digits" in each.value for each in four.caption)
    vote = re.search(r"\*\*(\d+) of 10\*\* are 4s", words(four))
    assert int(vote[1]) == sum(tile[2].startswith("4") for tile in wall["tiles"])


def test_a_neighbour_opens_and_can_be_looked_into(four: AppTest) -> None:
    row, *_ = sent(four, "reminds")["tiles"][0]
    tell(four, "reminds", "picked", row)
    assert f"Generated digit {row}, labelled **4**" in words(ran(four))
    press = next(each for each in four.button if each.label == "Look inside this one")
    press.click().run()
    assert four.segmented_control(key="source").value == "Sample"
    assert f"Generated digit {row}. Its true label is 4" in words(ran(four))
    others = [tile[0] for tile in sent(four, "reminds")["tiles"]]
    assert row not in others and len(others) == 10, "nobody is its own neighbour"


def test_what_is_no_neighbour_does_not_open(four: AppTest) -> None:
    tell(four, "reminds", "picked", 10**9)
    assert "labelled" not in words(ran(four))


def test_the_index_of_neighbours_is_made_once_with_progress(
    mnist: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(similar, "start", lambda model: started.append(model.id))
    monkeypatch.setattr(similar, "status", lambda model: Status(True, 0.25, "A quarter"))
    at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    at.switch_page("pages/inside.py").run()
    at.session_state["board"] = drawn.sent(FOUR)
    ran(at.run())
    assert started == []
    assert [each.value for each in at.subheader] == TITLES
    assert at.get("progress")[0].proto.value == 25
    similar.compute(Classifier.load(), lambda share, words: None)
    ran(at.run())
    assert len(sent(at, "reminds")["tiles"]) == 10


def test_a_picture_that_a_browser_sends_is_read(four: AppTest) -> None:
    turned = np.rot90(digit())
    asked = base64.b64encode(np.ascontiguousarray(turned).tobytes()).decode()
    tell(four, "nudge", "asked", asked)
    answer = sent(ran(four), "nudge")["answer"]
    assert answer["asked"] == asked
    np.testing.assert_allclose(
        answer["probabilities"], Classifier.load().predict(turned[None])[0], atol=1e-4
    )


@pytest.mark.parametrize("asked", ["", "no base64", "AAAA", "A" * 4000, 7, None])
def test_what_is_no_picture_is_not_read(four: AppTest, asked: object) -> None:
    tell(four, "nudge", "asked", asked)
    assert sent(ran(four), "nudge")["answer"] is None


def test_altered_weights_are_one_sentence_and_the_reading_stays(
    four: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(model: registry.Model, name: str) -> bytes:
        if name.startswith("weights"):
            raise session.ModelError("weights.bin is damaged.")
        return whole(model, name)

    whole = registry.Model.read
    monkeypatch.setattr(registry.Model, "read", read)
    st.cache_resource.clear()
    four.run()
    st.cache_resource.clear()
    assert not four.exception
    assert [each.value for each in four.error] == ["weights.bin is damaged."]
    assert 'ds-digit">4<' in html(four)


def test_every_picture_has_words(four: AppTest) -> None:
    images = re.findall(r"<img [^>]*>", html(four))
    assert len(images) > 10
    named = [image for image in images if re.search(r'alt="[^"]{10,}"', image)]
    # The one whose frame around it has a name.
    assert len(images) - len(named) == 1
