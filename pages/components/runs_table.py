"""All runs in a table: to find, sort and choose."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from mnist_core.store import Run
from pages.components import session
from pages.components.run_words import in_short, preset_title, state

_HEIGHT = 400  # pixels: ten rows and the head


def runs_table(runs: list[Run]) -> list[Run]:
    """Show runs; returns those that are chosen, the newest first.

    The box above leaves only the runs that hold all of its words.
    """
    words = st.text_input(
        "Find",
        key="find_run",
        placeholder="Find: a name, a network, a state, a word of the notes ...",
        label_visibility="collapsed",
    )
    found = [run for run in runs if _holds(run, words)]
    if not found:
        st.info("No run holds these words.")
        return []
    # Also keeps the table's own buttons, which lie above it, off the box.
    st.caption(
        "Tick one to open it, or several to compare them. Press the name of a column to sort."
    )
    event = st.dataframe(
        _columns(found),
        # Other rows are another table, or what is ticked would point to other runs.
        key=(key := f"runs_{hash(tuple(run.id for run in found))}"),
        selection_default={"selection": {"rows": _ticked_before(key, found, words)}},
        height=_HEIGHT if len(found) > 9 else "content",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        column_config=_looks(),
    )
    chosen = [found[row] for row in sorted(event.selection.rows) if row < len(found)]
    st.session_state.ticked = words, {run.id for run in chosen}
    return chosen


def _ticked_before(key: str, found: list[Run], words: str) -> list[int]:
    """The rows to begin with: where a run has come or gone, the ticks come along."""
    begun: tuple[str, list[int]] = st.session_state.get("ticked_at_first", ("", []))
    if begun[0] != key:
        of, ids = st.session_state.get("ticked", ("", set()))
        rows = [i for i, run in enumerate(found) if words == of and run.id in ids]
        begun = st.session_state.ticked_at_first = key, rows
    return begun[1]


def _holds(run: Run, words: str) -> bool:
    texts = (run.id, run.name, run.notes, preset_title(run.settings.preset), state(run))
    everything = " ".join(texts).casefold()
    return all(word in everything for word in words.casefold().split())


def _columns(runs: list[Run]) -> dict[str, list[object]]:
    serving = session.classifier().model.id

    def share(value: float | None) -> float | None:
        return None if value is None else 100 * value

    return {
        "Run": [f"{run.id} ✓" if run.model == serving else run.id for run in runs],
        "Name": [run.name or None for run in runs],
        "Network": [preset_title(run.settings.preset) for run in runs],
        "State": [state(run) for run in runs],
        "Validation": [share(run.validation_accuracy) for run in runs],
        "Test": [share(run.test_accuracy) for run in runs],
        "Trained": [run.seconds or None for run in runs],
        "Parameters": [run.settings.parameters() for run in runs],
        "Images a second": [run.step * _images(run) / run.seconds if run.seconds else None
                            for run in runs],
        "Settings": [in_short(run.settings) for run in runs],
        "Started": [datetime.fromtimestamp(run.created, UTC) for run in runs],
        "Notes": [run.notes or None for run in runs],
    }  # fmt: skip


def _images(run: Run) -> float:
    """Images a step, on average."""
    return run.settings.total_images / max(run.steps_per_epoch, 1)


def _looks() -> dict[str, Any]:
    column = st.column_config
    return {
        "Run": column.TextColumn(pinned=True, help="✓ reads the drawings now."),
        "Validation": column.NumberColumn(
            format="%.2f %%", help="Of the digits held out for choosing, the share read right."
        ),
        "Test": column.NumberColumn(
            format="%.2f %%",
            help="Of the test digits, the share read right; measured once, at the end."
            " Choose by validation: what is chosen by its test tells nothing any more.",
        ),
        "Trained": column.NumberColumn(format="%.1f s", help="Seconds of training."),
        "Parameters": column.NumberColumn(
            format="localized", help="How large it is: the numbers that it consists of."
        ),
        "Images a second": column.NumberColumn(
            format="localized", step=1, help="How fast it trained."
        ),
        "Started": column.DatetimeColumn(format="distance"),
    }
