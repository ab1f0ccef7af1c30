"""The browser's own reading against the server's: the same picture, the same probabilities.

The scripts run in a real Chromium, on a page without anything else; the drawings are painted on two
canvases as the board paints them, composed as it is done while the pen moves, and read by both.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from mnist_core import weights
from mnist_core.generated import make_digits, strokes_of
from mnist_core.inference import Classifier, Reading, _judge
from mnist_core.penmanship import on_canvas_anywhere
from mnist_core.preprocessing import to_mnist
from mnist_core.settings import PRESETS
from mnist_core.stroke_files import find_pendigits
from mnist_core.strokes import INK, Stroke, read_pendigits
from mnist_core.templates import TEMPLATES
from mnist_core.words import percent
from pages.components import asset, live
from pages.components.answer import _parts
from tests.test_weights import convolution, dense, pool

PARTS: Final = "live_ink.js", "live_network.js", "percent.js", "live.js"
DRAWINGS: Final = 2000
AT_ONCE: Final = 50

# Paints as Fabric's pencil does: through the middles between points, with round ends. What is
# finished lies on one canvas, the stroke being drawn on another.
READ: Final = """
async ([sent, drawings]) => {
  const {readBoard, makeNetwork, fromHalves} = window.parts;
  const canvas = () => Object.assign(document.createElement("canvas"), {width: 280, height: 280});
  window.network = {
    ...sent,
    read: makeNetwork(sent.described, fromHalves(sent.values)),
    pixels: canvas().getContext("2d", {willReadFrequently: true}),
  };
  return drawings.map(({strokes, width, colour}) => {
    const [lower, upper] = [canvas(), canvas()];
    strokes.forEach((points, place) => {
      const on = (place === strokes.length - 1 ? upper : lower).getContext("2d");
      Object.assign(on, {lineCap: "round", lineJoin: "round"});
      Object.assign(on, {lineWidth: width, strokeStyle: colour});
      on.beginPath();
      let [x, y] = points[0];
      on.moveTo(x, y);
      for (const [nextX, nextY] of points.slice(1)) {
        on.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
        [x, y] = [nextX, nextY];
      }
      on.lineTo(x, y);
      on.stroke();
    });
    const reading = readBoard(window.network, (pixels) => {
      pixels.drawImage(lower, 0, 0);
      pixels.drawImage(upper, 0, 0);
    });
    return {
      png: window.network.pixels.canvas.toDataURL().split(",")[1],
      read: reading !== null,
      verdict: reading?.verdict,
      words: reading ? window.parts.words(reading).map(String) : null,
      image: reading?.image ? Array.from(reading.image) : null,
      probabilities: reading?.probabilities ? Array.from(reading.probabilities) : null,
    };
  });
}
"""


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Iterator[Page]:
    """An empty page that has the scripts."""
    page = browser.new_page()
    names = "makeNetwork, fromHalves, readBoard, percent, words"
    code = "\n".join([*map(asset, PARTS), f"globalThis.parts = {{ {names} }};"])
    page.add_script_tag(content=code, type="module")
    page.wait_for_function("window.parts")
    yield page
    page.close()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load("default")


def drawings() -> Iterator[tuple[list[Stroke], float]]:
    """Strokes on the canvas and the pen's width: people's, where there are some, and all others."""
    random = np.random.default_rng(11)
    found = find_pendigits()
    people = read_pendigits(found) if found else []
    for _ in range(1200 if people else 0):
        yield on_canvas_anywhere(people[random.integers(len(people))].strokes, random)
    styles = [(label, style) for label, several in TEMPLATES.items() for style in several]
    for number in range(600 if people else 1800):
        yield on_canvas_anywhere(strokes_of(*styles[number % len(styles)]), random)
    for number in range(80):  # off the edge, or crossed out
        strokes, width = on_canvas_anywhere(strokes_of(*styles[number % len(styles)]), random)
        away = random.uniform(-60, 60, 2)
        crossed = [random.uniform(0, 280, (6, 2))] if random.random() < 0.5 else []
        yield [*(stroke + away for stroke in strokes), *crossed], width
    for _ in range(80):  # specks, and a digit with a speck
        speck = random.uniform(0, 280, (1, 2)).repeat(2, axis=0)
        digit = (
            on_canvas_anywhere(strokes_of(*styles[0]), random)[0] if random.random() < 0.5 else []
        )
        yield [*digit, speck], random.uniform(1, 8)
    for _ in range(40):  # blank
        yield [], 20.0


def server_saw(png: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        return to_mnist(np.asarray(image.convert("RGBA")))


@pytest.fixture(scope="module")
def asked() -> list[dict[str, Any]]:
    """The drawings, as `READ` takes them."""
    colour = f"rgb{INK}"
    return [
        {"strokes": [s.round(2).tolist() for s in strokes], "width": float(width), "colour": colour}
        for strokes, width in drawings()
    ]


def answers_to(scripts: Page, sent: dict[str, Any], asked: list[dict[str, Any]]) -> list[Any]:
    return [
        answer
        for first in range(0, len(asked), AT_ONCE)
        for answer in scripts.evaluate(READ, [sent, asked[first : first + AT_ONCE]])
    ]


def test_the_browser_reads_as_the_server_does(
    scripts: Page, classifier: Classifier, asked: list[dict[str, Any]]
) -> None:
    assert len(asked) == DRAWINGS
    answers = answers_to(scripts, live._sent(classifier), asked)
    pictures = np.stack([server_saw(answer["png"]) for answer in answers])
    outputs = classifier.outputs(pictures)
    blanks = other_picture = other_digit = other_verdict = differing = 0
    furthest = 0.0
    for answer, picture, logits, wanted in zip(
        answers, pictures, outputs["logits"], outputs["probabilities"], strict=True
    ):
        assert answer["read"]
        assert (answer["image"] is None) == (not picture.any())
        if answer["image"] is None:
            blanks += 1
            assert answer["verdict"] == "blank"
            continue
        theirs = np.array(answer["image"], int).reshape(28, 28)
        found = np.array(answer["probabilities"])
        differing += (theirs != picture).any()
        other_picture += abs(theirs - picture).max() > 2
        other_digit += found.argmax() != wanted.argmax()
        other_verdict += answer["verdict"] != _judge(logits, wanted, classifier)[0]
        furthest = max(furthest, abs(found - wanted).max())
    print(
        f"{DRAWINGS} drawings: {differing} pictures differ at all, {other_picture} by more than 2"
        f" of 255; {other_digit} digits and {other_verdict} verdicts differ; probabilities are at"
        f" most {furthest:.5f} apart"
    )
    assert blanks >= 40
    assert other_picture <= DRAWINGS // 1000
    assert other_digit <= DRAWINGS // 1000
    assert other_verdict <= DRAWINGS // 500
    assert furthest <= 0.01


@pytest.fixture(scope="module")
def simple() -> Classifier:
    """One that has not learned what is no digit."""
    classifier = Classifier.load("default")
    classifier.digit_from = None
    return classifier


def test_a_network_that_has_not_learned_what_is_no_digit(
    scripts: Page, simple: Classifier, asked: list[dict[str, Any]]
) -> None:
    answers = answers_to(scripts, live._sent(simple), asked[-400:-40])
    pictures = np.stack([server_saw(answer["png"]) for answer in answers])
    outputs = simple.outputs(pictures)
    wanted = [
        _judge(logits, probabilities, simple)[0] if picture.any() else "blank"
        for picture, logits, probabilities in zip(
            pictures, outputs["logits"], outputs["probabilities"], strict=True
        )
    ]
    found = [answer["verdict"] for answer in answers]
    assert {"digit", "unsure", "not a digit"} <= set(found)
    assert sum(f != w for f, w in zip(found, wanted, strict=True)) <= 1


def test_the_answer_is_told_in_the_same_words(
    scripts: Page, simple: Classifier, asked: list[dict[str, Any]]
) -> None:
    seen = set()
    for answer in answers_to(scripts, live._sent(simple), asked[-400:-40]):
        if answer["image"] is None:
            continue
        probabilities = np.array(answer["probabilities"], np.float32)
        label = int(probabilities.argmax())
        reading = Reading(
            np.array(answer["image"], np.uint8).reshape(28, 28),
            probabilities,
            label,
            float(probabilities[label]),
            answer["verdict"],
            "",
        )
        parts = _parts(reading, "")
        digit, headline, detail = answer["words"]
        assert digit == parts["digit"]
        if answer["verdict"] != "not a digit":
            assert headline == parts["headline"]
        assert detail == parts["detail"].removeprefix("<br>")
        seen.add(answer["verdict"])
    assert seen == {"digit", "unsure", "not a digit"}


def test_a_board_drawn_full_to_its_edges_is_left_to_the_server(
    scripts: Page, classifier: Classifier
) -> None:
    around = [[10, 10], [270, 10], [270, 270], [10, 270], [10, 150]]
    asked = [{"strokes": [around], "width": 32, "colour": f"rgb{INK}"}]
    assert not scripts.evaluate(READ, [live._sent(classifier), asked])[0]["read"]


def pictures_read(scripts: Page, folder: Path, digits: NDArray[np.uint8]) -> NDArray[np.float64]:
    described = json.loads((folder / "weights.json").read_text())
    values = weights.halves((folder / "weights.bin").read_bytes())
    read = scripts.evaluate(
        """([described, values, digits]) => {
             const {makeNetwork, fromHalves} = window.parts;
             const read = makeNetwork(described, fromHalves(values));
             return digits.map(digit => {
               const {probabilities, digitness} = read(digit);
               return [...probabilities, digitness];
             });
           }""",
        [described, base64.b64encode(values).decode(), digits.reshape(len(digits), 784).tolist()],
    )
    return np.array(read)


def agrees(scripts: Page, folder: Path, layers: list[dict[str, Any]]) -> None:
    # Halves first, so that what is compared is the arithmetic.
    layers = [
        {
            key: value.astype(np.float16).astype(np.float32)
            if isinstance(value, np.ndarray)
            else value
            for key, value in layer.items()
        }
        for layer in layers
    ]
    weights.save(folder, layers)
    digits = make_digits(20, seed=3).images
    outputs = weights.PlainNetwork.load(folder).forward(digits)
    probabilities = list(outputs.values())[-1]
    logits = outputs["logits"].astype(np.float64)
    read = pictures_read(scripts, folder, digits)
    np.testing.assert_allclose(read[:, :10], probabilities, atol=2e-5)
    np.testing.assert_allclose(read[:, 10], np.log(np.exp(logits).sum(axis=1)), rtol=1e-4)


def ending(inputs: int) -> list[dict[str, Any]]:
    softmax = {"type": "activation", "name": "probabilities", "activation": "softmax"}
    return [dense(inputs, 10, name="logits"), softmax]


FLATTEN: Final = {"type": "flatten", "name": "flat"}
AVERAGE: Final = {"type": "global_average", "name": "average"}
NETWORKS: Final[dict[str, Callable[[], list[dict[str, Any]]]]] = {
    "dense, of widths that are no multiple of eight": lambda: [
        FLATTEN,
        dense(784, 13, activation="relu", name="one"),
        dense(13, 7, activation="tanh", name="two"),
        dense(7, 9, activation="sigmoid", name="three"),
        *ending(9),
    ],
    "convolutions without padding": lambda: [
        convolution((5, 3, 1, 6), strides=(2, 3), padding="valid", activation="relu", name="one"),
        convolution((2, 2, 6, 9), padding="valid", activation="tanh", name="two"),
        AVERAGE,
        *ending(9),
    ],
    "convolutions with padding and strides": lambda: [
        convolution((5, 5, 1, 12), strides=(2, 2), activation="relu", name="one"),
        convolution((3, 3, 12, 17), strides=(2, 1), activation="relu", name="two"),
        convolution((4, 2, 17, 8), strides=(3, 3), name="three"),
        AVERAGE,
        *ending(8),
    ],
    "max pooling": lambda: [
        convolution((3, 3, 1, 4), activation="relu", name="one"),
        pool("max_pool", (2, 2), (2, 2), "valid"),
        pool("max_pool", (3, 3), (2, 2), "same"),
        FLATTEN,
        *ending(7 * 7 * 4),
    ],
    "average pooling": lambda: [
        convolution((3, 3, 1, 4), name="one"),
        pool("average_pool", (3, 3), (2, 2), "same"),
        pool("average_pool", (2, 3), (2, 1), "valid"),
        FLATTEN,
        *ending(7 * 12 * 4),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_layer(scripts: Page, tmp_path: Path, name: str) -> None:
    agrees(scripts, tmp_path, NETWORKS[name]())


@pytest.mark.parametrize("preset", PRESETS)
def test_every_network_that_can_be_trained(scripts: Page, tmp_path: Path, preset: str) -> None:
    from mnist_core.learning import architectures, export
    from tests.learning.test_export import unsettle

    model = unsettle(architectures.build(PRESETS[preset].settings))
    agrees(scripts, tmp_path, export.plain_layers(model))


def test_what_is_unknown_is_refused(scripts: Page) -> None:
    said = scripts.evaluate(
        """() => {
             const layers = [{type: "attention", name: "new"}];
             try {
               window.parts.makeNetwork({input: [28, 28, 1], layers}, new Float32Array());
             } catch (error) { return error.message; }
           }"""
    )
    assert "attention" in said


def test_halves_come_back_as_they_were(scripts: Page) -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = np.sort(every[np.isfinite(every)])
    sent = base64.b64encode(weights.halves(finite.astype("<f4").tobytes())).decode()
    back = scripts.evaluate("(sent) => Array.from(window.parts.fromHalves(sent))", sent)
    np.testing.assert_array_equal(np.array(back), finite.astype(np.float64))


def test_shares_are_told_in_the_same_words(scripts: Page) -> None:
    shares = [*np.random.default_rng(1).beta(0.2, 0.2, 3000).tolist(), 0.0, 0.001, 0.01, 0.99, 1.0]
    told = scripts.evaluate("(shares) => shares.map(window.parts.percent)", shares)
    assert told == [percent(share) for share in shares]
