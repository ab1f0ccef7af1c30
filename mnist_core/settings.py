"""What a training is told: its settings, their limits, and the five presets to start from.

Nothing here needs TensorFlow, so pages and the command line can check settings at once.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, Literal, get_args

from mnist_core.errors import InputError

Family = Literal["dense", "cnn"]
Activation = Literal["relu", "tanh", "sigmoid"]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]
Schedule = Literal["constant", "cosine", "one-cycle"]
Head = Literal["average", "flat"]
Data = Literal["mnist", "generated"]

MNIST_IMAGES = 55_000  # MNIST's training images less the 5,000 held out for choosing
GENERATED_IMAGES = 8_000  # enough to learn to read their like, and soon made


@dataclass(frozen=True)
class Settings:
    """Everything that decides the outcome of a training, besides the data themselves.

    Attributes:
        preset: the key of `PRESETS` that it started from.
        family: "dense" is fully connected layers on the 784 pixels, "cnn" is convolutions.
        hidden: widths of the hidden layers of a dense network; none: softmax regression.
        activation: of those layers.
        filters: of each convolution of a CNN, in order.
        head: what its last layer decides on: each filter's "average" over the picture, or all
            places "flat" in a row.
        dropout: share of the features left out at random in every step, 0 to 0.8.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: the highest, where it changes.
        optimizer: "sgd" is with Nesterov momentum 0.9; "adamw" with the weight decay below.
        schedule: "constant"; "cosine", up in a line for a tenth of the run, then down along a
            cosine; or "one-cycle", up for a fifth, then down in a line, with less momentum.
        augment: turn, slant, stretch, shift, thicken or thin every image anew in every epoch.
        images: how many training images are used, at most as many as there are.
        seed: of weights, order, dropout, variants and everything generated.
        data: what it learns from.
        weight_decay: of "adamw" (Loshchilov and Hutter 2019).
        label_smoothing: share of each target that is spread over all classes (Szegedy et al.
            2016), which short runs profit from.
        pen_digits: how many drawings of pen strokes are added to MNIST, for its writers were of
            one country. These and the two below are drawn anew for every epoch.
        generated_digits: how many made from templates, for styles that are rare in both of these.
        non_digits: how many letters, scribbles, shapes and the like, to learn what is no digit.
        start_from: the id of a model of the same layers, with whose weights it begins; empty:
            with weights drawn by chance.
        profile: the number of the collection whose drawings are learned from besides (see
            `handwriting`); 0: none.
        drawings_until: the number of the last drawing in it that counts.
        own_digits: how many variants of these drawings an epoch has.
    """

    preset: str
    family: Family
    hidden: tuple[int, ...] = ()
    activation: Activation = "relu"
    filters: tuple[int, ...] = ()
    head: Head = "average"
    dropout: float = 0.0
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-3
    optimizer: Optimizer = "adam"
    schedule: Schedule = "constant"
    augment: bool = False
    images: int = MNIST_IMAGES
    seed: int = 1
    data: Data = "mnist"
    weight_decay: float = 1e-3
    label_smoothing: float = 0.0
    pen_digits: int = 0
    generated_digits: int = 0
    non_digits: int = 0
    start_from: str = ""
    profile: int = 0
    drawings_until: int = 0
    own_digits: int = 0

    def problems(self) -> dict[str, str]:
        """What is wrong, as a sentence for each field by its name; empty if all is well."""
        wrong = {}
        for name, (low, high, whole) in _LIMITS.items():
            value = getattr(self, name)
            if not _is_number(value, whole=whole) or not low <= value <= high:
                kind = "a whole number" if whole else "a number"
                wrong[name] = f"Give {kind} from {_in_words(low)} to {_in_words(high)}."
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                wrong[name] = f"Choose one of {', '.join(choices)}."
        for name, (most, widest) in _LISTS.items():
            layers = getattr(self, name)
            if len(layers) > most:
                wrong[name] = f"Give at most {most} layers."
            elif not all(_is_number(n, whole=True) and 1 <= n <= widest for n in layers):
                wrong[name] = f"Give whole numbers from 1 to {widest:,}, one for each layer."
        if self.family == "cnn" and not self.filters:
            wrong["filters"] = "Give the filters of at least one layer, such as 16, 32."
        return wrong

    def check(self) -> Settings:
        """Return itself.

        Raises:
            InputError: a setting is outside its limits; the message names the first.
        """
        for name, problem in self.problems().items():
            raise InputError(f"{name.replace('_', ' ').capitalize()}: {problem}")
        return self

    def as_json(self) -> str:
        """All fields as a JSON object; equal settings give equal text."""
        return json.dumps(asdict(self), sort_keys=True)

    def are(self, text: str) -> bool:
        """Whether a JSON object says the same, and nothing that is unknown here and decides.

        A setting that another version has is of no weight if it is 0, empty or false.
        """
        values: dict[str, Any] = json.loads(text)
        unknown = values.keys() - asdict(self).keys()
        return Settings.from_json(text) == self and not any(values[name] for name in unknown)

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """The settings that `as_json` wrote.

        Raises:
            InputError: the text is no such object.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            known = {field.name for field in fields(cls)}
            kept: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
                if name in known
            }
            return cls(**kept)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"These settings can't be read: {error}.") from error

    @property
    def total_images(self) -> int:
        """Images seen in one epoch."""
        most = MNIST_IMAGES if self.data == "mnist" else GENERATED_IMAGES
        return min(self.images, most) + self.drawn_images

    @property
    def drawn_images(self) -> int:
        """Images drawn anew for every epoch.

        What learns from generated digits from scratch is kept simple; but what is taught must not
        forget what it knew.
        """
        if self.data == "generated" and not self.profile:
            return 0
        return self.pen_digits + self.generated_digits + self.non_digits + self.own_digits

    def multiply_adds(self) -> int:
        """Multiplications with addition to read one image; `weights` counts the built network."""
        if self.family == "dense":
            widths = (784, *self.hidden, 10)
            return sum(a * b for a, b in pairwise(widths))
        total, side, channels = 0, 28, 1
        for filters, (size, stride) in zip(
            self.filters, convolutions(len(self.filters)), strict=True
        ):
            side = math.ceil(side / stride)
            total += side * side * size * size * channels * filters
            channels = filters
        return total + channels * 10 * (1 if self.head == "average" else side * side)

    def parameters(self) -> int:
        """The numbers that the network consists of, as Keras counts them."""
        if self.family == "dense":
            return sum((a + 1) * b for a, b in pairwise((784, *self.hidden, 10)))
        total, side, channels = 0, 28, 1
        for filters, (size, stride) in zip(
            self.filters, convolutions(len(self.filters)), strict=True
        ):
            side = math.ceil(side / stride)
            # Batch normalisation has a scale, an offset, a mean and a variance for each filter.
            total += (size * size * channels + 4) * filters
            channels = filters
        return total + (channels * (1 if self.head == "average" else side * side) + 1) * 10


