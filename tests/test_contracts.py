"""What a process loads when it imports the core: the dynamic side of import-linter's contracts."""

import json
import subprocess
import sys

from mnist_core import paths

HEAVY = {"tensorflow", "keras", "tensorboard", "streamlit", "plotly", "openTSNE", "sklearn"}

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import mnist_core
names = [m.name for m in pkgutil.iter_modules(mnist_core.__path__, "mnist_core.")]
names.remove("mnist_core.learning")
for name in names:
    importlib.import_module(name)
print(json.dumps([names, sorted({name.partition(".")[0] for name in sys.modules})]))
"""

READ_A_DRAWING = """
import json, sys
import numpy as np
from mnist_core.inference import Classifier, read_drawing
canvas = np.zeros((280, 280), np.uint8)
canvas[40:240, 130:150] = 255
read_drawing(canvas, Classifier.load())
print(json.dumps([[], sorted({name.partition(".")[0] for name in sys.modules})]))
"""

LOOK_AFTER_TRAININGS = """
import json, sys
from mnist_core import pace, registry, store, trainer
from mnist_core.settings import PRESETS
trainer.tend()
store.runs()
registry.models()
pace.expected_seconds(PRESETS["best"].settings)
print(json.dumps([[], sorted({name.partition(".")[0] for name in sys.modules})]))
"""

BROWSE_DIGITS = """
import json, sys
from mnist_core import background, doubts, exports, fetching, maps, predictions, registry
from mnist_core.collection import collection
of = collection("generated")
of.neighbours.nearest(of.images[0])
maps.pca_map(of.images, maps.sampled_rows(of.labels))
maps.kept_map("test"), maps.status("test"), fetching.status()
predictions.kept(registry.find(), "test")
doubts.cross_validated()
exports.as_sheet(of.images)
print(json.dumps([[], sorted({name.partition(".")[0] for name in sys.modules})]))
"""

LOOK_INSIDE = """
import json, sys
from mnist_core import explanation, generated
from mnist_core.explanation import similar
from mnist_core.inference import Classifier
classifier, digits = Classifier.load(), generated.make_digits(20, seed=1).images
layers = explanation.through_the_layers(
    classifier, explanation.plain_network(classifier), digits[4]
)
for layer in layers:
    explanation.unit_sum(layer, [0] * layer.values.ndim)
explanation.evidence(layers, 4, 9)
explanation.occlusion(classifier, digits[4], 4, 9)
index = similar.index_features(classifier, digits, lambda share, words: None)
index.nearest(layers[-3].values)
print(json.dumps([[], sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def loaded_by(program: str) -> tuple[list[str], set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    imported, loaded = json.loads(done.stdout)
    return imported, set(loaded)


def test_the_core_loads_neither_tensorflow_nor_the_web():
    imported, loaded = loaded_by(IMPORT_ALL)
    rooms = {"inference", "preprocessing", "cli", "trainer", "store", "registry", "evaluation"}
    assert {f"mnist_core.{room}" for room in rooms} <= set(imported)
    assert not HEAVY & loaded


def test_reading_a_drawing_loads_neither_tensorflow_nor_the_web():
    _, loaded = loaded_by(READ_A_DRAWING)
    assert "ai_edge_litert" in loaded
    assert not HEAVY & loaded


def test_looking_after_trainings_loads_neither_tensorflow_nor_the_web(home):
    _, loaded = loaded_by(LOOK_AFTER_TRAININGS)
    assert "sqlite3" in loaded
    assert not HEAVY & loaded


def test_browsing_digits_loads_neither_tensorflow_nor_what_makes_the_map(home):
    _, loaded = loaded_by(BROWSE_DIGITS)
    assert "numpy" in loaded
    assert not HEAVY & loaded


def test_looking_inside_loads_neither_tensorflow_nor_the_web(home):
    _, loaded = loaded_by(LOOK_INSIDE)
    assert "ai_edge_litert" in loaded
    assert not HEAVY & loaded
