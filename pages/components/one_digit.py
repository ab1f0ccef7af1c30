"""One digit, opened: large, as numbers, as the network reads it, and those most like it."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import store
from mnist_core.collection import Collection, Part, collection
from mnist_core.errors import InputError
from mnist_core.words import a, percent
from pages.components import session
from pages.components.browsing import PART_NAMES, change, keep_address, name_of, view
from pages.components.charts import probability_bars
from pages.components.frame import button, errors_shown, leave_for
from pages.components.numbers import numbers
from pages.components.sources import show
from pages.components.wall import Tile, digit_wall

_MARKS: dict[store.Mark, tuple[str, str]] = {
    "right": ("✓ Right", "1"),
    "wrong": ("✗ Wrong", "2"),
    "unclear": ("? Can't tell", "3"),
}
_NEIGHBOURS = 10


def there_is(digit: tuple[Part, int] | None, *, mnist: bool) -> bool:
    """Whether there is such a digit to open.

    Args:
        digit: None where none is to be opened.
        mnist: whether MNIST can be used.

    Raises:
        InputError: there is none; no other is opened instead.
    """
    if digit is None:
        return False
    part, number = digit
    if part != "generated" and not mnist:
        raise InputError(f"{name_of(part, number)} can be opened once MNIST is here.")
    count = len(collection(part).labels)
    if not 0 <= number < count:
        change(digit=None)
        raise InputError(
            f"There is no {name_of(part, number).lower()}: choose a number from 0 to {count - 1}."
        )
    return True


def one_digit(rows: NDArray[np.int64], part: Part) -> None:
    """Open the view's digit, which has to be there, over the page.

    Args:
        rows: the digits that are looked through, in order, for going to the next.
        part: theirs.
    """
    # What takes a moment, the first time, comes before there is anything to click.
    with st.spinner("Looking for those most like it ..."):
        _learned((view().digit or (part, 0))[0]).neighbours  # noqa: B018
    show_it = st.dialog("One digit", width="large", on_dismiss=lambda: change(digit=None))
    show_it(_show)(rows, part)


def _show(rows: NDArray[np.int64], part: Part) -> None:
    if (digit := view().digit) is None:  # just closed
        return
    digit_part, number = digit
    keep_address()
    if notice := st.session_state.pop("notice", None):
        st.error(notice)
    with errors_shown():
        of = collection(digit_part)
        _way(rows if digit_part == part else rows[:0], of.part, number)
        image, label = of.images[number], int(of.labels[number])
        with st.container(horizontal=True, gap="medium"):
            with st.container(width=280):
                show(image, f"{name_of(of.part, number)}: {a(label)}")
                for title, page in (("Draw", "draw"), ("Look inside", "inside")):
                    if st.button(f"Send to {title}", width="stretch", key=f"send_to_{page}"):
                        session.hand_over(image, name_of(of.part, number), label)
                        change(digit=None)
                        keep_address()
                        leave_for(f"pages/{page}.py")
            with st.container(width=400):
                _facts(of, number)
                with errors_shown():  # without marks the rest is worth seeing
                    if of.part != "generated":
                        _mark(of.part, number)
            with st.container(width=400):
                _reading(of.part, image, label)
        _nearest(of, number)
        numbers(image)


def _way(rows: NDArray[np.int64], part: Part, number: int) -> None:
    """What it is called, and the way to the one before and the next."""
    found = np.flatnonzero(rows == number)
    place = int(found[0]) if len(found) else None

    def step(by: int) -> None:
        to = min(max((place or 0) + by, 0), len(rows) - 1)
        change(digit=(part, int(rows[to])))

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Previous", on_click=step, args=(-1,), disabled=not place, key="digit_before",
            shortcut="Left",
        )  # fmt: skip
        st.button(
            "Next", on_click=step, args=(1,), disabled=place is None or place == len(rows) - 1,
            key="digit_after", shortcut="Right",
        )  # fmt: skip
        st.subheader(name_of(part, number), anchor=False)


def _facts(of: Collection, number: int) -> None:
    label = int(of.labels[number])
    measures = of.measures
    st.markdown(f"Its label says it is **{a(label)}**. One-hot, as the network is told it:")
    cells = "".join(
        f"<td{' class=hot' if d == label else ''}>{d == label:d}</td>" for d in range(10)
    )
    heads = "".join(f"<th scope=col>{d}</th>" for d in range(10))
    st.html(
        "<table class=ds-onehot><caption>One-hot label</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    )
    slant = float(measures.slant[number])
    leaning = f"{abs(slant):.0f}° to the {'right' if slant > 0 else 'left'}"
    st.markdown(
        f"- Stroke: {measures.thickness[number]:.1f} pixels wide\n"
        f"- Leans {leaning}\n"
        f"- More unusual than {percent(float(of.unusual[number]))} of the {label}s"
    )


def _mark(part: Part, number: int) -> None:
    """Whether the label looks right, in the reader's eyes; what is pressed again is taken back."""
    now = store.marked(part).get(number)
    said = f" Marked: **{_MARKS[now][0]}**" if now else ""
    st.markdown(
        f"Does the label look right?{said}",
        help="Kept on the computer that serves this page, for all who look at it.",
    )
    # Buttons rather than a choice of one, which would take the arrow keys for itself. They differ
    # in their words alone: one of another type is another element, which has not got the focus.
    with st.container(horizontal=True, gap="small"):
        for mark, (words, letter) in _MARKS.items():
            button(
                f":primary-background[**{words}**]" if mark == now else words,
                store.set_mark,
                part,
                number,
                None if mark == now else mark,
                key=f"mark_{mark}",
                shortcut=letter,
            )


def _reading(part: Part, image: NDArray[np.uint8], label: int) -> None:
    probabilities = session.classifier().predict(image[None])[0]
    read = int(probabilities.argmax())
    outcome = "right" if read == label else f"and not as {a(label)}"
    st.markdown(
        f"The network reads it as **{a(read)}** ({percent(float(probabilities[read]))}), {outcome}."
    )
    probability_bars(probabilities, key="digit_probabilities")
    if part == "train":
        st.caption("It may have learned from this very digit.")


def _learned(part: Part) -> Collection:
    """The digits among which those most like a digit of a part are looked for."""
    return collection("generated" if part == "generated" else "train")


def _nearest(of: Collection, number: int) -> None:
    learned = _learned(of.part)
    same = learned.part == of.part
    nearest = learned.neighbours.nearest(
        of.images[number], _NEIGHBOURS, leave_out=number if same else None
    )
    labels = learned.labels[nearest.rows].tolist()
    agree = labels.count(int(of.labels[number]))
    st.markdown(
        f"**The ten most like it** among the {len(learned.labels):,}"
        f" {PART_NAMES[learned.part].lower()}: {agree} of {len(labels)} with its label",
        help="Those whose 784 numbers differ least from its own (Euclidean distance).",
    )
    digit_wall(
        learned.images[nearest.rows],
        [
            Tile(
                row,
                f"{name_of(learned.part, row)}: {a(label)}, distance {distance:,.0f}",
                caption=str(label),
                wrong=label != of.labels[number],
                badge="" if label == of.labels[number] else "≠",
            )
            for row, label, distance in zip(
                nearest.rows.tolist(), labels, nearest.distances.tolist(), strict=True
            )
        ],
        key="nearest",
        told="The ten digits most like it, nearest first.",
        on_pick=lambda row: change(digit=(learned.part, row)),
        columns=10,
        scale=2,
    )
