"""Which network reads the drawings: put another to work, or the one before; what served when."""

from __future__ import annotations

import streamlit as st

from mnist_core import registry, serving_history, teaching
from mnist_core.comparison import Difference
from mnist_core.errors import DigitStudioError
from pages.components import passcode, session
from pages.components.compared import compared, newly_wrong
from pages.components.frame import button, errors_shown
from pages.components.when import when


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
        profile = teaching.taught(registry.find(model_id))
        differences = compared(session.classifier().model.id, model_id, profile=profile)
        if not any(each.too_many(taught=profile > 0) for each in differences):
            _answered()
            _publish(model_id)
            st.rerun()
        st.dialog("It reads worse", width="large", on_dismiss=_answered)(_ask)(
            model_id, differences
        )
        return
    _answered()  # by an error


def _answered() -> None:
    """It is decided, or put away."""
    st.session_state.pop("to_publish", None)


def served() -> None:
    """What read the drawings when, the latest first."""
    periods = serving_history.served()[::-1]
    lines = []
    for i, period in enumerate(periods):
        since = "from the beginning" if period.since is None else f"from {when(period.since)}"
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
        newly_wrong(each, where="asked_")


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


def _publish(model_id: str) -> None:
    passcode.check()
    registry.publish(model_id)
    st.session_state.notice = f"{model_id} reads all drawings now."


def _roll_back(to: str) -> None:
    passcode.check()
    now = _called(registry.rollback(to=to).id)
    st.session_state.notice = f"Back to {now}: it reads all drawings now."