def convolutions(count: int) -> list[tuple[int, int]]:
    """Kernel size and stride of each of `count` convolutions.

    The first sees 5x5 pixels in steps of two, which is what makes these networks fast; the one in
    the middle halves the picture again; the others are 3x3.
    """
    return [(5 if i == 0 else 3, 2 if i in (0, count // 2) else 1) for i in range(count)]


def parse_layers(text: str) -> tuple[int, ...]:
    """The layers in words such as "128, 256, 512"; empty text is no layer.

    Raises:
        InputError: there is something else between the commas.
    """
    try:
        return tuple(int(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise InputError("Give whole numbers with commas between them, such as 128, 256.") from None


@dataclass(frozen=True)
class Preset:
    """Settings to start from: `title` names them, `teaches` says in one line what they show."""

    title: str
    teaches: str
    settings: Settings


PRESETS: dict[str, Preset] = {
    preset.settings.preset: preset
    for preset in (
        Preset(
            "Softmax regression",
            "No hidden layer: ten weighted sums of the pixels. Shows how far straight lines get.",
            Settings("softmax", "dense", epochs=5, batch_size=128, learning_rate=2e-3),
        ),
        Preset(
            "Classic MLP",
            "The beginner lesson: 784 → 128 → 256 → 512 → 10 neurons, each joined to all before.",
            Settings("mlp", "dense", hidden=(128, 256, 512)),
        ),
        Preset(
            "Small CNN, fast",
            "Convolutions look at patches, not single pixels: 99 % in seconds.",
            Settings(
                "fast",
                "cnn",
                filters=(16, 16, 32, 32),
                head="flat",
                epochs=2,
                batch_size=128,
                learning_rate=2e-2,
                schedule="one-cycle",
                label_smoothing=0.05,
            ),
        ),
        Preset(
            "CNN with dropout",
            "Leaves out features at random while learning, so that none is relied on too much.",
            Settings(
                "dropout",
                "cnn",
                filters=(16, 32, 32, 48, 64),
                dropout=0.3,
                epochs=10,
                batch_size=128,
                learning_rate=2e-2,
                schedule="one-cycle",
                augment=True,
                label_smoothing=0.05,
            ),
        ),
        Preset(
            "Best",
            "The recipe of the model that ships: pen strokes drawn anew, non-digits, and patience.",
            Settings(
                "best",
                "cnn",
                filters=(12, 16, 24, 40, 56, 56),
                dropout=0.3,
                epochs=80,
                batch_size=128,
                learning_rate=2e-2,
                schedule="one-cycle",
                augment=True,
                label_smoothing=0.05,
                pen_digits=14_000,
                generated_digits=8_000,
                non_digits=12_000,
                seed=20_261_120,
            ),
        ),
    )
}
DEFAULT_PRESET = "fast"

# Lowest, highest, whole numbers only.
_LIMITS: dict[str, tuple[float, float, bool]] = {
    "dropout": (0, 0.8, False),
    "epochs": (1, 200, True),
    "batch_size": (8, 2048, True),
    "learning_rate": (0.00001, 1, False),
    "images": (100, MNIST_IMAGES, True),
    "seed": (0, 2**31 - 1, True),
    "weight_decay": (0, 1, False),
    "label_smoothing": (0, 0.5, False),
    "pen_digits": (0, 100_000, True),
    "generated_digits": (0, 100_000, True),
    "non_digits": (0, 100_000, True),
    "own_digits": (0, 100_000, True),
    "profile": (0, 2**63 - 1, True),
    "drawings_until": (0, 2**63 - 1, True),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "family": get_args(Family),
    "activation": get_args(Activation),
    "optimizer": get_args(Optimizer),
    "schedule": get_args(Schedule),
    "head": get_args(Head),
    "data": get_args(Data),
}
_LISTS = {"hidden": (6, 2048), "filters": (6, 128)}  # layers at most, and how wide


def _in_words(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:.5f}".rstrip("0")


def _is_number(value: object, *, whole: bool) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (
        not whole and isinstance(value, float) and math.isfinite(value)
    )
