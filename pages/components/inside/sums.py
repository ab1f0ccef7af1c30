"""The arithmetic of one unit, in numbers that add up to the value shown."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mnist_core.explanation import LayerSeen, UnitSum, adding_up
from mnist_core.words import signed
from pages.components.gallery import png_address
from pages.components.glossary import marked
from pages.components.inside.colours import signed_address, signed_style

_NUMBERS = 25  # places of a window that are shown as numbers; more are shown as a picture
_ROWS = 64  # parts that are listed one by one; of more, the strongest twelve
_STRONGEST = 12
_ACTIVATIONS = {
    "linear": "",
    "relu": "[[ReLU]]: below 0 becomes 0",
    "tanh": "[[tanh]]: bends it into −1 to 1",
    "sigmoid": "[[sigmoid]]: bends it into 0 to 1",
}


def told_sum(unit: UnitSum, layer: LayerSeen, digit: NDArray[np.uint8]) -> str:
    """How a unit of a layer comes by its value for a digit, (28, 28) uint8, as HTML."""
    # As it is shown elsewhere: the network that serves reckons in single precision.
    value = float(layer.values[unit.place])
    unbent = unit.activation == "linear" or (unit.activation == "relu" and value > 0)
    unit = replace(unit, value=value, total=value if unbent else unit.total)
    return f'<div class="ds-sum">{_head(unit, layer, digit)}{_body(unit, layer)}</div>'


def called(layer: LayerSeen) -> str:
    """What the units of a layer are called; those of pictures by the filter that made them."""
    if layer.values.ndim == 3:
        return "Filter"
    return "Digit" if layer.name in ("logits", "probabilities") else "Unit"


def _head(unit: UnitSum, layer: LayerSeen, digit: NDArray[np.uint8]) -> str:
    """Which unit it is, and what of the digit it can see."""
    name = f"{called(layer)} {unit.place[-1]}"
    where = f", {_at(unit.place)}" if len(unit.place) == 3 else ""
    line = f"<p><strong>{name}{where}</strong> = <b>{_four(unit.value)}</b></p>"
    if layer.field is None:
        return line
    seen = layer.seen_by(unit.place)
    box = (
        f"left:{100 * seen.left / 28:.2f}%;top:{100 * seen.top / 28:.2f}%;"
        f"width:{100 * seen.width / 28:.2f}%;height:{100 * seen.height / 28:.2f}%"
    )
    told = (
        f"What it can see of the digit: rows {seen.top} to {seen.bottom - 1}, columns {seen.left}"
        f" to {seen.right - 1}"
    )
    return (
        f'{line}<figure class="ds-seen"><div><img src="{png_address(digit)}" alt="{told}">'
        f'<i style="{box}"></i></div><figcaption>{told}'
        f" ({marked('its [[receptive field]]')}).</figcaption>"
        "</figure>"
    )


def _body(unit: UnitSum, layer: LayerSeen) -> str:
    match unit.kind:
        case "conv2d" | "dense":
            return _weighted(unit)
        case "max_pool" | "average_pool":
            how = "highest" if unit.kind == "max_pool" else "mean"
            return _grid(unit.inputs[..., 0], "Inputs") + _line(
                f"The {how} of these is <b>{_four(unit.value)}</b>."
            )
        case "global_average":
            numbers = unit.inputs[..., 0]
            total = numbers.sum()
            shown = adding_up(numbers.ravel())
            return _grid(numbers, "Inputs", shown) + _line(
                f"Sum {_four(total)} / {numbers.size} numbers = <b>{_four(unit.value)}</b>"
            )
        case "flatten":
            row, column, picture = np.unravel_index(unit.place[0], layer.inputs.shape)
            of = f" of filter {picture}" if layer.inputs.shape[2] > 1 else ""
            return _line(f"The number of row {row}, column {column}{of}, in line with the others.")
    if unit.activation == "softmax":
        return _line(
            f"e to the power of its logit {_four(unit.total)}, divided by the sum of that of all"
            f" ten: <b>{_four(unit.value)}</b>. Step 3 shows each part."
        )
    return _end(unit, unit.total, [])


def _weighted(unit: UnitSum) -> str:
    """Inputs times weights, part by part; then what comes of their sum."""
    products, flat = unit.products, unit.inputs.ndim == 1
    by_picture = not flat and products.shape[2] > 1
    parts = products.sum(axis=(0, 1)) if by_picture else products.ravel()
    *shown, bias = adding_up(np.append(parts, unit.bias), total=unit.total)
    total = round(sum(shown) + bias, 4)
    strongest = np.argsort(-np.abs(parts), kind="stable")
    pictures = "" if flat else _pictures(unit, int(strongest[0]) if by_picture else 0, shown)
    listed = strongest if len(parts) <= _ROWS else strongest[:_STRONGEST]
    if not by_picture and not flat and parts.size <= _NUMBERS:
        table = ""  # all of them are in the pictures
    else:
        rows = [_row(unit, int(part), shown[part], by_picture) for part in listed]
        rest = len(parts) - len(listed)
        if rest:
            left = round(sum(shown) - sum(shown[part] for part in listed), 4)
            rows.append(("The other " + f"{rest:,} together", "", _four(left)))
        table = _table(rows, by_picture)
    return pictures + table + _end(unit, total, [(sum(shown), "Sum of products"), (bias, "bias")])


def _pictures(unit: UnitSum, channel: int, shown: Sequence[float]) -> str:
    """Inputs, weights and products of one picture of those before, as numbers or as pictures."""
    assert unit.weights is not None
    inputs, weights = unit.inputs[..., channel], unit.weights[..., channel]
    products = unit.products[..., channel]
    several = unit.inputs.shape[2] > 1
    words = ""
    if several:
        words = f"Filter {channel} of the layer before has the largest part in it."
    if products.size <= _NUMBERS:
        total = shown[channel] if several else sum(shown)
        exact = adding_up(products.ravel(), total=total)
        grids = (
            _grid(inputs, "Inputs")
            + '<span class="op">×</span>'
            + _grid(weights, "Weights")
            + '<span class="op">=</span>'
            + _grid(products, "Products", exact)
        )
    else:
        grids = "".join(
            f'<figure class="ds-figure"><figcaption>{title}</figcaption>'
            f'<img src="{signed_address(values)}" alt="{title}: {_range(values)}"></figure>'
            for title, values in (("Inputs", inputs), ("Weights", weights), ("Products", products))
        )
        words = f"{words} Orange is above 0, blue below."
    return _line(words) + f'<div class="ds-grids">{grids}</div>'


def _row(unit: UnitSum, part: int, product: float, by_picture: bool) -> tuple[str, str, str]:
    if by_picture:
        count = unit.inputs.shape[0] * unit.inputs.shape[1]
        return f"Filter {part}", f"{count} products", _four(product)
    assert unit.weights is not None
    if unit.inputs.ndim == 1:
        name = f"Unit {part}"
    else:
        width = unit.inputs.shape[1]
        name = _at((part // width + unit.corner[0], part % width + unit.corner[1]))
    factors = f"{_four(unit.inputs.ravel()[part])} × {_four(unit.weights.ravel()[part])}"
    return name, factors, _four(product)


def _table(rows: Sequence[tuple[str, str, str]], by_picture: bool) -> str:
    heads = ("Input", "Input × weight", "Product") if not by_picture else ("From", "", "Sum")
    body = "".join(
        f"<tr><th scope=row>{name}</th><td>{factors}</td><td>{product}</td></tr>"
        for name, factors, product in rows
    )
    head = "".join(f"<th scope=col>{word}</th>" for word in heads)
    return (
        '<div class="ds-parts" tabindex="0" role="region" aria-label="The parts of the sum">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _end(unit: UnitSum, total: float, parts: Sequence[tuple[float, str]]) -> str:
    """The sum, the activation, and the value."""
    words = " + ".join(f"{name} {_four(value)}" for value, name in parts)
    line = f"{words} = <b>{_four(total)}</b>" if parts else f"It gets {_four(total)}"
    activation = _ACTIVATIONS[unit.activation]
    if activation:
        line += f"<br>{marked(activation)} → <b>{_four(unit.value)}</b>"
    return f'<p class="ds-total">{line}</p>'


def _grid(values: NDArray[np.float64], title: str, shown: Sequence[float] | None = None) -> str:
    """Numbers in rows, tinted by sign and size."""
    most = max(float(np.abs(values).max()), 1e-9)
    decimals = 3 if shown is None else 4
    words = [signed(v, decimals) for v in (values.ravel() if shown is None else shown)]
    cells = [
        f'<td style="{signed_style(value / most)}">{word}</td>'
        for value, word in zip(values.ravel().tolist(), words, strict=True)
    ]
    width = values.shape[1]
    rows = "".join(f"<tr>{''.join(cells[i : i + width])}</tr>" for i in range(0, len(cells), width))
    return f'<table class="ds-grid"><caption>{html.escape(title)}</caption>{rows}</table>'


def _at(place: Sequence[int]) -> str:
    return f"row {place[0]}, column {place[1]}"


def _line(words: str) -> str:
    return f"<p>{words}</p>" if words else ""


def _range(values: NDArray[np.float64]) -> str:
    return f"from {values.min():.2f} to {values.max():.2f}"


def _four(value: float) -> str:
    return signed(value, 4)
