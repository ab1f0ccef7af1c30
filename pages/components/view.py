"""What the Dataset page shows, as one value that fits into an address.

Whoever opens the address sees the same. What is the default is left out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from mnist_core.collection import ORDERS, PARTS, Order, Part

Look = Literal["glance", "wall", "map", "doubts"]
Layout = Literal["pca", "neighbours"]
LOOKS = get_args(Look)
LAYOUTS = get_args(Layout)

_CORNERS = 60  # of a lasso, at most
_FAR = 10  # a pen may leave the map, which goes from 0 to 1, and still draw


@dataclass(frozen=True)
class View:
    """A view of the data set.

    Attributes:
        look: at a glance, the wall, the map, or the doubtful labels.
        part: of the data set.
        classes: the digits shown on the wall and among the doubtful labels, ascending; empty: all.
        order: of the wall.
        seed: of the random order, 0 and up.
        page: of the wall or of the doubtful labels, from 1.
        digit: the one that is open, as part and number; None: none is.
        layout: of the map.
        hidden: digits that the map doesn't show, ascending.
        lasso: corners of what is selected on the map, in its coordinates; empty: nothing.
    """

    look: Look = "glance"
    part: Part = "train"
    classes: tuple[int, ...] = ()
    order: Order = "dataset"
    seed: int = 0
    page: int = 1
    digit: tuple[Part, int] | None = None
    layout: Layout = "pca"
    hidden: tuple[int, ...] = ()
    lasso: tuple[tuple[float, float], ...] = ()

    def written(self) -> dict[str, str]:
        """The view as the parameters of an address."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.order != "random":
            del told["seed"]
        return {n: _WRITTEN.get(n, str)(v) for n, v in told.items() if v != getattr(DEFAULT, n)}


DEFAULT = View()


def read(parameters: Mapping[str, str]) -> tuple[View, list[str]]:
    """Understand the parameters of an address, which anybody may have edited.

    Returns:
        The view, with the default for what can't be understood; and for each such parameter a
        sentence in Markdown that says so. Parameters of other names are left alone.
    """
    given: dict[str, Any] = {}
    wrong = []
    for field in fields(View):
        if field.name in parameters:
            try:
                given[field.name] = _READ[field.name](parameters[field.name])
            except ValueError:
                # As code, or an address could put pictures and links of its own on the page.
                text = parameters[field.name][:40].replace("`", "'")
                wrong.append(
                    f"The address asks for `{field.name}={text!r}`, which there is not;"
                    f" it could be {_EXAMPLES[field.name]}."
                )
    return View(**given), wrong


def _one_of(names: tuple[str, ...]) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text not in names:
            raise ValueError
        return text

    return choose


def _digits(text: str) -> tuple[int, ...]:
    return tuple(sorted({_number(character) for character in text}))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueError
    return int(text)


def _page(text: str) -> int:
    if not (number := _number(text)):
        raise ValueError
    return number


def _digit(text: str) -> tuple[str, int]:
    part, _, number = text.partition("-")
    return _one_of(PARTS)(part), _number(number)


def _lasso(text: str) -> tuple[tuple[float, float], ...]:
    numbers = [float(number) for number in text.split("_")]
    # Not a number is not within the limits either.
    if len(numbers) % 2 or not 6 <= len(numbers) <= 2 * _CORNERS:
        raise ValueError
    if not all(-_FAR <= number <= _FAR for number in numbers):
        raise ValueError
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _joined(numbers: tuple[int, ...]) -> str:
    return "".join(map(str, numbers))


_READ: dict[str, Callable[[str], Any]] = {
    "look": _one_of(LOOKS),
    "part": _one_of(PARTS),
    "classes": _digits,
    "order": _one_of(ORDERS),
    "seed": _number,
    "page": _page,
    "digit": _digit,
    "layout": _one_of(LAYOUTS),
    "hidden": _digits,
    "lasso": _lasso,
}
_WRITTEN: dict[str, Callable[[Any], str]] = {
    "classes": _joined,
    "hidden": _joined,
    "digit": lambda digit: f"{digit[0]}-{digit[1]}",
    "lasso": lambda corners: "_".join(f"{round(n, 4):g}" for corner in corners for n in corner),
}
_EXAMPLES = {
    "look": ", ".join(LOOKS),
    "part": ", ".join(PARTS),
    "classes": "digits such as 147",
    "order": ", ".join(ORDERS),
    "seed": "a number from 0 up",
    "page": "a number from 1 up",
    "digit": "a part and a number such as test-947",
    "layout": ", ".join(LAYOUTS),
    "hidden": "digits such as 147",
    "lasso": "x and y of three corners or more",
}
