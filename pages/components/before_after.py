"""What a network gained and lost by being taught somebody's hand, side by side."""

from __future__ import annotations

import streamlit as st

from mnist_core import comparison
from mnist_core.comparison import Difference
from mnist_core.errors import ModelError
from mnist_core.evaluation import interval
from mnist_core.store import Run
from mnist_core.words import accuracy
from pages.components.compared import compared, newly_right, newly_wrong
from pages.components.frame import errors_shown
from pages.components.tables import table

_JOINED = "\N{NO-BREAK SPACE}"  # within what is not to be broken on a phone
_TO = "\N{WORD JOINER}–\N{WORD JOINER}"
_FEW = 500  # digits, of which a share alone would say more than is known


def before_after(run: Run) -> None:
    """Show it for a run that taught somebody's hand and has left a network. Not in a fragment."""
    if not run.settings.profile or run.model is None:
        return
    st.subheader("Before and after")
    with errors_shown():
        try:
            differences = compared(run.settings.start_from, run.model, profile=run.settings.profile)
        except ModelError as error:
            st.info(f"What it was before can't be shown. {error}")
            return
        _verdict(differences)
        table(
            {_title(each): _line(each) for each in differences},
            heads=("Before", "After", "Change"),
        )
        st.caption(
            "None of these were learned from. Own held-out drawings are the third of the stored"
            " ones that is kept for this; in brackets is where the true share lies, with 95 %"
            " confidence: of few drawings one can't know better."
            if differences[0].on.name == comparison.OWN
            else "None of these were learned from. No own drawings are held out: store two or more"
            " of a digit, and one in three is."
        )
        for each in differences:
            newly_right(each)
            newly_wrong(each, where="")


def _verdict(differences: tuple[Difference, ...]) -> None:
    lost = [each for each in differences if each.too_many(taught=True)]
    for each in lost:
        most = (
            f"more than the {100 * each.on.may_lose:.1f} points it may lose"
            if each.on.may_lose
            else "it should lose none of these"
        )
        st.warning(
            f"It reads {each.worse:,} fewer {each.on.name},"
            f" {100 * each.worse / len(each.on.labels):.1f} points: {most}. If you want to use it"
            " all the same, you are asked once more."
        )
    own = differences[0]
    if lost or own.on.name != comparison.OWN:
        return
    if own.worse < 0:
        st.success(
            f"It reads {-own.worse} more of the own held-out drawings, and elsewhere it loses no"
            " more than it may."
        )
    elif own.right_after == len(own.on.labels):
        st.success(
            "It reads all of the own held-out drawings, as before, and elsewhere it loses no more"
            " than it may."
        )
    else:
        st.info(
            "It reads as many of the own held-out drawings as before. More drawings help: above"
            " all of the digits that it misreads."
        )


def _title(each: Difference) -> str:
    return f"{each.on.name[0].upper()}{each.on.name[1:]} ({len(each.on.labels):,})"


def _line(each: Difference) -> list[str]:
    if not each.worse:
        change = "the same"
    else:
        change = f"{abs(each.worse):,} {'fewer' if each.worse > 0 else 'more'}"
    return [_share(n, len(each.on.labels)) for n in (each.right_before, each.right_after)] + [
        change
    ]


def _share(right: int, count: int) -> str:
    if count >= _FEW:
        return accuracy(right / count).replace(" ", _JOINED)
    low, high = interval(right, count)
    words = f"{right} of {count}", f"({100 * low:.0f}{_TO}{100 * high:.0f} %)"
    return " ".join(part.replace(" ", _JOINED) for part in words)
