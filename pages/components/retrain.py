"""The sidebar's part about training: Retrain with its settings, and the run in progress."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import streamlit as st

from mnist_core import datasets, pace, registry, store, trainer
from mnist_core.errors import InputError
from mnist_core.settings import (
    DEFAULT_PRESET,
    GENERATED_IMAGES,
    MNIST_IMAGES,
    PRESETS,
    Activation,
    Data,
    Optimizer,
    Settings,
    parse_layers,
)
from mnist_core.store import Run
from mnist_core.stroke_files import find_letters, find_pendigits
from mnist_core.words import accuracy, duration
from pages.components import passcode, session
from pages.components.frame import button, errors_shown
from pages.components.run_words import title, where

_BUSY, _IDLE = 1.0, 5.0  # seconds between two looks at what is being trained


def sidebar() -> None:
    """Show the run in progress and the way to a new one, beside every page."""
    with st.sidebar, errors_shown():
        seen = _state_of_things()
        st.fragment(_progress, run_every=_BUSY if seen[0] else _IDLE)(seen)
        _form()
    with st.sidebar:
        passcode.passcode_box()


def buttons(run: Run, *, key: str) -> None:
    """Pause and Stop for a run that is under way or waits; Resume for one that can go on."""
    allowed = passcode.allowed(run.owner)

    def ending(label: str, action: Callable[[str], None], name: str, help: str) -> None:
        button(
            label,
            _end,
            action,
            run,
            key=f"{key}_{name}",
            disabled=run.ending or not allowed,
            help=help if allowed else "Needs the passcode: this training is someone else's.",
        )

    with st.container(horizontal=True, gap="small", key=f"{key}_buttons"):
        if run.resumable:
            button(
                "Resume", trainer.resume, run.id, key=f"{key}_resume", help="Go on where it was."
            )
        elif run.state == "queued":
            ending("Not now", trainer.stop, "stop", "Leave the queue.")
        elif run.active:
            ending(
                "Pause",
                trainer.pause,
                "pause",
                "Keeps everything; it can go on at any time, even after a restart.",
            )
            ending("Stop", trainer.stop, "stop", "Ends here and keeps the best network so far.")


def _end(action: Callable[[str], None], run: Run) -> None:
    passcode.check(run.owner)
    action(run.id)


def _state_of_things() -> tuple[str | None, tuple[str, ...], str]:
    """What every page depends on: the run in progress, the queue, and the model that reads."""
    trainer.tend()
    waiting = store.runs("queued", *store.ACTIVE)
    current = next((run.id for run in waiting if run.active), None)
    return current, tuple(run.id for run in waiting if not run.active), registry.published()


def _progress(seen: tuple[str | None, tuple[str, ...], str]) -> None:
    with errors_shown():
        if _state_of_things() != seen:
            st.rerun()  # a run has begun or ended, or another model reads now
        if notice := st.session_state.pop("notice", None):
            st.toast(notice)
        latest = store.runs(limit=1)
        run = trainer.current() or next((run for run in latest if run.resumable), None)
        if run is not None:
            _run_in_progress(run, queue=seen[1])


def _run_in_progress(run: Run, *, queue: tuple[str, ...]) -> None:
    with st.container(key="run_in_progress", gap="small"):
        st.html(f"<strong>{html.escape(title(run))}</strong>")
        st.progress(run.done, text=where(run))
        if run.validation_accuracy is not None:
            st.caption(f"Best so far: {accuracy(run.validation_accuracy)} of the validation digits")
        buttons(run, key="sidebar")
        if queue:
            st.caption(f"Next: {', '.join(queue)}")
        st.page_link("pages/train.py", label="Watch it learn")


@st.fragment
def _form() -> None:
    st.subheader("Retrain")
    preset = st.selectbox(
        "Network",
        list(PRESETS),
        index=list(PRESETS).index(DEFAULT_PRESET),
        format_func=lambda name: PRESETS[name].title,
        key="preset",
        help="What the network is like, and how it is trained.",
    )
    settings = PRESETS[preset].settings
    st.caption(PRESETS[preset].teaches)
    with st.expander("Settings"):
        settings, fine = _fields(settings)
    data = _data()
    settings = replace(settings, data=data)
    if settings.drawn_images and not (find_pendigits() and find_letters()):
        st.caption(
            "It also learns from what people wrote with pens, and downloads that first (at most"
            " 4 MB). Without it, it trains all the same, but reads strangers' drawings less well."
        )
    if fine:
        words = f"Takes about {duration(pace.expected_seconds(settings))} here."
        if current := trainer.current():
            words += f" It would wait for {current.id} to end."
        st.caption(words)
    if st.button(
        "Retrain", type="primary", width="stretch", disabled=not fine, key="retrain",
        help=None if fine else "A setting above is outside its limits.",
    ):  # fmt: skip
        _start(settings)


def _start(settings: Settings) -> None:
    with errors_shown():
        started = trainer.start(settings, owner=session.visitor(), follow=session.drawn_digit())
        if started.joined:
            words = f"{started.run.id} is just that training: you are watching it now."
        elif started.ahead:
            words = f"{started.run.id} waits: {started.ahead} before it."
        else:
            words = f"{started.run.id} has begun."
        st.session_state.notice = words
        session.show_run(started.run.id)
        st.rerun()


def _data() -> Data:
    """What to learn from: MNIST, or, where it isn't on this computer, what the person chooses."""
    if datasets.find_mnist():
        return "mnist"
    words = {
        "mnist": "MNIST: downloads 11 MB first",
        "generated": "Digits made by a program",
    }
    st.caption("MNIST, the usual digits to learn from, is not on this computer yet.")
    chosen: Data = st.radio("Learn from", get_args(Data), format_func=words.__getitem__, key="data")
    return chosen


