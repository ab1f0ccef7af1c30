"""What can be done with a run besides watching it: name it, train further, keep it, delete it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from mnist_core import paths, registry, run_exports, store, trainer
from mnist_core.errors import DigitStudioError
from mnist_core.pace import expected_seconds
from mnist_core.settings import Settings
from mnist_core.store import Run
from mnist_core.words import duration
from pages.components import passcode, session
from pages.components.frame import errors_shown
from pages.components.run_words import settings_in_words
from pages.components.tables import table

_GENTLER = 0.3  # of the learning rate, to train further: what is learned is not to be shaken off


def about_run(run: Run) -> None:
    """Its settings, and everything that can be done with it. To be shown by the page itself."""
    st.subheader("About this run")
    if run.notes:
        st.text(run.notes)
    with st.container(horizontal=True, gap="small", key="run_actions"):
        _words(run)
        if run.model:
            _further(run)
        _downloads(run)
        _delete(run)
    with st.expander("Settings"):
        table({name: [value] for name, value in settings_in_words(run.settings).items()})


def _words(run: Run) -> None:
    # Other words, saved here or by somebody else, are other fields: one keeps what is typed into
    # it, and Save would write old words over new ones. It closes the popover, too.
    key = f"{run.id}_{hash((run.name, run.notes))}"
    with st.popover("Name and notes", key=f"words_{key}"), st.form("run_words", border=False):
        name = st.text_input(
            "Name", run.name, key=f"name_{key}", max_chars=store.NAME_LENGTH, placeholder=run.id
        )
        notes = st.text_area("Notes", run.notes, key=f"notes_{key}", max_chars=store.NOTES_LENGTH)
        if st.form_submit_button("Save", type="primary"):
            with errors_shown():
                store.describe(run.id, name=name, notes=notes)
                st.session_state.notice = "Saved."
                st.rerun()


def _further(run: Run) -> None:
    with st.popover("Train further"):
        st.caption(
            "A new run begins with the weights of this one. Its settings are the same but for"
            " these, and another seed, so that chance falls differently."
        )
        epochs = st.number_input(
            "Epochs", 1, 200, min(run.settings.epochs, 5), key=f"more_epochs_{run.id}"
        )
        rate = st.number_input(
            "Learning rate",
            value=_GENTLER * run.settings.learning_rate,
            step=0.001,
            format="%g",
            key=f"more_rate_{run.id}",
            help="How far the weights move at once. Lower than before is gentler.",
        )
        # An emptied field has no number: 0 is refused with a sentence.
        settings = _continued(run, int(epochs or 0), float(rate or 0))
        st.caption(f"Takes about {duration(expected_seconds(settings))} here.")
        if st.button("Train further", type="primary", key="further"):
            with errors_shown():
                started = trainer.start(
                    settings, owner=session.visitor(), follow=session.drawn_digit()
                )
                st.session_state.notice = f"{started.run.id} goes on from {run.id}."
                session.show_run(started.run.id)
                st.rerun()


def _continued(run: Run, epochs: int, rate: float) -> Settings:
    return replace(
        run.settings,
        epochs=epochs,
        learning_rate=rate,
        start_from=run.model or "",
        seed=(run.settings.seed + 1) % 2**31,
    )


def _downloads(run: Run) -> None:
    with st.popover("Download"):
        _offer("Metrics (CSV)", f"{run.id}.csv", lambda: run_exports.metrics_csv(run.id))
        # What is wrong has to be said here: what fails while a file is made is only in the log.
        with errors_shown():
            if run.model:
                registry.find(run.model).check()
                for label, name in (
                    ("Keras model", "model.keras"),
                    ("LiteRT model", "model.tflite"),
                    ("Card (JSON)", "card.json"),
                ):
                    _offer(label, f"{run.id}{name[name.index('.') :]}", _reader(run.model, name))
            _offer("All of it (zip)", f"{run.id}.zip", lambda: run_exports.as_zip(run.id))
        st.caption(
            "TensorBoard (`pip install tensorboard`) opens the logs of all runs, on the computer"
            " that serves this page:"
        )
        st.code(
            f"tensorboard --logdir {shlex.quote(str(paths.runs()))}", language="sh", wrap_lines=True
        )


def _reader(model_id: str, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        model = registry.find(model_id)
        return (model.folder / name).read_bytes() if name == "card.json" else model.read(name)

    return read


def _offer(label: str, file: str, make: Callable[[], bytes]) -> None:
    kind = file.rsplit(".", 1)[1]
    mimes = {"csv": "text/csv", "json": "application/json", "zip": "application/zip"}
    st.download_button(
        label,
        make,
        file_name=file,
        mime=mimes.get(kind, "application/octet-stream"),
        on_click="ignore",
        width="stretch",
        key=f"download_{kind}",
    )


def _delete(run: Run) -> None:
    under_way = run.active or run.state == "queued"
    reads = run.model is not None and run.model == registry.published()
    if under_way:
        help = "Stop it first."
    elif reads:
        help = "It reads the drawings now: have another network read them first."
    elif not passcode.allowed():
        help = passcode.NEEDED
    else:
        help = "Deletes the run for good."
    if st.button(
        "Delete", key="delete", help=help, disabled=under_way or reads or not passcode.allowed()
    ):
        st.session_state.to_delete = run.id, session.visit()
    # Kept, for the page runs again by itself whenever a training begins or ends.
    if st.session_state.get("to_delete") == (run.id, session.visit()):
        st.dialog(f"Delete {run.id}?", on_dismiss=_asked)(_ask)(run)


def _asked() -> None:
    """It is answered, or put away; the next time it asks anew."""
    st.session_state.pop("to_delete", None)


def _ask(run: Run) -> None:
    what = "its curves, its notes, its logs" + (" and its network" if run.model else "")
    st.markdown(f"This deletes {what}. It can't be undone.")
    sure = st.checkbox(f"Yes, delete {run.id} for good", key="sure")
    with st.container(horizontal=True):
        if st.button("Keep it", key="keep_run"):
            _asked()
            st.rerun()
        if st.button("Delete it", key="delete_run", type="primary", disabled=not sure):
            _asked()
            try:
                passcode.check()
                trainer.delete(run.id)
                st.session_state.notice = f"{run.id} is deleted."
            except DigitStudioError as error:
                st.session_state.notice = str(error)
            st.rerun()
