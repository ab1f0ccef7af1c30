import pytest

from mnist_core import registry
from mnist_core.inference import Classifier
from mnist_core.learning import packing
from mnist_core.learning.__main__ import ship

WRITTEN = """.SEGMENT DIGIT 0 ? "1"
.COMMENT 1 3 7
.PEN_DOWN
 100 300
 100 100
.PEN_UP
"""


@pytest.fixture
def model(trained, home):
    with registry.new_model("best-7") as folder:
        digits = trained.material.validation
        packing.pack(trained, folder, model_id="best-7", test=digits, wall_seconds=1)
    return registry.find("best-7")


@pytest.mark.parametrize("drawings", [True, False])
def test_a_model_ships_under_another_name_with_the_same_files(
    model, drawings, tmp_path, monkeypatch
):
    monkeypatch.delenv("STROKES_DIR", raising=False)
    if drawings:
        (tmp_path / "pendigits-orig.tra").write_text(WRITTEN * 3)
        monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "leftover").touch()
    ship(model, folder)
    shipped = registry.open_folder(folder)
    shipped.check()
    assert shipped.id == "default"
    assert shipped.card["files"] == model.card["files"]
    assert {file.name for file in folder.iterdir()} == {*model.card["files"], "card.json"}
    measured = shipped.card["pen_drawings_accuracy"]
    assert (measured in (0.0, 1.0)) if drawings else (measured is None)
    assert shipped.card["test_accuracy"] == model.card["test_accuracy"]
    Classifier(shipped)
