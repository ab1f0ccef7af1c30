import json

import numpy as np
import pytest

from mnist_core import examination, heldout, registry, strokes
from mnist_core.heldout import Drawings
from mnist_core.inference import Classifier
from mnist_core.learning import packing
from mnist_core.learning.__main__ import ship
from mnist_core.nondigits import NO_DIGIT


@pytest.fixture
def model(trained, home):
    with registry.new_model("best-7") as folder:
        digits = trained.material.validation
        packing.pack(trained, folder, model_id="best-7", test=digits, wall_seconds=1)
    return registry.find("best-7")


@pytest.fixture
def sets(small_set, written, monkeypatch):
    """Something tiny of every kind that is measured."""
    drawn = [(strokes.fit(digit.strokes), 18.0) for digit in written[:5]]
    tiny = {
        "digits": small_set.validation,
        "pen digits": Drawings(drawn, np.arange(5, dtype=np.uint8)),
        "no digit, unseen: letters": Drawings(drawn, np.full(5, NO_DIGIT, np.uint8)),
    }
    monkeypatch.setattr(heldout, "sets", lambda complain: tiny)
    return tiny


def test_a_model_ships_under_another_name_with_the_same_files(model, sets, tmp_path):
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "leftover").touch()
    ship(model, folder)
    shipped = registry.open_folder(folder)
    shipped.check()
    assert shipped.id == "default"
    assert shipped.card["files"] == model.card["files"]
    assert {file.name for file in folder.iterdir()} == {*model.card["files"], "card.json"}
    assert shipped.card["test_accuracy"] == model.card["test_accuracy"]
    Classifier(shipped)


def test_what_ships_says_how_it_does_on_everything_there_is(model, sets, tmp_path):
    ship(model, tmp_path / "shipped")
    card = json.loads((tmp_path / "shipped" / "card.json").read_text())
    classifier = Classifier(model)
    measured = card["measured"]
    together = measured.pop("no digit, unseen")
    assert measured == {
        name: examination.examine(classifier, drawn).as_json() for name, drawn in sets.items()
    }
    assert measured["digits"]["accuracy"] == card["validation_accuracy"]
    assert {"accuracy", "flagged"} < measured["pen digits"].keys()
    assert together == measured["no digit, unseen: letters"]
    assert together.keys() == {"count", "flagged"}
