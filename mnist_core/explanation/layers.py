"""What every layer of a network says of one digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.errors import ModelError
from mnist_core.inference import Classifier
from mnist_core.preprocessing import SIDE, Box
from mnist_core.weights import PlainNetwork, same_padding


@dataclass(frozen=True, eq=False)
class LayerSeen:
    """A layer, what it gets, and what it says of one digit.

    Attributes:
        spec: the layer as in `PlainNetwork.layers`, with its weights.
        inputs: float32, what it gets: (H, W, C) pictures, or (C,) numbers. What a dense layer gets
            is as it was before it was put in one line.
        values: (H, W, C) float32, one picture for each of C filters; or (C,), one number a unit.
        field: of its unit in the first row and column, the pixels of the digit that have a part in
            its value, before they are cut off at the edge; and how far apart those of the next
            unit are. None where every pixel has, and from a layer on that puts all in one line.
    """

    spec: dict[str, Any]
    inputs: NDArray[np.float32]
    values: NDArray[np.float32]
    field: tuple[Box, tuple[int, int]] | None

    @property
    def name(self) -> str:
        """As in `weights.json`."""
        return str(self.spec["name"])

    @property
    def kind(self) -> str:
        """Its type, as in `weights.json`: "conv2d", "dense", "max_pool", ..."""
        return str(self.spec["type"])

    @property
    def activation(self) -> str:
        """One of "linear", "relu", "tanh", "sigmoid", "softmax"."""
        return str(self.spec.get("activation", "linear"))

    @property
    def window(self) -> tuple[int, int] | None:
        """Height and width of what a unit looks at, for "conv2d" and pooling."""
        return _size(self.spec)

    @property
    def parameters(self) -> int:
        """How many weights and biases it has."""
        return self.spec["kernel"].size + self.spec["bias"].size if "kernel" in self.spec else 0

    def has(self, place: Sequence[int]) -> bool:
        """Whether there is a unit at (row, column, filter), or (unit,)."""
        shape = self.values.shape
        if len(place) != len(shape):
            return False
        return all(0 <= index < length for index, length in zip(place, shape, strict=True))

    def seen_by(self, place: tuple[int, ...]) -> Box:
        """The pixels of the digit that have a part in a unit's value (its receptive field).

        Args:
            place: (row, column, filter), or (unit,).
        """
        if self.field is None:
            return Box(0, 0, SIDE, SIDE)
        box, (down, across) = self.field
        top, left = box.top + down * place[0], box.left + across * place[1]
        return Box(
            max(top, 0),
            max(left, 0),
            min(top + box.height, SIDE),
            min(left + box.width, SIDE),
        )


def plain_network(classifier: Classifier) -> PlainNetwork:
    """The network that serves, as plain arrays.

    Raises:
        ModelError: its description is missing, altered, or of another network.
    """
    model = classifier.model
    network = PlainNetwork.parse(model.read("weights.json"), model.read("weights.bin"))
    said = classifier.outputs(np.zeros((1, SIDE, SIDE), np.uint8)).keys()
    if unknown := {layer["name"] for layer in network.layers} - said:
        raise ModelError(f"{model.id} has no layers named {', '.join(sorted(unknown))}.")
    return network


def through_the_layers(
    classifier: Classifier, network: PlainNetwork, digit: NDArray[np.uint8]
) -> tuple[LayerSeen, ...]:
    """Follow a digit, (28, 28) uint8, through all layers of the network that serves.

    Args:
        classifier: which says what the layers say.
        network: `plain_network` of it.
        digit: what it reads.

    Raises:
        InputError: it is no such array.
    """
    said = classifier.outputs(digit[None])
    x: NDArray[np.float32] = (digit[..., None] / np.float32(255)).astype(np.float32)
    before_flat = x
    field: tuple[Box, tuple[int, int]] | None = Box(0, 0, 1, 1), (1, 1)
    seen = []
    for spec in network.layers:
        field = _field_after(spec, x.shape, field)
        values = said[spec["name"]][0]
        seen.append(LayerSeen(spec, before_flat if spec["type"] == "dense" else x, values, field))
        if spec["type"] != "flatten":
            before_flat = values
        x = values
    return tuple(seen)


def _size(spec: dict[str, Any]) -> tuple[int, int] | None:
    if spec["type"] == "conv2d":
        height, width = spec["kernel"].shape[:2]
        return int(height), int(width)
    return (int(spec["size"][0]), int(spec["size"][1])) if "size" in spec else None


def _field_after(
    spec: dict[str, Any],
    shape: tuple[int, ...],
    field: tuple[Box, tuple[int, int]] | None,
) -> tuple[Box, tuple[int, int]] | None:
    """What `LayerSeen.field` is after a layer on (H, W, C), from what it was before."""
    size = _size(spec)
    if field is None or (size is None and spec["type"] != "activation"):
        return None
    if size is None:
        return field
    box, apart = field
    begin = [0, 0]
    if spec["padding"] == "same":
        along = zip(shape[:2], size, spec["strides"], strict=True)
        begin = [same_padding(*each)[0] for each in along]
    top, left = box.top - begin[0] * apart[0], box.left - begin[1] * apart[1]
    height = box.height + (size[0] - 1) * apart[0]
    width = box.width + (size[1] - 1) * apart[1]
    strides = spec["strides"]
    return (
        Box(top, left, top + height, left + width),
        (apart[0] * strides[0], apart[1] * strides[1]),
    )
