"""How long trainings take, beside Keras' own example; `make bench-training`, about 10 minutes.

Imports and loading the data are left out on both sides; building the network, tracing it and
validating are in. Every training has a process of its own, since seeds belong to the process. The
reference goes first, then in turn with ours, so that a busy machine slows both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from statistics import mean, median, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import datasets, generated, store, trainer
from mnist_core.inference import Classifier
from mnist_core.paths import PROJECT
from mnist_core.preprocessing import to_mnist
from mnist_core.settings import PRESETS, Settings
from tests.bench.figure import Figure

if TYPE_CHECKING:
    from mnist_core.learning.architectures import Precision

SEEDS = range(1, 6)
BAR = 0.99

# Keras' examples/vision/mnist_convnet.py by F. Chollet: network, batch size and optimizer as
# there; the 5,000 validation digits are this project's.
_REFERENCE = """
import json, os, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
from keras import layers
from mnist_core import datasets
train, validation = datasets.split_validation(*datasets.load_mnist("train"))
def prepared(digits):
    return digits.images[..., None].astype("float32") / 255, keras.utils.to_categorical(
        digits.labels, 10)
ours, held_out = prepared(train), prepared(validation)
started, epochs = time.perf_counter(), []
class Note(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        epochs.append((time.perf_counter() - started, logs["val_accuracy"]))
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
    layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(*ours, batch_size=128, epochs=15, validation_data=held_out, callbacks=[Note()], verbose=0)
print(json.dumps(epochs))
"""


def main() -> int:
    """Print one line a figure; the exit status says whether all are as wanted."""
    if datasets.find_mnist() is None:
        print("MNIST is needed: set MNIST_DIR, or run `python -m mnist_core data fetch`.")
        return 2
    fine = True
    with tempfile.TemporaryDirectory() as home:
        os.environ["DIGIT_STUDIO_HOME"] = home
        for figure in chain(_start(), _curves(), _beside_drawing(), _trainings(), _steps()):
            print(figure, flush=True)
            fine = fine and figure.fine
    return 0 if fine else 1


def _start() -> Iterator[Figure]:
    """What it is worth that Keras doesn't load what it only offers to work with."""
    learning = "from mnist_core.learning import worker"
    lean = f"from mnist_core import cli_training as c\nwith c.without(*c._UNUSED): {learning}"
    sides: dict[str, list[float]] = {learning: [], lean: []}
    for _ in range(5):
        for program, taken in sides.items():
            started = time.perf_counter()
            _python("-c", program)
            taken.append(time.perf_counter() - started)
    whole, ours = (median(taken[1:]) for taken in sides.values())
    print(f"     TensorFlow, Keras and ours: {ours:.2f} s, with all that Keras loads {whole:.2f} s")
    yield Figure("Until a training has its libraries", ours / whole, "of the time", 0.9)


def _trainings() -> Iterator[Figure]:
    fast = [_train("fast", seed) for seed in SEEDS[:2]]
    reference = json.loads(_python("-c", _REFERENCE))
    fast += [_train("fast", seed) for seed in SEEDS[2:]]
    dropout = [_train("dropout", seed) for seed in SEEDS]
    (mlp,) = [_train("mlp", 1)]

    reached = [
        (seconds, i) for i, (seconds, accuracy) in enumerate(reference, 1) if accuracy >= BAR
    ]
    assert reached, "Keras' example did not reach 99.0 % in 15 epochs"
    seconds, epoch = reached[0]
    whole = reference[-1][0]
    print(
        f"     Keras' example: 99.0 % after epoch {epoch}, {seconds:.1f} s; 15 epochs {whole:.1f} s"
    )
    _tell("fast", fast)
    yield Figure(
        "fast: Keras' example to 99.0 % takes", seconds / _seconds(fast), "times as long", 5, True
    )
    yield Figure("fast: test accuracy, mean of five seeds", 100 * _accuracy(fast), "%", 99.0, True)
    _tell("dropout", dropout)
    yield Figure("dropout: of the time of Keras' 15 epochs", _seconds(dropout) / whole, "", 1)
    yield Figure(
        "dropout: test accuracy, mean of five seeds", 100 * _accuracy(dropout), "%", 99.4, True
    )
    yield Figure("mlp: test accuracy", 100 * mlp["test_accuracy"], "%", 97, True)


def _seconds(runs: list[dict[str, Any]]) -> float:
    return median(run["wall_seconds"] for run in runs)


def _accuracy(runs: list[dict[str, Any]]) -> float:
    return mean(run["test_accuracy"] for run in runs)


def _tell(name: str, runs: list[dict[str, Any]]) -> None:
    for key in ("validation_accuracy", "test_accuracy"):
        values = [100 * run[key] for run in runs]
        print(
            f"     {name}, {key.replace('_', ' ')}: mean {mean(values):.2f} %, standard deviation"
            f" {stdev(values):.2f}, lowest {min(values):.2f}, of seeds {SEEDS[0]} to {SEEDS[-1]}"
        )
    print("     seconds: " + ", ".join(f"{run['wall_seconds']:.1f}" for run in runs))


def _steps() -> Iterator[Figure]:
    """A training step of "fast" with either batch normalisation, in either precision."""
    from mnist_core.learning.training import _precision

    settings = PRESETS["fast"].settings
    precisions: list[Precision] = ["float32", "mixed_bfloat16"]
    if _precision(settings) == "float32":
        print("     this processor doesn't multiply bfloat16 itself: it is not measured")
        precisions.pop()
    steps = {
        (fused, precision): _step(settings, fused=fused, precision=precision)
        for precision in precisions
        for fused in (False, True)
    }
    times: dict[tuple[bool, Precision], list[float]] = {which: [] for which in steps}
    for turn in range(30):
        for which, step in steps.items():
            started = time.perf_counter()
            for _ in range(20):
                step()
            if turn:  # the first compiles
                times[which].append((time.perf_counter() - started) / 20)
    took = {which: median(values) for which, values in times.items()}
    for (fused, precision), seconds in took.items():
        print(f"     a step, {precision}, {'fused' if fused else 'plain'}: {1000 * seconds:.2f} ms")
    for precision in precisions:
        ratio = took[True, precision] / took[False, precision]
        yield Figure(f"a step, fused normalisation to plain, {precision}", ratio, "", 1)
    if len(precisions) > 1:
        ratio = took[True, "mixed_bfloat16"] / took[True, "float32"]
        yield Figure("a step, mixed_bfloat16 to float32, fused", ratio, "", 1)


def _step(settings: Settings, *, fused: bool, precision: Precision) -> Callable[[], None]:
    """What learns from a batch of noise: how long it takes doesn't depend on what is seen."""
    import keras
    import tensorflow as tf

    from mnist_core.learning import architectures

    whole = architectures.build(settings, fused=fused, precision=precision)
    network = keras.Model(whole.input, whole.get_layer("logits").output)
    weights = network.trainable_variables
    optimizer = keras.optimizers.Adam()
    optimizer.build(weights)
    images = tf.random.stateless_uniform((settings.batch_size, 28, 28, 1), (1, 2))
    labels = tf.range(settings.batch_size) % 10

    @tf.function(autograph=False)
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = network(images, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return lambda: step().numpy()


def _train(preset: str, seed: int) -> dict[str, Any]:
    """Train as people do from the command line; returns the card."""
    before = {run.id for run in store.runs()}
    _python("-m", "mnist_core", "train", "--preset", preset, "--seed", str(seed))
    (run,) = [run for run in store.runs() if run.id not in before]
    card = Path(os.environ["DIGIT_STUDIO_HOME"]) / "models" / run.id / "card.json"
    found: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
    return found


def _python(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    ).stdout


def _curves() -> Iterator[Figure]:
    """The Train page of a run of 100,000 batches, as the server makes it."""
    from streamlit.testing.v1 import AppTest

    with store.opened(write=True) as database:
        run = store.add_run(database, PRESETS["mlp"].settings, owner="")
        random = np.random.default_rng(0)
        losses = np.exp(-np.arange(100_000) / 3e4) + random.exponential(0.2, 100_000)
        rows = ((i + 1, loss, 1 / (1 + loss), 1e-3) for i, loss in enumerate(losses.tolist()))
        store.add_batches(database, run.id, rows)
        store.update(
            database, run.id, state="stopped", step=100_000, steps=100_000, steps_per_epoch=10_000
        )
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/train.py").run()
    times = []
    for _ in range(7):
        started = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - started)
    assert not app.exception
    yield Figure("Train page of a run of 100,000 batches", 1000 * median(times), "ms", 300)


def _beside_drawing() -> Iterator[Figure]:
    """A prediction at rest and while a network is being trained."""
    classifier = Classifier.load()
    drawing = generated.drawing(np.random.default_rng(1), 4, "open")
    at_rest = _prediction(classifier, drawing)
    run = trainer.start(PRESETS["dropout"].settings).run
    while store.find_run(run.id).step < 100:
        time.sleep(0.1)
    during = _prediction(classifier, drawing)
    asked = time.perf_counter()
    trainer.pause(run.id)
    while store.find_run(run.id).active:
        time.sleep(0.02)
    yield Figure("from Pause to a checkpoint and the end", time.perf_counter() - asked, "s", 1)
    at_rest = min(at_rest, _prediction(classifier, drawing))
    print(f"     one prediction: {1000 * at_rest:.2f} ms at rest, {1000 * during:.2f} ms beside")
    yield Figure("a prediction during training, to one at rest", during / at_rest, "", 2)


def _prediction(classifier: Classifier, drawing: np.ndarray) -> float:
    """Median seconds of a prediction, now and then, as people draw."""
    times = []
    for _ in range(150):
        time.sleep(0.02)
        started = time.perf_counter()
        classifier.predict(to_mnist(drawing)[None])
        times.append(time.perf_counter() - started)
    return median(times)


if __name__ == "__main__":
    sys.exit(main())
