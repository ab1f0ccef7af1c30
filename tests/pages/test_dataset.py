"""The Dataset page without a browser: at a glance, the wall, the address, MNIST not there."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import fetching, maps, paths, predictions, registry
from mnist_core.background import Status
from mnist_core.collection import ORDERS, PARTS, collection
from mnist_core.mnist_files import Split
from pages.components import map_view
from pages.components.digit_map import MapPoints, within
from pages.components.view import LAYOUTS, LOOKS, View
from tests.pages.browsed import (
    CORNERS,
    LASSO,
    TEST,
    TRAIN,
    arrays,
    close,
    come_back,
    everything,
    keys,
    look,
    needs_mnist,
    numbers,
    opened,
    press,
    ran,
    read_all,
    save_mnist,
    sent,
    tell,
    texts,
    title,
    wall,
    words,
)

# Without MNIST.


@pytest.mark.parametrize("shown", LOOKS)
def test_without_mnist_every_view_shows_generated_digits_and_says_so(
    offline: None, shown: str
) -> None:
    app = opened(look=shown)
    assert app.title[0].value == "Browse the data set"
    (note,) = app.info
    assert "**generated digits**" in note.value
    assert not app.error
    assert not app.warning
    assert app.button(key="download").label == "Download MNIST (11 MB)"
    told = {
        "glance": ("first_ten", "Generated digit 0: "),
        "wall": ("wall", "Generated digit 0: "),
        "doubts": ("doubtful", "Generated digit "),
    }
    if shown == "map":
        assert sent(app, "map_generated")["told"].startswith("Map of 400 digits")
        names = sent(app, "map_generated_points")["part"]["names"]
        assert names.startswith("Generated digit {id}")
    else:
        key, name = told[shown]
        assert wall(app, key)[0][1].startswith(name)
    assert [m.label for m in app.metric][:1] == (["Generated digits"] if shown == "glance" else [])
    assert not [c for c in app.segmented_control if c.key == "dataset_part"], "there is one"


def test_without_mnist_the_views_can_be_gone_through_and_a_digit_opened(offline: None) -> None:
    app = opened()
    for shown in LOOKS:
        look(app, shown)
        assert app.query_params == ({} if shown == "glance" else {"look": shown})
    tell(app, "doubtful", "picked", 5)
    assert title(app) == "Generated digit 5"
    assert "400 generated digits" in words(app)
    assert not [key for key in keys(app) if key.startswith("mark_")], "they are not kept"
    close(app)
    assert not title(app)


def test_without_mnist_a_digit_of_it_is_a_sentence_until_it_is_here(small_mnist: None) -> None:
    app = opened(look="wall", part="test", digit="test-5")
    assert texts(app.error) == ["Test digit 5 can be opened once MNIST is here."]
    assert not title(app)
    assert wall(app)[0][1].startswith("Generated digit 0")
    save_mnist(paths.data() / "mnist")
    ran(app.run())
    assert not app.error
    assert title(app) == "Test digit 5"
    assert wall(app)[0][1].startswith("Test digit 0")


def test_without_mnist_a_generated_digit_can_be_opened_in_place_of_one_of_it(offline: None) -> None:
    app = opened(look="wall", digit="train-5")
    tell(app, "wall", "picked", 9)
    assert title(app) == "Generated digit 9"
    assert not app.error
    close(app)
    assert app.query_params == {"look": "wall"}


def test_the_download_is_followed_and_a_failure_can_be_tried_again(
    offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = Status()
    started = []

    def start() -> None:
        nonlocal status
        started.append(True)
        status = Status(True, 0.25, "Downloading MNIST: 3 of 11 MB")

    monkeypatch.setattr(fetching, "status", lambda: status)
    monkeypatch.setattr(fetching, "start", start)
    app = opened(look="wall")
    press(app, "download")
    assert started == [True]
    (bar,) = app.get("progress")
    assert (bar.value, bar.text) == (25, "Downloading MNIST: 3 of 11 MB")
    assert wall(app), "the page goes on"

    status = Status(error="No server could be reached: check the network.")
    ran(app.run())
    assert texts(app.error) == ["No server could be reached: check the network."]
    assert started == [True], "not again of itself"
    assert app.button(key="download_again").label == "Try again"
    assert wall(app)
    press(app, "download_again")
    assert started == [True, True]
    assert not app.error
    assert app.get("progress")


def test_what_was_downloaded_is_shown_at_once(
    small_mnist: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = Status(True, 0.99)
    monkeypatch.setattr(fetching, "status", lambda: status)
    app = opened(look="wall")
    assert app.get("progress")
    save_mnist(paths.data() / "mnist")
    status = Status(share=1.0)
    ran(app.run())
    assert not app.info
    assert not app.get("progress")
    assert wall(app)[0][1].startswith("Training digit 0: ")


# At a glance.


def test_at_a_glance_it_is_counted_and_the_classes_shown(mnist: Path) -> None:
    app = opened()
    assert {m.label: m.value for m in app.metric} == {
        "Training digits": "260",
        "Test digits": "120",
        "Pixels of each": "28 × 28",
        "Values": "0 – 255",
    }
    assert "(260, 28, 28) uint8" in app.code[0].value
    labels = arrays()["y_train"]
    assert [tile[2] for tile in wall(app, "first_ten")] == [str(label) for label in labels[:10]]
    counts = np.bincount(labels)
    told = [tile[1] for tile in wall(app, "class_mean")]
    assert told == [f"The mean of {counts[label]} {label}s" for label in range(10)]
    assert "dataset_part" not in [field.key for field in app.segmented_control]
    assert not app.info
    tell(app, "first_ten", "picked", 3)
    assert title(app) == "Training digit 3"
    close(app)
    tell(app, "class_spread", "picked", 4)
    assert app.query_params == {"look": "wall", "classes": "4", "order": "typical"}
    assert set(labels[numbers(app)]) == {4}
    app = opened(part="test")
    tell(app, "class_mean", "picked", 4)
    assert wall(app)[0][1].startswith("Training digit"), "whose mean it was"


# The wall.


def test_the_wall_goes_by_part_class_order_and_page(mnist: Path) -> None:
    app = opened(look="wall")
    assert numbers(app) == list(range(200))
    assert "Page 1 of 2: 1 to 200 of 260 digits" in words(app)
    assert app.button(key="page_before").disabled
    press(app, "page_after")
    assert numbers(app) == list(range(200, 260))
    assert app.button(key="page_after").disabled
    press(app, "page_before")
    assert numbers(app)[0] == 0
    press(app, "page_after")

    ran(app.segmented_control(key="dataset_part").set_value("test").run())
    assert wall(app)[0][1].startswith("Test digit 0: ")
    assert app.query_params == {"look": "wall", "part": "test"}, "from the first page"
    ran(app.pills(key="dataset_classes").set_value([7, 1]).run())
    assert app.query_params["classes"] == "17"
    assert set(arrays()["y_test"][numbers(app)]) == {1, 7}
    ran(app.selectbox(key="dataset_order").set_value("thick").run())
    of = collection("test")
    assert numbers(app) == of.order((1, 7), "thick").tolist()
    ran(app.pills(key="dataset_classes").set_value([]).run())
    assert len(numbers(app)) == TEST


def test_the_seed_orders_and_is_asked_for_in_the_random_order_only(mnist: Path) -> None:
    app = opened(look="wall", part="test")
    assert "dataset_seed" not in [field.key for field in app.number_input]
    ran(app.selectbox(key="dataset_order").set_value("random").run())
    ran(app.number_input(key="dataset_seed").set_value(12).run())
    assert numbers(app) == collection("test").order((), "random", seed=12).tolist()
    assert app.query_params == {"look": "wall", "part": "test", "order": "random", "seed": "12"}


def test_a_page_that_there_is_not_is_the_last(mnist: Path) -> None:
    app = opened(look="wall", page="99")
    assert numbers(app)[0] == 200
    assert app.query_params["page"] == "2"
    assert not app.warning


def test_a_quick_second_click_goes_on_from_the_first(mnist: Path) -> None:
    """The browser may click again before it has heard of the new address."""
    app = opened(look="wall", page="2")
    before = dict(app.query_params)
    ran(app.selectbox(key="dataset_order").set_value("thick").run())
    app.query_params = before
    press(app, "page_after")
    assert app.query_params == {"look": "wall", "order": "thick", "page": "2"}


def test_hard_digits_are_read_once_beside_the_page(
    mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    status = Status()

    def start(model: registry.Model, split: Split) -> None:
        nonlocal status
        started.append((model.id, split))
        status = Status(True, 0.5, "Reading digits: 60 of 120")

    monkeypatch.setattr(predictions, "status", lambda model, split: status)
    monkeypatch.setattr(predictions, "start", start)
    app = opened(look="wall", part="test", order="hard")
    assert started == [(registry.SHIPPED, "test")]
    assert app.get("progress")[0].text == "Reading digits: 60 of 120"
    assert numbers(app) == list(range(TEST)), "until then as in the data set"
    tell(app, "wall", "picked", 8)
    assert title(app) == "Test digit 8", "the page lives"
    close(app)
    assert len(started) == 1

    said = read_all("test")
    status = Status(share=1.0)
    ran(app.run())
    assert not app.get("progress")
    labels = arrays()["y_test"]
    sure = said[np.arange(TEST), labels]
    assert numbers(app) == np.argsort(sure, kind="stable").tolist()
    for number, told, _, badge, wrong in wall(app):
        read = said[number].argmax()
        assert bool(wrong) == (read != labels[number]) == (", read as " in told)
        assert badge == (str(read) if wrong else "")


def test_that_reading_all_digits_failed_is_a_sentence(
    mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "status", lambda model, split: Status(error="No room left."))
    app = opened(look="wall", order="hard")
    assert texts(app.error) == ["No room left."]
    assert "Try again" in [button.label for button in app.button]
    assert len(wall(app)) == 200


def test_that_nothing_came_of_reading_all_digits_is_a_sentence(
    mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    status = Status()

    def start(*_: object) -> None:
        nonlocal status
        started.append(True)
        status = Status(True)

    monkeypatch.setattr(predictions, "status", lambda model, split: status)
    monkeypatch.setattr(predictions, "start", start)
    app = opened(look="wall", order="hard")
    status = Status(share=1.0)
    ran(app.run())
    assert "what came of it is not there" in texts(app.error)[0]
    assert started == [True], "or it would go on for ever"
    (again,) = (button for button in app.button if button.label == "Try again")
    ran(again.click().run())
    assert started == [True, True]
    assert app.get("progress")
    assert not app.error


def test_what_is_chosen_can_be_taken_along(
    mnist: Path, downloads: dict[str, tuple[Callable[[], bytes], bool]]
) -> None:
    opened(look="wall", part="test", classes="4", order="thick")
    rows = collection("test").order((4,), "thick")
    name = f"mnist-test-{len(rows)}"
    assert set(downloads) == {f"{name}.{ending}" for ending in ("png", "npz", "csv")}
    with np.load(io.BytesIO(downloads[f"{name}.npz"][0]())) as kept:
        assert kept["index"].tolist() == rows.tolist()
        assert (kept["images"] == arrays()["x_test"][rows]).all()
        assert set(kept["labels"]) == {4}
    assert downloads[f"{name}.png"][0]().startswith(b"\x89PNG")
    assert downloads[f"{name}.csv"][0]().count(b"\n") == len(rows) + 1


# The address.

VIEWS: list[dict[str, str]] = [
    {},
    {"look": "wall", "part": "test", "classes": "147", "order": "unusual"},
    {"look": "wall", "order": "random", "seed": "77", "page": "2", "digit": "train-12"},
    {"look": "wall", "part": "generated", "page": "2"},
    {"look": "map", "part": "test", "hidden": "13", "lasso": LASSO, "digit": "test-3"},
    {"look": "doubts", "classes": "37", "page": "2"},
    {"digit": "generated-12"},
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "&".join(view) or "default")
def test_the_address_shows_others_the_same(folds: Path, view: dict[str, str]) -> None:
    app = opened(**view)
    wanted = dict(view)
    assert app.query_params == ({k: v for k, v in wanted.items() if k != "page"} | page(app))
    assert not app.warning
    other = opened(**app.query_params)
    assert everything(other) == everything(app)
    assert other.query_params == app.query_params


def page(app: AppTest) -> dict[str, str]:
    """The page that is shown: there may be fewer than were asked for."""
    return {"page": app.query_params["page"]} if "page" in app.query_params else {}


def test_what_was_clicked_together_is_in_the_address(mnist: Path) -> None:
    app = opened()
    look(app, "wall")
    ran(app.segmented_control(key="dataset_part").set_value("test").run())
    ran(app.pills(key="dataset_classes").set_value([2]).run())
    ran(app.selectbox(key="dataset_order").set_value("slanted").run())
    tell(app, "wall", "picked", numbers(app)[1])
    other = opened(**app.query_params)
    assert title(other) == title(app) != ""
    assert everything(other) == everything(app)


def test_another_address_in_the_same_visit_is_followed(mnist: Path) -> None:
    app = opened(look="wall", classes="1")
    app.query_params = {"look": "wall", "classes": "2"}
    ran(app.run())
    assert set(arrays()["y_train"][numbers(app)]) == {2}
    app.query_params = {}
    ran(app.run())
    assert app.metric, "an address that says nothing is the default"


def test_whatever_view_is_asked_for_is_shown(folds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (predictions, maps):
        monkeypatch.setattr(module, "status", lambda *_: Status(True, 0.5))
    choose = random.Random(4).choice
    sizes = {"train": TRAIN, "test": TEST, "generated": 400}
    for _ in range(20):
        part = choose(PARTS)
        digit = choose([None, None, "train", "test", "generated"])
        view = View(
            look=choose(LOOKS),
            part=part,
            classes=choose([(), (), (8,), (1, 4, 7)]),
            order=choose(ORDERS),
            seed=choose([0, 999_999_999]),
            page=choose([1, 1, 2, 999_999_999]),
            digit=digit and (digit, choose([0, sizes[digit] - 1])),
            layout=choose(LAYOUTS),
            hidden=choose([(), (), (0, 9), tuple(range(10))]),
            lasso=choose([(), CORNERS, ((5.0, 5.0), (6.0, 5.0), (5.0, 6.0))]),
        )
        app = opened(**view.written())
        assert not app.error, view
        assert not app.warning, view
        assert bool(title(app)) == bool(digit), view
        assert "look" in app.query_params or view.look == "glance"


def test_nonsense_in_the_address_is_one_warning_each_and_the_page_lives(mnist: Path) -> None:
    nonsense = {
        "look": "wal", "part": "validation", "classes": "1,2", "order": "'", "seed": "-1",
        "page": "0", "digit": "test-", "layout": "umap", "hidden": "x", "lasso": "nan_nan_nan",
    }  # fmt: skip
    app = opened(**nonsense)
    assert len(app.warning) == len(nonsense)
    for name, warning in zip(nonsense, app.warning, strict=True):
        assert f" `{name}=" in warning.value
    assert app.metric[0].value == "260"
    assert app.query_params == {}
    look(app, "wall")
    assert not app.warning
    assert len(wall(app)) == 200


def test_what_is_right_in_a_wrong_address_counts(mnist: Path) -> None:
    app = opened(look="wall", part="test", classes="3", page="seven")
    (warning,) = app.warning
    assert "page='seven'" in warning.value
    assert set(arrays()["y_test"][numbers(app)]) == {3}


def test_the_view_is_there_again_after_another_page(mnist: Path) -> None:
    app = opened(look="wall", part="test", classes="3")
    before = everything(app)
    app.switch_page("pages/about.py")
    app.query_params = {}
    ran(app.run())
    come_back(app)
    assert everything(app) == before
    assert app.query_params == {"look": "wall", "part": "test", "classes": "3"}


# MNIST that is damaged.


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("shown", LOOKS)
def test_a_file_damaged_meanwhile_is_one_sentence_and_generated_digits(
    folds: Path, mnist: Path, shown: str
) -> None:
    app = opened(look=shown)
    assert not app.error
    content = mnist.read_bytes()
    truncate(mnist)
    ran(app.run())
    (error,) = app.error
    assert str(mnist) in error.value
    assert "replace it with an intact copy" in error.value
    assert "download" not in keys(app), "MNIST_DIR would hide it"
    look(app, "wall")
    assert wall(app)[0][1].startswith("Generated digit 0")
    tell(app, "wall", "picked", 2)
    assert title(app) == "Generated digit 2"
    close(app)
    mnist.write_bytes(content)
    ran(app.run())
    assert not app.error
    assert wall(app)[0][1].startswith("Training digit 0")


def test_a_damaged_file_of_our_own_can_be_downloaded_anew(small_mnist: None) -> None:
    file = save_mnist(paths.data() / "mnist")
    app = opened(look="wall", part="test")
    assert wall(app)[0][1].startswith("Test digit")
    truncate(file)
    ran(app.run())
    assert str(file) in texts(app.error)[0]
    assert "download" in keys(app)
    assert wall(app)[0][1].startswith("Generated digit")


def test_an_open_digit_goes_with_the_file(mnist: Path) -> None:
    app = opened(look="wall", digit="train-3")
    truncate(mnist)
    ran(app.run())
    assert not title(app)
    assert any("once MNIST is here" in text for text in texts(app.error))
    assert wall(app)
    save_mnist(mnist.parent)
    ran(app.run())
    assert title(app) == "Training digit 3"
    assert not app.error


# The real one.


@needs_mnist
def test_mnist_at_a_glance() -> None:
    app = opened()
    assert [m.value for m in app.metric][:2] == ["60,000", "10,000"]
    assert "[5 0 4 1 9 2 1 3 1 4]" in app.code[0].value
    assert not app.error


@needs_mnist
def test_the_labels_of_mnist_that_are_doubted_most() -> None:
    app = opened(look="doubts")
    assert not app.error
    assert "Of 60,000 labels" in words(app)
    assert len(wall(app, "doubtful")) == 60


@needs_mnist
def test_mnist_on_the_map_and_a_digit_of_it_with_its_nearest() -> None:
    app = opened(look="map", part="test", lasso="0_0_0.3_0_0.3_1_0_1", digit="test-947")
    assert title(app) == "Test digit 947"
    assert len(wall(app, "nearest")) == 10
    labels = collection("test").labels
    drawn = map_view._pca(collection("test"))
    points = MapPoints("", drawn.places, labels[drawn.rows], drawn.rows, "")
    corners = ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0))
    assert numbers(app, "selected") == np.flatnonzero(within(points, corners))[:200].tolist()


@needs_mnist
def test_the_last_page_of_mnist() -> None:
    app = opened(look="wall", order="typical", page="300")
    assert "Page 300 of 300: 59,801 to 60,000 of 60,000 digits" in words(app)
    assert len(wall(app)) == 200
