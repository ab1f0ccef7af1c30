"""How one unit of a layer comes by its value, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_core.errors import InputError
from mnist_core.explanation.layers import LayerSeen
from mnist_core.weights import activate, same_padding

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class UnitSum:
    """The arithmetic of one unit.

    Attributes:
        kind: of its layer, as in `weights.json`.
        place: (row, column, filter), or (unit,).
        inputs: what it looks at: (h, w, C) for a window of C pictures or for whole pictures, (n,)
            for numbers in a line; 0 where a window reaches beyond the edge.
        weights: of the same shape; None where a layer has none.
        bias: 0 where it has none.
        total: what comes before the activation: the sum of inputs times weights and the bias; of
            layers without weights the highest, the mean or the number itself. Of a softmax its
            input.
        activation: "linear", "relu", "tanh", "sigmoid" or "softmax".
        value: what the unit gives out, in double precision from the inputs, within 1e-4 of what
            the network that serves says.
        corner: row and column of the window's first input, below 0 beyond the edge; (0, 0) of
            whole pictures.
    """

    kind: str
    place: tuple[int, ...]
    inputs: Numbers
    weights: Numbers | None
    bias: float
    total: float
    activation: str
    value: float
    corner: tuple[int, int] = (0, 0)

    @property
    def products(self) -> Numbers:
        """Inputs times weights; of layers without weights the inputs."""
        return self.inputs if self.weights is None else self.inputs * self.weights


def unit_sum(layer: LayerSeen, place: Sequence[int]) -> UnitSum:
    """Work one unit's value out again.

    Args:
        layer: from `through_the_layers`.
        place: (row, column, filter) in (H, W, C) values, or (unit,) in (C,).

    Raises:
        InputError: the layer has no such unit.
    """
    at = tuple(int(index) for index in place)
    if not layer.has(at):
        raise InputError(f"{layer.name} has no unit {at}: its values are {layer.values.shape}.")
    spec, inputs = layer.spec, layer.inputs.astype(np.float64)
    weights, bias, corner, one = None, 0.0, (0, 0), at[-1]
    match layer.kind:
        case "conv2d" | "dense":
            if layer.kind == "conv2d":
                inputs, _, corner = _window(layer, inputs, at)
            weights = spec["kernel"][..., one].astype(np.float64).reshape(inputs.shape)
            bias = float(spec["bias"][one])
            total = float((inputs * weights).sum()) + bias
        case "max_pool" | "average_pool":
            inputs, there, corner = _window(layer, inputs[..., one, None], at)
            total = float(inputs[there].max() if layer.kind == "max_pool" else inputs[there].mean())
        case "global_average":
            inputs = inputs[..., one, None]
            total = float(inputs.mean())
        case "flatten":
            inputs = inputs.reshape(-1, 1)[one]
            total = float(inputs[0])
        case _ if layer.activation == "softmax":
            inputs = inputs[at[:-1]]
            total = float(inputs[one])
        case _:
            inputs = inputs[at].reshape(1)
            total = float(inputs[0])
    if layer.activation == "softmax":
        totals = inputs  # of all units in this place, since they share what there is
        if weights is not None:
            totals = inputs.ravel() @ spec["kernel"].reshape(inputs.size, -1) + spec["bias"]
        value = float(activate(totals, "softmax")[one])
    else:
        value = float(activate(np.array(total), layer.activation))
    return UnitSum(layer.kind, at, inputs, weights, bias, total, layer.activation, value, corner)


def adding_up(parts: ArrayLike, decimals: int = 4, *, total: float | None = None) -> list[float]:
    """Round numbers so that they still add up to their sum, rounded.

    What is rounded one by one can miss its sum in the last digits, the more the more there are.
    Here a few are rounded to the other side, those for which it makes the least difference
    (largest remainders: Hamilton's method of apportionment).

    Args:
        parts: (N,) the numbers.
        decimals: to round to.
        total: what they are to add up to, their sum but for rounding; None: their rounded sum.

    Returns:
        The rounded numbers, each within one unit of the last decimal, or a little more where the
        total is not their sum.
    """
    unit = 10.0**-decimals
    scaled = np.asarray(parts, np.float64) / unit
    low = np.floor(scaled)
    wanted = scaled.sum() if total is None else total / unit
    short = round(float(wanted)) - int(low.sum())
    by_remainder = np.argsort(low - scaled, kind="stable")
    low[by_remainder[: max(short, 0)]] += 1
    low[by_remainder[len(low) + min(short, 0) :]] -= 1
    return [round(float(value) * unit, decimals) for value in low]


def _window(
    layer: LayerSeen, inputs: Numbers, at: tuple[int, ...]
) -> tuple[Numbers, NDArray[np.bool_], tuple[int, int]]:
    """What a unit looks at, 0 beyond the edge; where it is not beyond; and its first place."""
    size, strides = layer.window or (1, 1), layer.spec["strides"]
    before = [0, 0]
    if layer.spec["padding"] == "same":
        along = zip(inputs.shape[:2], size, strides, strict=True)
        before = [same_padding(*each)[0] for each in along]
    corner = at[0] * strides[0] - before[0], at[1] * strides[1] - before[1]
    window = np.zeros((*size, inputs.shape[2]))
    there = np.zeros(window.shape, bool)
    rows, columns = (
        slice(max(begin, 0), min(begin + extent, length))
        for begin, extent, length in zip(corner, size, inputs.shape, strict=False)
    )
    part = (
        slice(rows.start - corner[0], rows.stop - corner[0]),
        slice(columns.start - corner[1], columns.stop - corner[1]),
    )
    window[part] = inputs[rows, columns]
    there[part] = True
    return window, there, corner
