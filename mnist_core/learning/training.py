"""The training itself, a few batches at a time, so that it can be watched, paused and gone on with.

Everything that chance decides is a function of the seed and of the batch's number, but for
dropout, whose state is a variable of the model. So a checkpoint is the variables and the number
of batches done, and a resumed training goes on exactly where it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mnist_core import evaluation, registry
from mnist_core.errors import RunError
from mnist_core.files import writing
from mnist_core.learning import architectures, augmentation, losses, optimization
from mnist_core.learning.material import Material
from mnist_core.learning.renewal import Renewal
from mnist_core.nondigits import NO_DIGIT
from mnist_core.settings import Settings
from mnist_core.store import Validation

_READ = 500  # images read at a time
_UNDECIDED = 0.5  # weight of "all digits are equally likely" for what is none


@dataclass(frozen=True)
class Batches:
    """What came of consecutive batches; the first is number `first`, counted from 1.

    Attributes:
        loss: (B,) float32, mean cross-entropy of each.
        accuracy: (B,) float32, 0-1; of what is no digit, the share that was told from digits.
        learning_rate: (B,) float32.
        images: how many images they held.
    """

    first: int
    loss: NDArray[np.float32]
    accuracy: NDArray[np.float32]
    learning_rate: NDArray[np.float32]
    images: int


class Training:
    """A network being trained.

    Attributes:
        settings: what it was told.
        material: what it learns from.
        step: batches done.
        steps_per_epoch: batches in an epoch; the last holds what is left over.
        steps: batches in all.
        validated: the step of the last validation; -1 before the first.
        precision: what it calculates in.
        best: the weights to keep, and their validation: those with the best accuracy so far, or
            at the end of a schedule that comes down to zero, the last.
    """

    def __init__(self, settings: Settings, material: Material) -> None:
        """Build the network. Seeds are this process' own: one training a process."""
        keras.utils.set_random_seed(settings.seed)
        self.settings = settings
        self.material = material
        self._renewal = Renewal(material.drawn, settings.epochs) if material.drawn else None
        drawn = material.drawn.labels if material.drawn else np.empty(0, np.uint8)
        self._labels = np.concatenate([material.labels, drawn])
        self._drawn_for = -1  # the epoch whose drawings lie behind the material's own images
        self.steps_per_epoch = math.ceil(len(self._labels) / settings.batch_size)
        self.steps = self.steps_per_epoch * settings.epochs
        self.step = 0
        self.validated = -1
        self.best: tuple[list[NDArray[np.float32]], Validation] | None = None
        self._ordered: tuple[int, NDArray[np.int32]] | None = None  # of which epoch, and how
        blank = np.zeros((len(drawn), 28, 28), np.uint8)
        self._images = tf.Variable(np.concatenate([material.images, blank]), trainable=False)
        self.precision = _precision(settings)
        self._model = architectures.build(settings, fused=True, precision=self.precision)
        self._to_logits = keras.Model(self._model.input, self._model.get_layer("logits").output)
        self._schedule = optimization.Schedule(settings, self.steps)
        self._optimizer = optimization.optimizer(settings, self._schedule)
        self._optimizer.build(self._to_logits.trainable_variables)
        self._learn = self._make_learn()
        self._read = self._make_read()

    @property
    def over(self) -> bool:
        """Whether all batches are done."""
        return self.step >= self.steps

    @property
    def due(self) -> bool:
        """Whether an epoch has just ended and is not validated yet."""
        return (
            self.step > 0 and self.step % self.steps_per_epoch == 0 and self.step != self.validated
        )

    @property
    def drawing(self) -> float | None:
        """How much of what the next batch needs is drawn, 0-1; None if it can be learned from."""
        epoch = self.step // self.steps_per_epoch
        if self._renewal is None or self.over or epoch == self._drawn_for:
            return None
        return None if self._renewal.ready(epoch) else self._renewal.share

    def advance(self, count: int) -> Batches:
        """Learn from the next `count` batches, at most to the end of the epoch."""
        epoch, done = divmod(self.step, self.steps_per_epoch)
        self._turn_to(epoch)
        size = self.settings.batch_size
        order = self._order(epoch)
        whole = len(order) // size
        if done < whole:
            stop = min(done + count, whole)
            rows = order[done * size : stop * size].reshape(-1, size)
        else:
            rows = order[whole * size :][None]
        loss, accuracy = self._learn(rows, self.step)
        first = self.step + 1
        self.step += len(rows)
        rates = np.asarray(self._schedule(tf.range(first - 1, self.step)))
        return Batches(first, loss.numpy(), accuracy.numpy(), rates, rows.size)

    def warm_up(self) -> None:
        """Have everything compiled without learning anything."""
        self._learn.get_concrete_function()
        self.probabilities(np.zeros((_READ, 28, 28), np.uint8))

    def logits(self, digits: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 28, 28) uint8 -> (N, 10) float32, as the network reads them now."""
        chunks = [self._read(digits[i : i + _READ]) for i in range(0, len(digits), _READ)]
        return np.concatenate([chunk.numpy() for chunk in chunks])

    def probabilities(self, digits: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 28, 28) uint8 -> (N, 10) float32, as the network reads them now."""
        return tf.nn.softmax(self.logits(digits)).numpy()

    def validate(self) -> Iterator[Validation | None]:
        """Read the validation digits, and keep the weights if they are the ones to keep so far.

        A generator, so that the caller can leave it between two chunks: it yields None while it
        reads, and the outcome at its end.
        """
        digits = self.material.validation
        read = []
        for i in range(0, len(digits.labels), _READ):
            read.append(self._read(digits.images[i : i + _READ]).numpy())
            yield None
        probabilities = tf.nn.softmax(np.concatenate(read)).numpy()
        of_label = probabilities[np.arange(len(digits.labels)), digits.labels]
        counted = evaluation.tally(probabilities, digits.labels)
        seen = Validation(
            self.step,
            float(-np.log(np.maximum(of_label, 1e-7)).mean()),
            counted.accuracy,
            counted.confusion,
        )
        self.validated = self.step
        # Small steps at the end average over many images. To take a lucky epoch of larger steps
        # for better would be to learn the few validation digits on which they differ.
        settled = self.over and self.settings.schedule != "constant"
        # Of equals the later: it has seen more.
        if settled or self.best is None or seen.accuracy >= self.best[1].accuracy:
            self.best = self._model.get_weights(), seen
        yield seen

    def best_model(self) -> tuple[keras.Model, Validation]:
        """The best network so far, in a model of its own, and its validation.

        Raises:
            RunError: nothing was validated yet.
        """
        if self.best is None:
            raise RunError("There is no network to keep before the first validation.")
        weights, seen = self.best
        model = architectures.build(self.settings)
        model.set_weights(weights)
        return model, seen

    def start_from(self, model: registry.Model) -> None:
        """Begin with the weights of a model, before the first batch.

        Raises:
            ModelError: its file is missing or altered.
            RunError: it has other layers.
        """
        model.read("model.keras")  # only what is as it was written is opened
        given = keras.saving.load_model(model.folder / "model.keras", compile=False)
        if _outline(given) != _outline(self._model):
            raise RunError(
                f"{model.id} has other layers than this network: train further with its own."
            )
        self._model.set_weights(given.get_weights())
        # As it learned: `packing.trust` divided its logits by the temperature.
        last = self._model.get_layer("logits")
        temperature = model.card.get("temperature", 1.0)
        last.set_weights([weights * temperature for weights in last.get_weights()])

    def save(self, file: Path) -> None:
        """Write a checkpoint, all at once or not at all."""
        arrays = {f"state{i}": np.asarray(v) for i, v in enumerate(self._state())}
        if self.best:
            arrays |= {f"best{i}": weights for i, weights in enumerate(self.best[0])}
            seen = self.best[1]
            arrays["best_confusion"] = seen.confusion
            arrays["best_numbers"] = np.array([seen.step, seen.loss, seen.accuracy])
        arrays["place"] = np.array([self.step, self.validated])
        arrays["settings"] = np.array(self.settings.as_json())
        with writing(file) as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]

    def restore(self, file: Path) -> None:
        """Go back to a checkpoint.

        Raises:
            RunError: it can't be read, or is of another training.
        """
        try:
            with file.open("rb") as stream, np.load(stream) as kept:
                if not self.settings.are(str(kept["settings"])):
                    raise ValueError("it belongs to other settings, or to another version")
                for i, variable in enumerate(self._state()):
                    variable.assign(kept[f"state{i}"])
                self.step, self.validated = (int(n) for n in kept["place"])
                if self.validated >= 0:
                    step, loss, accuracy = kept["best_numbers"]
                    weights = [kept[f"best{i}"] for i in range(len(self._model.weights))]
                    seen = Validation(
                        int(step), float(loss), float(accuracy), kept["best_confusion"]
                    )
                    self.best = weights, seen
        except (MemoryError, PermissionError):
            raise
        except Exception as error:  # what a damaged file leads to is anybody's guess
            raise RunError(f"The checkpoint {file} can't be used: {error}.") from error

    def _state(self) -> list[keras.Variable]:
        """Everything that changes: weights, moving averages, dropout's seeds, the optimizer."""
        return [*self._model.variables, *self._optimizer.variables]

    def _turn_to(self, epoch: int) -> None:
        """Have this epoch's drawings among the images."""
        if self._renewal is None or epoch == self._drawn_for:
            return
        own = self.material.images
        self._images.assign(np.concatenate([own, self._renewal.drawings(epoch)]))
        self._drawn_for = epoch

    def _order(self, epoch: int) -> NDArray[np.int32]:
        """The rows of the training images in the order of this epoch."""
        # Kept, since an epoch is learned in many small parts.
        if self._ordered is None or self._ordered[0] != epoch:
            count = len(self._labels)
            # The raw stream of a bit generator never changes; `Generator.permutation` is free to.
            shuffle = np.random.PCG64([self.settings.seed, epoch]).random_raw(count)
            self._ordered = epoch, np.argsort(shuffle, kind="stable").astype(np.int32)
        return self._ordered[1]

    def _make_learn(self) -> tf.types.experimental.PolymorphicFunction:
        images, labels = self._images, tf.constant(self._labels)
        network, optimizer = self._to_logits, self._optimizer
        weights = network.trainable_variables
        seed = tf.constant(self.settings.seed, tf.int64)
        smoothing = self.settings.label_smoothing
        classes = 11 if NO_DIGIT in self._labels else 10

        def one(batch: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            rows, step = batch
            x = tf.cast(tf.gather(images, rows), tf.float32)[..., None] / 255.0
            wanted = tf.gather(labels, rows)
            if self.settings.augment:
                x = augmentation.vary(x, tf.stack([seed, step]))
            with tf.GradientTape() as tape:
                logits = network(x, training=True)
                each = losses.cross_entropy(wanted, logits, classes, smoothing)
                if classes == 11:
                    each += _UNDECIDED * losses.decidedness(wanted, logits)
                loss = tf.reduce_mean(each)
            optimizer.apply(tape.gradient(loss, weights), weights)
            # Told without smoothing, as the validation's is.
            plain = losses.cross_entropy(wanted, logits, classes, 0.0)
            read = tf.argmax(losses.with_none(logits, classes), axis=1, output_type=tf.int32)
            right = tf.cast(read, tf.uint8) == wanted
            return tf.reduce_mean(plain), tf.reduce_mean(tf.cast(right, tf.float32))

        # Without AutoGraph, which Python 3.13 warns of; it has nothing to convert here.
        @tf.function(
            input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int64)],
            autograph=False,
        )
        def learn(rows: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            steps = step + tf.range(tf.shape(rows, tf.int64)[0])
            outcome = (tf.float32, tf.float32)
            # One after the other: each goes on from the weights that the one before has left.
            return tf.map_fn(one, (rows, steps), fn_output_signature=outcome, parallel_iterations=1)

        return learn

    def _make_read(self) -> tf.types.experimental.PolymorphicFunction:
        network = self._to_logits

        @tf.function(
            input_signature=[tf.TensorSpec([None, 28, 28], tf.uint8)],
            autograph=False,
        )
        def read(digits: tf.Tensor) -> tf.Tensor:
            x = tf.cast(digits, tf.float32)[..., None] / 255.0
            return network(x, training=False)

        return read


def _outline(model: keras.Model) -> tuple[list[tuple[int, ...]], list[str]]:
    """What two networks must have alike for the weights of one to mean the same in the other."""
    activations = [la.activation.__name__ for la in model.layers if hasattr(la, "activation")]
    return [weights.shape for weights in model.get_weights()], activations


def _precision(settings: Settings) -> architectures.Precision:
    """bfloat16 where the processor multiplies it itself, for convolutions.

    A step of the preset "fast" takes 0.84 of the time so (`make bench-training`, two cores of a
    server); for dense networks it was not measured.
    """
    try:
        abilities = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return "float32"
    able = not abilities.isdisjoint(("avx512_bf16", "amx_bf16"))
    return "mixed_bfloat16" if able and settings.family == "cnn" else "float32"
