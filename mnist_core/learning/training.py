"""The recipe of the model that ships: MNIST and generated digits, augmented, one learning cycle."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from mnist_core import generated
from mnist_core.learning import architectures, augmentation


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the outcome, besides the data.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: the highest; it rises for a tenth of the run, then falls along a cosine.
        weight_decay: of AdamW (Loshchilov and Hutter 2019).
        generated_digits: how many are added to MNIST, for styles that MNIST hardly holds.
        scribbles: how many non-digits are added, with "could be any digit" as target (outlier
            exposure, Hendrycks et al. 2019).
        seed: of weights, order, variants and everything generated.
    """

    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    generated_digits: int = 20_000
    scribbles: int = 5_000
    seed: int = 20_261_120


@dataclass(frozen=True)
class Trained:
    """The outcome of a training.

    Attributes:
        model: the best weights by validation accuracy, uncompiled.
        best_epoch: counted from 1.
        validation_accuracy: of these weights, 0-1.
        wall_seconds: of the fitting alone.
    """

    model: keras.Model
    best_epoch: int
    validation_accuracy: float
    wall_seconds: float


def train(
    train: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    validation: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    *,
    recipe: Recipe,
    report: Callable[[str], None] = print,
) -> Trained:
    """Fit a network and keep its best weights by validation accuracy.

    Args:
        train: images (N, 28, 28) uint8 and labels (N,) uint8.
        validation: likewise; never trained on.
        recipe: what to do.
        report: called with one line an epoch.

    Returns:
        The network and how it went.
    """
    keras.utils.set_random_seed(recipe.seed)
    images, targets = training_set(*train, recipe=recipe)
    stream = augmentation.batches(images, targets, batch_size=recipe.batch_size, seed=recipe.seed)
    steps = len(images) // recipe.batch_size
    together = min(25, steps)
    steps -= steps % together  # Keras would round up, beyond the end of the schedule
    model = architectures.compact_cnn()
    model.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(
                0.0,
                decay_steps=int(0.9 * recipe.epochs * steps),
                warmup_target=recipe.learning_rate,
                warmup_steps=int(0.1 * recipe.epochs * steps),
            ),
            weight_decay=recipe.weight_decay,
        ),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=together,
        jit_compile=False,  # slows convolutions on a CPU three to five times
    )
    keeper = _KeepBest(recipe.epochs, report)
    started = time.perf_counter()
    model.fit(
        stream,
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        validation_data=(
            validation[0][..., None].astype(np.float32) / 255,
            keras.utils.to_categorical(validation[1], 10),
        ),
        validation_batch_size=500,
        callbacks=[keeper],
        shuffle=False,  # the stream is shuffled already
        verbose=0,
    )
    seconds = time.perf_counter() - started
    best = architectures.compact_cnn()
    best.set_weights(keeper.weights)
    return Trained(best, keeper.epoch, keeper.accuracy, seconds)


def training_set(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], *, recipe: Recipe
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """MNIST with what the recipe adds.

    Returns:
        Images (N, 28, 28) uint8, and targets (N, 10) float32: one-hot for digits, 0.1 everywhere
        for scribbles.
    """
    made = generated.make_digits(recipe.generated_digits, seed=recipe.seed)
    scribbles = generated.make_scribbles(recipe.scribbles, seed=recipe.seed)
    one_hot = keras.utils.to_categorical(np.concatenate([labels, made.labels]), 10)
    unsure = np.full((len(scribbles), 10), 0.1)
    return (
        np.concatenate([images, made.images, scribbles]),
        np.concatenate([one_hot, unsure]).astype(np.float32),
    )


class _KeepBest(keras.callbacks.Callback):
    """Remember the weights of the epoch with the best validation accuracy."""

    def __init__(self, epochs: int, report: Callable[[str], None]) -> None:
        super().__init__()
        self.epochs = epochs
        self.report = report
        self.accuracy = -1.0
        self.epoch = 0
        self.weights: list[NDArray[np.float32]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Compare, remember, tell."""
        if logs["val_accuracy"] >= self.accuracy:
            self.accuracy, self.epoch = logs["val_accuracy"], epoch + 1
            self.weights = self.model.get_weights()
        self.report(
            f"epoch {epoch + 1}/{self.epochs}  loss {logs['loss']:.4f}"
            f"  validation loss {logs['val_loss']:.4f}  accuracy {logs['val_accuracy']:.4f}"
            f"  best {self.accuracy:.4f}"
        )
