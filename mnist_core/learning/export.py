"""Write a Keras model as the files that are served, and check them against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from mnist_core import weights
from mnist_core.errors import ModelError

_TOLERANCE = 1e-4  # of a probability, between any two of the three files
_ACTIVATIONS = {"linear", "relu", "tanh", "sigmoid", "softmax"}
_ALWAYS = {"features", "logits", "probabilities"}  # outputs that every reader may count on


def export(model: keras.Model, folder: Path, *, check_on: NDArray[np.uint8]) -> None:
    """Write `model.keras`, `model.tflite`, `weights.bin` and `weights.json`.

    Args:
        model: as made by `architectures`.
        folder: an existing folder; files in it are replaced.
        check_on: (N, 28, 28) uint8, digits on which the three must agree.

    Raises:
        ModelError: the files disagree, or the model holds a layer that can't be written, or lacks
            one of the layers `features`, `logits` and `probabilities`.
    """
    names = _named_outputs(model)
    if lacking := _ALWAYS.difference(names):
        raise ModelError(f"The model has no layer named {' or '.join(sorted(lacking))}.")
    model.save(folder / "model.keras")
    outputs = {name: model.get_layer(name).output for name in names}
    served = keras.Model(model.input, outputs)
    served.export(str(folder / "model.tflite"), format="litert", verbose=False)
    weights.save(folder, plain_layers(model))
    _check(model, folder, check_on)


def plain_layers(model: keras.Model) -> list[dict[str, Any]]:
    """The model as the layers of `mnist_core.weights`, batch normalisation folded away.

    A ReLU or softmax of its own is merged into the layer before it, whose name it passes on.

    Raises:
        ModelError: a layer of a kind that `weights.json` doesn't know.
    """
    result: list[dict[str, Any]] = []
    for layer in model.layers:
        match layer:
            case keras.layers.InputLayer() | keras.layers.Dropout():
                pass
            case keras.layers.BatchNormalization():
                _fold(layer, result[-1] if result else {})
            case keras.layers.Activation() | keras.layers.ReLU() | keras.layers.Softmax():
                name = _activation(layer)
                if result and result[-1].get("activation") == "linear" and name == "relu":
                    result[-1] |= {"activation": name, "name": layer.name}
                else:
                    result.append({"type": "activation", "name": layer.name, "activation": name})
            case _:
                result.append(_plain(layer))
    return result


def _plain(layer: keras.layers.Layer) -> dict[str, Any]:
    match layer:
        case keras.layers.Dense() | keras.layers.Conv2D():
            kernel, *bias = [np.asarray(w) for w in layer.get_weights()]
            plain = {
                "type": "dense" if isinstance(layer, keras.layers.Dense) else "conv2d",
                "name": layer.name,
                "kernel": kernel,
                "bias": bias[0] if bias else np.zeros(kernel.shape[-1], np.float32),
                "activation": _activation(layer),
            }
            if isinstance(layer, keras.layers.Conv2D):
                if layer.groups != 1 or set(layer.dilation_rate) != {1}:
                    raise ModelError(f"{layer.name} has groups or gaps: it can't be exported.")
                plain |= {"strides": list(layer.strides), "padding": layer.padding}
            return plain
        case keras.layers.MaxPooling2D() | keras.layers.AveragePooling2D():
            kind = "max_pool" if isinstance(layer, keras.layers.MaxPooling2D) else "average_pool"
            return {
                "type": kind,
                "name": layer.name,
                "size": list(layer.pool_size),
                "strides": list(layer.strides),
                "padding": layer.padding,
            }
        case keras.layers.GlobalAveragePooling2D():
            return {"type": "global_average", "name": layer.name}
        case keras.layers.Flatten():
            return {"type": "flatten", "name": layer.name}
    raise ModelError(f"A layer of type {type(layer).__name__} can't be exported.")


def _activation(layer: keras.layers.Layer) -> str:
    match layer:
        case keras.layers.ReLU(max_value=None, negative_slope=0, threshold=0):
            return "relu"
        case keras.layers.Softmax(axis=-1):
            return "softmax"
    name = str(getattr(getattr(layer, "activation", None), "__name__", "unknown"))
    if name not in _ACTIVATIONS:
        raise ModelError(f"The activation of {layer.name} is of a kind that can't be exported.")
    return name


def _fold(norm: keras.layers.BatchNormalization, before: dict[str, Any]) -> None:
    """Multiply a normalisation into the linear layer before it."""
    if "kernel" not in before or before["activation"] != "linear":
        raise ModelError(f"{norm.name} must follow a layer without activation to be exported.")
    scale = 1 / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale = scale * np.asarray(norm.gamma)
    before["kernel"] = before["kernel"] * scale
    before["bias"] = (before["bias"] - np.asarray(norm.moving_mean)) * scale
    if norm.center:
        before["bias"] = before["bias"] + np.asarray(norm.beta)


def _named_outputs(model: keras.Model) -> list[str]:
    """What the served file gives out: every layer that `weights.json` names."""
    return [layer["name"] for layer in plain_layers(model)]


def _check(model: keras.Model, folder: Path, digits: NDArray[np.uint8]) -> None:
    wanted = np.asarray(model(digits[..., None].astype(np.float32) / 255, training=False))
    plain = weights.PlainNetwork.load(folder).forward(digits)["probabilities"]
    lite = Interpreter(model_path=str(folder / "model.tflite")).get_signature_runner()
    inputs = digits[..., None].astype(np.float32) / np.float32(255)
    served = lite(image=inputs)["probabilities"]
    for name, got in (("weights.bin", plain), ("model.tflite", served)):
        worst = float(np.abs(got - wanted).max())
        if not worst <= _TOLERANCE:
            raise ModelError(f"{name} disagrees with model.keras by {worst:.2g} in a probability.")
