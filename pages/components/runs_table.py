"""All runs in a table: to find, sort and choose."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from mnist_core.settings import PRESETS
from mnist_core.store import Run
from mnist_core.words import plural
from pages.components import session
from pages.components.retrain import state
from pages.components.run_words import in_short

_HEIGHT = 400  # pixels: ten rows and the head


def runs_table(runs: list[Run]) -> list[Run]:
    """Show runs; returns those that are chosen, in the order of the table.

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
        st.info(f"None of the {plural(len(runs), 'run')} holds these words.")
        return []
    # Also keeps the table's own buttons, which lie above it, off the box.
    st.caption("Tick one to open it, or several to compare them. A click on a head sorts.")
    event = st.dataframe(
        _columns(found),
        # Another selection of rows is another table, or what is chosen would point to other runs.
        key=f"runs_{hash(tuple(run.id for run in found))}",
        height=_HEIGHT if len(found) > 9 else "content",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        column_config=_looks(),
    )
    return [found[row] for row in sorted(event.selection.rows) if row < len(found)]


def _holds(run: Run, words: str) -> bool:
    texts = (run.id, run.name, run.notes, PRESETS[run.settings.preset].title, state(run))
    everything = " ".join(texts).casefold()
    return all(word in everything for word in words.casefold().split())


def _columns(runs: list[Run]) -> dict[str, list[object]]:
    serving = session.classifier().model.id

    def share(value: float | None) -> float | None:
        return None if value is None else 100 * value

    return {
        "Run": [f"{run.id} ✓" if run.model == serving else run.id for run in runs],
        "Name": [run.name or None for run in runs],
        "Network": [PRESETS[run.settings.preset].title for run in runs],
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
            format="%.2f %%", help="Of the test digits, the share read right; measured once."
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