def _fields(settings: Settings) -> tuple[Settings, bool]:
    """The settings as the person has them, and whether all are within their limits."""
    given: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    places: dict[str, Any] = {}

    def field(name: str, widget: Any, label: str, *arguments: Any, **options: Any) -> None:
        # A key for each preset, so that another preset brings its own values.
        given[name] = widget(label, *arguments, key=f"{settings.preset}_{name}", **options)
        places[name] = st.empty()

    def layers(name: str, label: str, help: str) -> None:
        field(name, st.text_input, label, ", ".join(map(str, getattr(settings, name))), help=help)
        try:
            given[name] = parse_layers(given[name])
        except InputError as error:
            wrong[name] = str(error)
            del given[name]

    def number(name: str, label: str, help: str, **options: Any) -> None:
        field(name, st.number_input, label, value=getattr(settings, name), help=help, **options)

    if settings.family == "dense":
        layers("hidden", "Hidden layers", "The width of each, such as 128, 256. None: no layer.")
        field(
            "activation",
            st.selectbox,
            "Activation",
            get_args(Activation),
            help="What a neuron does with its sum: cut off below 0 (relu), or bend it (tanh,"
            " sigmoid).",
        )
    else:
        layers(
            "filters", "Filters", "How many patterns each convolution looks for, such as 16, 32."
        )
    number("dropout", "Dropout", "Share of the features left out at random, 0 to 0.8.", step=0.05)
    number("epochs", "Epochs", "How many times it sees all training images.", step=1)
    number("batch_size", "Batch size", "Images between two changes of the weights.", step=8)
    number(
        "learning_rate",
        "Learning rate",
        "How far the weights move at once; the highest, where it changes.",
        step=0.001,
        format="%g",
    )
    field(
        "optimizer",
        st.selectbox,
        "Optimizer",
        get_args(Optimizer),
        index=get_args(Optimizer).index(settings.optimizer),
        help="The rule by which the weights move.",
    )
    field(
        "augment",
        st.toggle,
        "Vary every image",
        settings.augment,
        help="Turns, slants, stretches and moves each image a little, anew every time"
        " (augmentation).",
    )
    number(
        "images",
        "Training images",
        f"How many it learns from: of MNIST at most {MNIST_IMAGES:,}, of digits made by a program"
        f" at most {GENERATED_IMAGES:,}.",
        step=1000,
    )
    number("seed", "Seed", "The same seed trains the same network.", step=1)
    chosen = replace(settings, **{n: v for n, v in given.items() if v is not None})
    wrong |= {n: "Give a number." for n, v in given.items() if v is None}
    wrong = chosen.problems() | wrong
    for name, problem in wrong.items():
        places[name].markdown(f":small[:red[{problem}]]")
    return chosen, not wrong
