"""A network as plain arrays: `weights.bin` and `weights.json`, and its arithmetic in NumPy.

These files need no framework to read: the browser runs them, the explanations show single sums
from them, and the export checks the other files against them.

`weights.bin` is float32, little-endian, one array after another. `weights.json`:

    {"format": 1, "input": [28, 28, 1], "multiply_adds": int, "layers": [layer, ...]}

A layer has `type` and `name`, and depending on its type:

    dense    kernel (in, out), bias (out,), activation
    conv2d   kernel (height, width, in, out), bias (out,), strides [y, x], padding, activation
    max_pool, average_pool                 size [y, x], strides [y, x], padding
    global_average, flatten                nothing more
    activation                             activation

An array is {"offset": in float32 values, "shape": [...]}; `activation` is "linear", "relu",
"tanh", "sigmoid" or "softmax"; `padding` is "same" or "valid" as TensorFlow defines them. Batch
normalisation is folded into the layer before it. The input is the 28x28 image divided by 255.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.errors import ModelError

Array = NDArray[np.float32]
FORMAT = 1


@dataclass(frozen=True)
class PlainNetwork:
    """A network read from `weights.json` and `weights.bin`.

    Attributes:
        layers: the layers in order, as in `weights.json`, arrays in place of their offsets.
        multiply_adds: multiplications with addition for one image.
    """

    layers: tuple[dict[str, Any], ...]
    multiply_adds: int

    @classmethod
    def load(cls, folder: Path | str) -> PlainNetwork:
        """Read a network from the folder that holds its two files.

        Raises:
            ModelError: a file is missing or doesn't fit the other.
        """
        try:
            files = [(Path(folder) / name).read_bytes() for name in ("weights.json", "weights.bin")]
        except OSError as error:
            raise ModelError(f"The weights in {folder} can't be read: {error}.") from error
        return cls.parse(*files)

    @classmethod
    def parse(cls, described_as: bytes, values_as: bytes) -> PlainNetwork:
        """Read a network from what its two files hold.

        Raises:
            ModelError: one is damaged or doesn't fit the other.
        """
        try:
            described = json.loads(described_as)
            values = np.frombuffer(values_as, "<f4")
            if described["format"] != FORMAT:
                raise ValueError(f"format {described['format']} is unknown")
            layers = tuple(_with_arrays(layer, values) for layer in described["layers"])
            if unknown := {layer["type"] for layer in layers} - _RUN.keys():
                raise ValueError(f"layers of type {', '.join(sorted(unknown))} are unknown")
            needed = sum(v.size for la in layers for v in la.values() if isinstance(v, np.ndarray))
            if needed != len(values):
                raise ValueError(f"weights.bin holds {len(values)} values, not {needed}")
            return cls(layers, described["multiply_adds"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"The weights can't be read: {error}.") from error

    def forward(self, digits: NDArray[np.uint8], *, normalised: bool = True) -> dict[str, Array]:
        """Run the network.

        Args:
            digits: (N, 28, 28) uint8.
            normalised: divide by 255 first, as it was trained; False shows what comes of 0-255.

        Returns:
            The output of every layer by its name, float32, first axis N.
        """
        x: Array = digits[..., None].astype(np.float32)
        if normalised:
            x /= np.float32(255)
        outputs = {}
        for layer in self.layers:
            x = activate(_RUN[layer["type"]](x, layer), layer.get("activation", "linear"))
            outputs[layer["name"]] = x
        return outputs


def save(folder: Path, layers: list[dict[str, Any]]) -> None:
    """Write `weights.json` and `weights.bin`.

    Args:
        folder: where to; existing files are replaced.
        layers: as in `PlainNetwork.layers`.
    """
    described, values, offset = [], [], 0
    for layer in layers:
        entry: dict[str, Any] = {}
        for key, value in layer.items():
            if isinstance(value, np.ndarray):
                entry[key] = {"offset": offset, "shape": list(value.shape)}
                values.append(value.astype("<f4").ravel())
                offset += value.size
            else:
                entry[key] = value
        described.append(entry)
    (folder / "weights.bin").write_bytes(np.concatenate(values).tobytes())
    document = {
        "format": FORMAT,
        "input": [28, 28, 1],
        "multiply_adds": count_multiply_adds(layers),
        "layers": described,
    }
    (folder / "weights.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def halves(values: bytes) -> bytes:
    """The numbers of `weights.bin` in half as many bytes, for readers that are far away.

    Args:
        values: float32, little-endian.

    Returns:
        float16 (IEEE 754 binary16), little-endian; what is too large is the largest it holds.
    """
    largest = np.finfo(np.float16).max
    return np.clip(np.frombuffer(values, "<f4"), -largest, largest).astype("<f2").tobytes()


def count_multiply_adds(layers: list[dict[str, Any]]) -> int:
    """Multiplications with addition that dense and convolution layers need for one image."""
    blank = np.zeros((1, 28, 28), np.uint8)
    outputs = PlainNetwork(tuple(layers), 0).forward(blank)
    total = 0
    for layer in layers:
        if "kernel" in layer:
            places = int(np.prod(outputs[layer["name"]].shape[1:-1]))
            total += places * layer["kernel"].size
    return total


def _with_arrays(layer: dict[str, Any], values: Array) -> dict[str, Any]:
    return {
        key: _slice(value, values) if isinstance(value, dict) else value
        for key, value in layer.items()
    }


def _slice(entry: dict[str, Any], values: Array) -> Array:
    size = int(np.prod(entry["shape"]))
    part = values[entry["offset"] : entry["offset"] + size]
    return part.reshape(entry["shape"])


def activate(x: NDArray[Any], name: str) -> NDArray[Any]:
    """Apply an activation to (..., units) of any float, softmax along the last axis."""
    if name == "relu":
        return np.maximum(x, 0)
    if name == "tanh":
        return np.tanh(x)
    if name == "sigmoid":
        logistic: NDArray[Any] = 0.5 + 0.5 * np.tanh(0.5 * x)  # overflows nowhere
        return logistic
    if name == "softmax":
        raised = np.exp(x - x.max(axis=-1, keepdims=True))
        normal: NDArray[Any] = raised / raised.sum(axis=-1, keepdims=True)
        return normal
    return x


def same_padding(length: int, extent: int, stride: int) -> tuple[int, int]:
    """How far "same" padding reaches beyond `length` values at the begin and the end."""
    lacking = max((-(-length // stride) - 1) * stride + extent - length, 0)
    return lacking // 2, lacking - lacking // 2


def _windows(
    x: Array, size: list[int], strides: list[int], padding: str, fill: float
) -> NDArray[np.float32]:
    """(N, H, W, C) -> (N, H', W', C, size_y, size_x), padded as TensorFlow pads."""
    if padding == "same":
        pads = [same_padding(*along) for along in zip(x.shape[1:3], size, strides, strict=True)]
        x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, tuple(size), axis=(1, 2))
    windows: NDArray[np.float32] = view[:, :: strides[0], :: strides[1]]
    return windows


def _conv2d(x: Array, layer: dict[str, Any]) -> Array:
    kernel: Array = layer["kernel"]
    view = _windows(x, list(kernel.shape[:2]), layer["strides"], layer["padding"], 0.0)
    summed: Array = np.tensordot(view, kernel, axes=((4, 5, 3), (0, 1, 2)))
    return summed + layer["bias"]


def _max_pool(x: Array, layer: dict[str, Any]) -> Array:
    view = _windows(x, layer["size"], layer["strides"], layer["padding"], -np.inf)
    return view.max(axis=(4, 5))


def _average_pool(x: Array, layer: dict[str, Any]) -> Array:
    # TensorFlow leaves padding out of the average.
    view = _windows(x, layer["size"], layer["strides"], layer["padding"], np.nan)
    mean: Array = np.nanmean(view, axis=(4, 5))
    return mean


def _dense(x: Array, layer: dict[str, Any]) -> Array:
    summed: Array = x @ layer["kernel"] + layer["bias"]
    return summed


_RUN: dict[str, Callable[[Array, dict[str, Any]], Array]] = {
    "conv2d": _conv2d,
    "dense": _dense,
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "global_average": lambda x, layer: x.mean(axis=(1, 2)),
    "flatten": lambda x, layer: x.reshape(len(x), math.prod(x.shape[1:])),
    "activation": lambda x, layer: x,
}
