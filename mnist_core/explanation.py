"""What happens inside a network while it reads a digit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.errors import ModelError
from mnist_core.inference import Classifier
from mnist_core.weights import PlainNetwork


@dataclass(frozen=True)
class LayerSeen:
    """A layer, and what it says of one digit.

    Attributes:
        name: of the layer, as in `weights.json`.
        kind: its type, as in `weights.json`: "conv2d", "dense", "max_pool", ...
        activation: "linear", "relu", "tanh", "sigmoid" or "softmax".
        window: height and width of what one of its units looks at, for "conv2d" and pooling.
        parameters: how many weights and biases it has.
        values: (H, W, C) float32, one picture for each of C filters; or (C,), one number a unit.
    """

    name: str
    kind: str
    activation: str
    window: tuple[int, int] | None
    parameters: int
    values: NDArray[np.float32]

    def pictures(self) -> NDArray[np.uint8]:
        """What each filter found, (C, H, W) uint8: 255 is the highest value of the layer.

        0 is the lowest, or nothing at all where none is below it, as after ReLU.
        """
        low, high = min(float(self.values.min()), 0.0), float(self.values.max())
        scaled = 255 * (self.values - low) / max(high - low, 1e-9)
        return np.moveaxis(scaled, -1, 0).round().astype(np.uint8)


def through_the_layers(classifier: Classifier, digit: NDArray[np.uint8]) -> list[LayerSeen]:
    """Follow a digit, (28, 28) uint8, through all layers of the network that serves.

    Raises:
        InputError: it is no such array.
        ModelError: the model's description is missing, altered, or of another network.
    """
    said = classifier.outputs(digit[None])
    model = classifier.model
    network = PlainNetwork.parse(model.read("weights.json"), model.read("weights.bin"))
    if unknown := {layer["name"] for layer in network.layers} - said.keys():
        raise ModelError(f"{model.id} has no layers named {', '.join(sorted(unknown))}.")
    seen = []
    for layer in network.layers:
        kernel = layer.get("kernel")
        size = layer.get("size")
        if layer["type"] == "conv2d":
            size = layer["kernel"].shape[:2]
        seen.append(
            LayerSeen(
                name=layer["name"],
                kind=layer["type"],
                activation=layer.get("activation", "linear"),
                window=(int(size[0]), int(size[1])) if size is not None else None,
                parameters=0 if kernel is None else kernel.size + layer["bias"].size,
                values=said[layer["name"]][0],
            )
        )
    return seen
