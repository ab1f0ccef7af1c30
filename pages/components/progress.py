"""What is seen of a run: its curves, the board, a drawing followed."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_core import store
from mnist_core.store import Curves, Pin, Run, Validation
from mnist_core.words import accuracy, percent
from pages.components.curves import Line, Panel, curves
from pages.components.digits import DigitMark, digit_board, sprite_sheet
from pages.components.gallery import png_address

_SMOOTH = 6  # points over which a smoothed curve forgets two thirds

LOSS_HELP = (
    "How far the answers are from the labels (cross-entropy): 0 is perfect, 2.3 is guessing."
    " Faint: every batch. Line: the same, smoothed. Dots: digits held out for validation."
)
ACCURACY_HELP = (
    "Share read right. The batches are being learned from; the validation digits never are, so"
    " they tell how well it reads what is new to it."
)
RATE_HELP = "How far the weights move at once."
SPEED_HELP = "How many training images a second are learned from."


def learning_curves(run: Run) -> None:
    """Loss, accuracy, learning rate and speed, the batches' and the validation's."""
    batches = store.curves(run.id)
    seen = store.validations(run.id)
    speeds = store.speeds(run.id)
    epochs = max(run.steps_per_epoch, 1)
    x = (batches.step / epochs).tolist()
    at = [v.step / epochs for v in seen]
    panels = [
        Panel(
            "Loss",
            (
                _raw(x, batches.loss, batches.loss_low, batches.loss_high),
                Line("training", x, smooth(batches.loss).tolist()),
                Line("validation", at, [v.loss for v in seen], style="points", colour=1),
            ),
            y_range=(0, None),
            help=LOSS_HELP,
        ),
        Panel(
            "Accuracy",
            (
                _raw(
                    x, 100 * batches.accuracy, 100 * batches.accuracy_low,
                    100 * batches.accuracy_high,
                ),
                Line("training", x, (100 * smooth(batches.accuracy)).tolist()),
                Line("validation", at, [100 * v.accuracy for v in seen], style="points", colour=1),
            ),
            unit="%",
            y_range=(None, 100),
            help=ACCURACY_HELP,
        ),
        Panel(
            "Learning rate",
            (Line("learning rate", x, batches.learning_rate.tolist(), colour=2),),
            height=90,
            y_range=(0, None),
            help=RATE_HELP,
        ),
        Panel(
            "Images a second",
            (Line("speed", (speeds[:, 0] / epochs).tolist(), speeds[:, 1].tolist(), colour=3),),
            height=90,
            unit="/s",
            y_range=(0, None),
            help=SPEED_HELP,
        ),
    ]  # fmt: skip
    curves(
        panels, key=f"curves_{run.id}", x_end=run.settings.epochs, told=_told(run, batches, seen)
    )


def followed_drawing(run: Run, pin: Pin) -> None:
    """The ten probabilities of a drawing through the run."""
    steps, probabilities = store.followed(pin.number)
    x = (steps / max(run.steps_per_epoch, 1)).tolist()
    top = int(probabilities[-1].argmax()) if len(steps) else None
    lines = tuple(
        Line(
            str(digit),
            x,
            (100 * probabilities[:, digit]).tolist(),
            colour=digit,
            bold=digit == top,
        )
        for digit in range(10)
    )
    left, right = st.columns([1, 4], vertical_alignment="center")
    with left:
        st.image(png_address(_enlarged(pin.image)), width=112, alt="The drawing that is followed")
        if top is not None:
            st.caption(f"Now a {top} ({percent(float(probabilities[-1, top]))})")
    with right:
        curves(
            [Panel("Probability of each digit", lines, unit="%", y_range=(0, 100))],
            key=f"followed_{run.id}_{pin.number}",
            x_end=run.settings.epochs,
            told="What the network makes of the drawing, batch by batch"
            + (f": now a {top}." if top is not None else "."),
        )


def board(run: Run) -> None:
    """A hundred validation digits, marked right or wrong as they are read now."""
    kept = store.board(run.id)
    if kept is None:
        return
    labels = kept[1]
    moment = store.last_moment(run.id)
    answers = None if moment is None else moment.board
    marks = [
        DigitMark(int(label), None if answers is None else int(answers[i]))
        for i, label in enumerate(labels)
    ]
    right = 0 if answers is None else int((answers == labels).sum())
    st.caption(f"{right} of {len(labels)} read right. The small number is what one is taken for.")
    digit_board(
        _sheet(run.id),
        shown=marks,
        key=f"board_{run.id}",
        told=f"A hundred validation digits, of which {right} are read right.",
    )


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A running mean that forgets slowly, (P,) -> (P,); the beginning isn't drawn towards zero.

    Exponential moving average with bias correction (Kingma and Ba 2015, section 3).
    """
    keep = 1 - 1 / _SMOOTH
    smoothed, total, weight = np.empty_like(values), 0.0, 0.0
    for i, value in enumerate(values.tolist()):
        total = keep * total + value
        weight = keep * weight + 1
        smoothed[i] = total / weight
    return smoothed


def _raw(
    x: list[float],
    mean: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> Line:
    """The batches themselves: a faint line, or, of many gathered into a point, their range."""
    gathered = bool((low != high).any())
    return Line(
        "each batch",
        x,
        mean.tolist(),
        style="faint",
        low=low.tolist() if gathered else None,
        high=high.tolist() if gathered else None,
    )


def _told(run: Run, batches: Curves, seen: list[Validation]) -> str:
    if not batches.batches:
        return "Curves of the training; it has not begun."
    words = (
        f"Curves of {run.id} over {batches.batches:,} batches: the training loss went from"
        f" {batches.loss[0]:.2f} to {batches.loss[-1]:.2f}"
    )
    if seen:
        words += f", validation accuracy is {accuracy(seen[-1].accuracy)}"
    return words + "."


@st.cache_data(max_entries=20, show_spinner=False)
def _sheet(run_id: str) -> str:
    kept = store.board(run_id)
    return sprite_sheet(kept[0]) if kept else ""


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image.repeat(4, axis=0).repeat(4, axis=1)
