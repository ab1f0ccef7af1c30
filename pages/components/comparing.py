"""Several runs side by side: their curves, what differs in their settings, and each digit."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_core import store
from mnist_core.evaluation import Evaluation
from mnist_core.store import Run
from mnist_core.words import accuracy
from pages.components.curves import Line, Panel, curves
from pages.components.progress import smooth
from pages.components.run_words import settings_in_words
from pages.components.tables import table

MOST = 6  # runs: more curves can't be told apart


def compare(runs: list[Run]) -> None:
    """Show two runs or more, at most `MOST`, side by side."""
    names = _names(runs)
    if len({run.settings.data for run in runs}) > 1:
        st.info(
            "Some learned from MNIST and some from generated digits, and each is validated on its"
            " own: how well they read can't be compared."
        )
    _curves(runs, names)
    st.subheader("What differs in their settings")
    _settings(runs, names)
    st.subheader("Each digit")
    _digits(runs, names)


def _names(runs: list[Run]) -> list[str]:
    """What the runs are called; with the id, where two have the same name."""
    called = [run.called for run in runs]
    return [
        name if called.count(name) == 1 else f"{name} ({run.id})"
        for name, run in zip(called, runs, strict=True)
    ]


def _curves(runs: list[Run], names: list[str]) -> None:
    loss, right, validation = [], [], []
    for colour, (run, name) in enumerate(zip(runs, names, strict=True)):
        batches, seen = store.curves(run.id), store.validations(run.id)
        epochs = max(run.steps_per_epoch, 1)
        x = (batches.step / epochs).tolist()
        at = [each.step / epochs for each in seen]
        loss.append(Line(name, x, smooth(batches.loss).tolist(), colour=colour))
        right.append(Line(name, x, (100 * smooth(batches.accuracy)).tolist(), colour=colour))
        shares = [100 * each.accuracy for each in seen]
        validation.append(Line(name, at, shares, style="points", colour=colour))
    best = ", ".join(
        f"{name} {accuracy(run.validation_accuracy)}" for run, name in zip(runs, names, strict=True)
    )
    curves(
        [
            Panel("Validation accuracy", tuple(validation), unit="%", y_range=(None, 100),
                  help="Share of the digits held out for choosing that is read right."),
            Panel("Training loss", tuple(loss), y_range=(0, None),
                  help="How far the answers are from the labels (cross-entropy), smoothed: 0 is"
                  " perfect, 2.3 is guessing."),
            Panel("Training accuracy", tuple(right), unit="%", y_range=(None, 100),
                  help="Share of each batch that is read right, smoothed."),
        ],
        key="curves_compared",
        x_end=max(run.settings.epochs for run in runs),
        told=f"Curves of {len(runs)} runs; validation accuracy: {best}.",
    )  # fmt: skip


def _settings(runs: list[Run], names: list[str]) -> None:
    each = [settings_in_words(run.settings) for run in runs]
    settings = list(dict.fromkeys(name for words in each for name in words))
    rows = {name: [words.get(name, "–") for words in each] for name in settings}
    differ = {name: values for name, values in rows.items() if len(set(values)) > 1}
    if differ:
        table(differ, heads=names)
    else:
        st.markdown("Nothing: the very same settings.")
    same = [f"{name.lower()}: {values[0]}" for name, values in rows.items() if name not in differ]
    if same:
        st.caption(f"The same in all: {'; '.join(same)}.")


def _digits(runs: list[Run], names: list[str]) -> None:
    counted = [store.kept_validation(run.id) for run in runs]
    there = [
        (name, run, Evaluation(seen.confusion))
        for name, run, seen in zip(names, runs, counted, strict=True)
        if seen is not None
    ]
    if missing := [name for name, seen in zip(names, counted, strict=True) if seen is None]:
        st.text(f"Not validated yet: {', '.join(missing)}.")
    if not there:
        return
    alike = len({run.settings.data for _, run, _ in there}) == 1
    shares = np.array([[each.accuracy, *each.recalls] for _, _, each in there])
    heads = ["All digits", *map(str, range(10))]
    rows = {
        head: ["–" if np.isnan(share) else accuracy(share) for share in column]
        for head, column in zip(heads, shares.T, strict=True)
    }
    best = [
        (i, j)
        for i, column in enumerate(shares.T)
        for j, share in enumerate(column)
        if alike and share == np.fmax.reduce(column) > np.fmin.reduce(column)
    ]
    table(rows, heads=[name for name, *_ in there], best=best)
    stars = " ★ marks the best of each line." if alike else ""
    st.caption(f"Share of the validation digits read right.{stars}")
