"""Which network reads the drawings: put another to work, or the one before; what served when."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import streamlit as st

from mnist_core import comparison, registry, serving_history
from mnist_core.comparison import Difference
from mnist_core.errors import DigitStudioError
from mnist_core.words import a, plural
from pages.components import passcode, session
from pages.components.frame import button, errors_shown
from pages.components.wall import Tile, digit_wall

_SHOWN = 60  # digits newly misread


def publish_button(model_id: str) -> None:
    """Offer to have a model read the drawings; `decide` then does it, or asks."""
    allowed = passcode.allowed()
    st.button(
        "Use this model",
        on_click=lambda: st.session_state.update(to_publish=(model_id, session.visit())),
        key="use",
        type="primary",
        disabled=not allowed,
        help="It reads all drawings from now on, for everyone who has the app open. If it reads"
        " worse than the present one, you are asked first."
        if allowed
        else passcode.NEEDED,
    )


def rollback_button() -> None:
    """Offer to have the network read that did before, where there is one."""
    before = registry.before()
    if before is None:
        return
    reads = session.classifier().model.id == before  # in place of one that is damaged
    allowed = passcode.allowed()
    button(
        f"{'Stay with' if reads else 'Go back to'} {_called(before)}",
        _roll_back,
        before,
        key="rollback",
        disabled=not allowed,
        help="The network that read before reads again, at once and for everyone."
        if allowed
        else passcode.NEEDED,
    )


def decide() -> None:
    """Publish what was asked for, or ask whether it is meant, because it is worse.

    To be called by the page itself, not in a fragment: it opens a dialog.
    """
    model_id, visit = st.session_state.get("to_publish", (None, None))
    if model_id is None:
        return
    if visit != session.visit():  # the page was left meanwhile
        _answered()
        return
    with errors_shown():
        passcode.check()
        differences = _compared(model_id)
        if all(each.worse <= 0 for each in differences):
            _answered()
            _publish(model_id)
            st.rerun()
        st.dialog("It reads worse", width="large", on_dismiss=_answered)(_ask)(
            model_id, differences
        )
        return
    _answered()  # by an error


def _compared(model_id: str) -> tuple[Difference, ...]:
    """As `_differences`; kept, for the page runs again whenever a training begins or ends."""
    models = model_id, session.classifier().model.id
    if st.session_state.get("compared", (None,))[0] != models:
        st.session_state.compared = models, _differences(model_id)
    differences: tuple[Difference, ...] = st.session_state.compared[1]
    return differences


def _answered() -> None:
    """It is decided, or put away."""
    st.session_state.pop("to_publish", None)
    st.session_state.pop("compared", None)


def served() -> None:
    """What read the drawings when, the latest first."""
    periods = serving_history.served()[::-1]
    lines = []
    for i, period in enumerate(periods):
        since = "from the beginning" if period.since is None else f"from {_when(period.since)}"
        back = ", after going back" if period.rolled_back else ""
        now = "" if i else _now(period.id)
        lines.append(f"- **{_called(period.id)}**{now}: {since}{back}")
    st.markdown("\n".join(lines))


def _now(model_id: str) -> str:
    reads = session.classifier().model.id
    if reads == model_id:
        return " **(now)**"
    return f" **(now, but its files are damaged or gone: {_called(reads)} reads instead)**"


def _called(model_id: str) -> str:
    return "the one that ships" if model_id == registry.SHIPPED else model_id


def _when(at: float) -> str:
    zone: tzinfo = UTC
    # What a browser says is anybody's guess.
    with suppress(ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(st.context.timezone or "UTC")
    return f"{datetime.fromtimestamp(at, zone):%-d %B %Y, %H:%M:%S %Z}"


def _differences(model_id: str) -> tuple[Difference, ...]:
    """How a model reads what the present one reads."""
    candidate = session.load(model_id)
    bar = st.progress(0.0, text="Comparing it with the network that reads now ...")

    def report(words: str, share: float) -> None:
        bar.progress(share, text=f"{words} ...")

    try:
        on = comparison.yardsticks(report=report)
        bar.progress(1.0, text="Both read the same digits ...")
        return comparison.compare(session.classifier(), candidate, on)
    finally:
        bar.empty()


def _ask(model_id: str, differences: tuple[Difference, ...]) -> None:
    now = _called(session.classifier().model.id)
    st.markdown(f"**{model_id}** reads some digits worse than the network that reads now ({now}):")
    for each in differences:
        st.markdown(f"- {_told(each)}")
    # Before the pictures, which may be many.
    with st.container(horizontal=True):
        if st.button(f"Keep {now}", key="keep", type="primary"):
            _answered()
            st.rerun()
        if st.button("Use it anyway", key="use_anyway"):
            _answered()
            try:
                _publish(model_id)
            except DigitStudioError as error:
                st.session_state.notice = str(error)
            st.rerun()
    for each in differences:
        _newly_wrong(each)


def _told(each: Difference) -> str:
    """In numbers of digits, how much worse it is, or better."""
    if each.worse > 0:
        verdict = f"**{each.worse:,} fewer**"
    elif each.worse < 0:
        verdict = f"{-each.worse:,} more"
    else:
        verdict = "as many"
    return (
        f"Of {len(each.on.labels):,} {each.on.name} it reads {each.right_after:,} right, the other"
        f" {each.right_before:,}: {verdict}. It newly misreads {len(each.newly_wrong):,} and newly"
        f" reads {len(each.newly_right):,}."
    )


def _newly_wrong(each: Difference) -> None:
    rows = each.newly_wrong
    if not len(rows):
        return
    # Evenly out of all of them: they come in the order of the set, in which some are alike.
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).astype(int))]
    first = f", {len(some)} of them" if len(some) < len(rows) else ""
    st.markdown(f"**Newly misread {each.on.name}**{first}; the corner says as what:")
    digit_wall(
        each.on.images[some],
        [
            Tile(
                int(row),
                f"{a(int(each.on.labels[row]))}, read as {a(int(each.after[row]))}".capitalize(),
                badge=str(each.after[row]),
                wrong=True,
            )
            for row in some
        ],
        key=f"newly_wrong_{each.on.name}",
        told=f"{plural(len(some), 'digit')} that it newly misreads.",
        on_pick=None,
        columns=15,
    )


def _publish(model_id: str) -> None:
    passcode.check()
    registry.publish(model_id)
    st.session_state.notice = f"{model_id} reads all drawings now."


def _roll_back(to: str) -> None:
    passcode.check()
    now = _called(registry.rollback(to=to).id)
    st.session_state.notice = f"Back to {now}: it reads all drawings now."
