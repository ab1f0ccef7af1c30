"""The Dataset page in tests: a small set that stands in for MNIST, and ways to work the page."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest

from mnist_core import datasets, paths, predictions
from mnist_core.generated import make_digits
from mnist_core.inference import Classifier
from mnist_core.mnist_files import MNIST, ArraySpec, MnistSpec, Split
from pages.components import map_view

APP = str(paths.PROJECT / "app.py")
TRAIN, TEST = 260, 120  # digits of the stand-in; a page of the wall holds 200
DOUBTFUL = {41: 7, 3: 9}  # training digits that the folds read as another digit than their label

LASSO = "0.1_0.1_0.7_0.15_0.62_0.8_0.2_0.7"
CORNERS = ((0.1, 0.1), (0.7, 0.15), (0.62, 0.8), (0.2, 0.7))

needs_mnist = pytest.mark.skipif(datasets.find_mnist() is None, reason="needs MNIST")


# A set laid out like MNIST, verified like MNIST, of generated digits.


@functools.cache
def arrays() -> dict[str, NDArray[np.uint8]]:
    made = make_digits(TRAIN + TEST, seed=11)
    return {
        "x_train": made.images[:TRAIN],
        "y_train": made.labels[:TRAIN],
        "x_test": made.images[TRAIN:],
        "y_test": made.labels[TRAIN:],
    }


def spec() -> MnistSpec:
    def small(array: ArraySpec) -> ArraySpec:
        values = np.ascontiguousarray(arrays()[array.npz_key])
        return replace(array, shape=values.shape, sha256=hashlib.sha256(values.data).hexdigest())

    return MnistSpec(*map(small, MNIST.arrays))


def save_mnist(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "mnist.npz"
    np.savez(file, **arrays())
    return file


def forget_maps() -> None:
    map_view._pca.clear()
    map_view._sheet.clear()


def never(*_: object) -> None:
    raise AssertionError("nothing is to be started here")


def read_all(split: Split) -> NDArray[np.float32]:
    """Have the network that ships read the digits, as the process in the background does."""
    return predictions.compute(Classifier.load(), split, lambda share, words: None)


# The page, and what is done to it.


def opened(**address: str) -> AppTest:
    """A first visit, straight to this address."""
    app = AppTest.from_file(APP, default_timeout=30)
    app.switch_page("pages/dataset.py")
    app.query_params.update(address)
    return ran(app.run())


def ran(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def wall(app: AppTest, key: str = "wall") -> list[tuple[int, str, str, str, int]]:
    """Number, words, caption, badge and whether it is wrong, for each digit of a wall."""
    return [tuple(tile) for tile in sent(app, key)["tiles"]]


def numbers(app: AppTest, key: str = "wall") -> list[int]:
    return [tile[0] for tile in wall(app, key)]


def sent(app: AppTest, key: str) -> dict[str, Any]:
    """What a component gets."""
    (proto,) = (c.proto for c in app.get("bidi_component") if c.key == key)
    return json.loads(proto.json)


def tell(app: AppTest, key: str, event: str, value: Any) -> None:
    """What a component tells the page, as the browser does."""
    (component,) = (c.proto for c in app.get("bidi_component") if c.key == key)
    states = app._tree.get_widget_states()
    events = json.dumps([{"event": event, "value": value}])
    states.widgets.add(id=_make_trigger_id(component.id, "events"), json_trigger_value=events)
    ran(app._run(states))


def close(app: AppTest) -> None:
    """Close the dialog, as with Escape."""
    (block,) = dialog(app).children.values()
    states = app._tree.get_widget_states()
    states.widgets.add(id=block.proto.id, trigger_value=True)
    ran(app._run(states))


def come_back(app: AppTest) -> None:
    """Come from another page, by its link."""
    app.switch_page("pages/dataset.py")
    app.query_params = {}
    # From its second run on AppTest leaves app.py out, which would note this.
    app.session_state.from_elsewhere = True
    ran(app.run())


def look(app: AppTest, name: str) -> None:
    ran(app.segmented_control(key="dataset_look").set_value(name).run())


def press(app: AppTest, key: str) -> None:
    ran(app.button(key=key).click().run())


def open_number(app: AppTest, number: int) -> None:
    ran(app.number_input(key="dataset_number").set_value(number).run())


def words(app: AppTest) -> str:
    """Of the page and the dialog; the sidebar is in the tree of a first visit, too."""
    shown = []
    for part in (app.main, dialog(app)):
        kinds = (part.markdown, part.caption, part.info, part.warning, part.error, part.subheader)
        shown += [text.value for kind in kinds for text in kind]
    return "\n".join(shown)


def dialog(app: AppTest) -> Any:
    return app._tree.children[2]


def title(app: AppTest) -> str:
    """Of the digit that is open; empty: none is."""
    return "".join(text.value for text in dialog(app).subheader)


def texts(elements: Any) -> list[str]:
    return [element.value for element in elements]


def keys(app: AppTest) -> list[str]:
    return [button.key for button in app.button]


def everything(app: AppTest) -> dict[str, Any]:
    """What a visit sees of the page, whoever it is that visits."""
    components = [c for c in app.get("bidi_component") if c.proto.json]
    seen: dict[str, Any] = {c.key: json.loads(c.proto.json) for c in components}
    seen.pop("visitor_cookie", None)
    for data in seen.values():
        data.pop("turn", None)
    main = app.main
    fields = [*main.segmented_control, *main.pills, *main.selectbox, *main.number_input]
    return seen | {field.key: field.value for field in fields} | {"words": words(app)}
