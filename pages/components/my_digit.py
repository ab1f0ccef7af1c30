"""One of a profile's drawings, opened: what is known of it, its label, deleting it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core import handwriting, registry, strokes
from mnist_core.handwriting import Drawing, Profile
from mnist_core.words import a, percent, plural
from pages.components import passcode, session
from pages.components.frame import button, errors_shown, leave_for
from pages.components.sources import show
from pages.components.when import when


def open_it(number: int) -> None:
    """Have this drawing open from the next run on, until the page is left."""
    st.session_state.my_digit = number, session.visit()


def opened_one(numbers: Sequence[int], of: Profile) -> None:
    """Show the drawing that is open, if one is. To be called by the page itself, in no fragment.

    Args:
        numbers: the drawings that are looked through, in order, for going to the next.
        of: whose they are.
    """
    if _opened() is not None:
        st.dialog("One of these digits", width="large", on_dismiss=_close)(_show)(numbers, of)


def read_as(drawing: Drawing) -> str:
    """How it was read, where it was, in a few words."""
    if drawing.read is None or drawing.verdict == "not a digit":
        return "not recognised as a digit"
    return f"read as {a(drawing.read)}"


def _opened() -> int | None:
    number, visit = st.session_state.get("my_digit", (None, None))
    return number if visit == session.visit() else None


def _close() -> None:
    st.session_state.pop("my_digit", None)


def _show(numbers: Sequence[int], of: Profile) -> None:
    if (number := _opened()) is None:  # just closed
        return
    if notice := st.session_state.pop("notice", None):
        st.error(notice)
    with errors_shown():
        _way(numbers, number)
        drawing = handwriting.find_drawing(number, of=of.number)
        with st.container(horizontal=True, gap="medium"):
            with st.container(width=280):
                show(drawing.image, f"Drawing {number}: {a(drawing.label)}")
                st.caption("As the network sees it, 28 × 28 pixels")
            with st.container(width=440):
                _relabel(drawing)
                _facts(drawing)
                _actions(drawing, of)
            if drawing.strokes:
                with st.container(width=280):
                    written = strokes.render(drawing.strokes, pen_width=drawing.pen_width)
                    show(written, f"Drawing {number}, as it was drawn")
                    st.caption(f"As it was drawn, in {plural(len(drawing.strokes), 'stroke')}")


def _way(numbers: Sequence[int], number: int) -> None:
    """What it is called, and the way to the one before and the next."""
    before = after = None
    if number in numbers:
        around = [None, *numbers, None]
        place = numbers.index(number) + 1
        before, after = around[place - 1], around[place + 1]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, to, key, shortcut in (
            ("Previous", before, "my_digit_before", "Left"),
            ("Next", after, "my_digit_after", "Right"),
        ):
            st.button(
                label, on_click=open_it, args=(to,), disabled=to is None, key=key, shortcut=shortcut
            )
        st.subheader(f"Drawing {number}", anchor=False)


def _relabel(drawing: Drawing) -> None:
    """What it is said to be, and ten keys, which can be typed, to say something else."""
    st.markdown(f"It is **{a(drawing.label)}**. If it isn't, press or type what it is:")
    with st.container(horizontal=True, gap=None, key="my_keys"):
        for digit in range(10):
            # They differ in their words alone: one of another type is another element, which has
            # not got the focus.
            button(
                f":primary-background[**{digit}**]" if digit == drawing.label else str(digit),
                handwriting.relabel,
                drawing.number,
                digit,
                key=f"my_is_{digit}",
                shortcut=str(digit),
            )


def _facts(drawing: Drawing) -> None:
    lines = []
    if drawing.read is None:
        lines.append("Never read: it was imported.")
    else:
        sure = "" if drawing.confidence is None else f" ({percent(drawing.confidence)})"
        outcome = "right" if drawing.right else "misread"
        by = f", by {_network(drawing.model)}" if drawing.model else ""
        lines.append(f"{read_as(drawing).capitalize()}{sure}{by}: **{outcome}**.")
    lines.append(f"Stored on {when(drawing.at)}.")
    if drawing.held_out:
        lines.append("Held out: no network learns from it, so that networks can be measured on it.")
    else:
        lines.append("A network that is taught with these digits learns from it.")
    st.markdown("\n".join(f"- {line}" for line in lines))


def _network(model_id: str) -> str:
    return "the network that ships" if model_id == registry.SHIPPED else model_id


def _actions(drawing: Drawing, of: Profile) -> None:
    allowed = passcode.allowed(of.owner)
    with st.container(horizontal=True):
        if st.button("Look inside", key="my_digit_inside", type="primary"):
            session.hand_over(drawing.image, f"Drawing {drawing.number}", drawing.label)
            _close()
            leave_for("pages/inside.py")
        if st.button(
            "Delete",
            key="my_digit_delete",
            disabled=not allowed,
            help="Deletes this one for good." if allowed else passcode.NEEDED,
        ):
            passcode.check(of.owner)
            handwriting.delete(drawing.number)
            _close()
            st.session_state.notice = f"Drawing {drawing.number} is deleted."
            st.rerun()
