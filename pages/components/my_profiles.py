"""Whose digits are shown: choose a profile, make one, rename it, share it, delete what it holds."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import streamlit as st

from mnist_core import handwriting, store
from mnist_core.errors import DigitStudioError
from mnist_core.handwriting import Profile
from mnist_core.words import plural
from pages.components import passcode, profile, session
from pages.components.frame import errors_shown


def whose() -> Profile | None:
    """Show the profiles, and what can be done with the one chosen; returns that.

    None: this visit has none yet.
    """
    now = profile.current()
    everyone = {each.number: (each, count) for each, count in handwriting.profiles()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if everyone:
            _selectbox(now, everyone)
        _new()
        if now is not None:
            _rename(now)
            _share(now)
            _delete(now, everyone.get(now.number, (now, 0))[1])
    return now


def _selectbox(now: Profile | None, everyone: dict[int, tuple[Profile, int]]) -> None:
    # It may have been deleted a moment ago.
    st.session_state.my_profile = now.number if now and now.number in everyone else None

    def chosen() -> None:
        try:
            profile.choose(st.session_state.my_profile)
        except DigitStudioError as error:
            st.session_state.notice = str(error)

    def called(number: int) -> str:
        each, count = everyone[number]
        return f"{each.name} ({count:,})"

    st.selectbox(
        "Whose digits",
        list(everyone),
        format_func=called,
        key="my_profile",
        on_change=chosen,
        placeholder="Choose",
        help="A person's or a class's. Everyone who can open this page can choose among them.",
        width=280,
    )


def _new() -> None:
    # What was made is another form: it closes the popover.
    made = st.session_state.get("my_profiles_made", 0)
    with st.popover("New", key=f"my_new_{made}"), st.form("my_new_form", border=False):
        name = st.text_input(
            "Name",
            key=f"my_new_name_{made}",
            max_chars=handwriting.NAME_LENGTH,
            placeholder="Such as Room 4",
            help="Of a person or a class; a nickname will do. Everyone who can open this page"
            " sees it.",
        )
        if st.form_submit_button("Make", type="primary", key="my_make"):
            with errors_shown():
                profile.choose(handwriting.add_profile(name, owner=session.visitor()).number)
                st.session_state.my_profiles_made = made + 1
                st.rerun()


def _rename(now: Profile) -> None:
    allowed = passcode.allowed(now.owner)
    key = f"{now.number}_{now.name}"
    with (
        st.popover("Rename", key=f"my_rename_{key}", disabled=not allowed),
        st.form("my_rename_form", border=False),
    ):
        name = st.text_input(
            "Name", now.name, key=f"my_name_{key}", max_chars=handwriting.NAME_LENGTH
        )
        st.caption("Links with the name it has now won't find it any more.")
        if st.form_submit_button("Rename", type="primary", key="my_rename_it"):
            with errors_shown():
                passcode.check(now.owner)
                profile.choose(handwriting.rename_profile(now.number, name).number)
                st.session_state.notice = "Renamed."
                st.rerun()


def _share(now: Profile) -> None:
    with st.popover("Share"):
        st.markdown("Whoever opens this link sees these digits, and what they draw is added.")
        here = urlsplit(st.context.url or "")
        link = here._replace(query=urlencode({"profile": now.name}), fragment="").geturl()
        st.code(link, language=None, wrap_lines=True)
        if here.hostname in ("localhost", "127.0.0.1", "::1"):
            st.caption(
                "It works on this computer only. For others on this network, start the app with"
                " `make run HOST=0.0.0.0` and open it at the address which that prints."
            )


def _delete(now: Profile, count: int) -> None:
    allowed = passcode.allowed(now.owner)
    if st.button(
        "Delete all",
        key="my_delete_all",
        disabled=not allowed,
        help="Deletes all digits of this profile." if allowed else passcode.NEEDED,
    ):
        st.session_state.my_to_delete = now.number, session.visit()
    # Kept, for the page runs again by itself whenever a training begins or ends.
    if st.session_state.get("my_to_delete") == (now.number, session.visit()):
        st.dialog("Delete all of these digits?", on_dismiss=_answered)(_ask)(now, count)


def _answered() -> None:
    """It is done, or put away; the next time it asks anew."""
    st.session_state.pop("my_to_delete", None)


def _ask(now: Profile, count: int) -> None:
    st.text(now.name)
    st.markdown(
        f"{plural(count, 'drawing')}. What is deleted can't be brought back: export it before, if"
        " you may want it."
    )
    sure = st.checkbox("Yes, delete for good", key="my_sure")
    with st.container(horizontal=True):
        if st.button("Keep them", key="my_keep"):
            _answered()
            st.rerun()
        if st.button(
            "Delete the drawings", key="my_delete_them", type="primary", disabled=not sure
        ):
            _carry_out(now, "All drawings are deleted.", handwriting.delete_all)
        if st.button("Delete the profile, too", key="my_delete_profile", disabled=not sure):
            _carry_out(now, "The profile is deleted.", _remove)


def _carry_out(now: Profile, words: str, action: Callable[[int], object]) -> None:
    _answered()
    try:
        passcode.check(now.owner)
        action(now.number)
        st.session_state.notice = words
    except DigitStudioError as error:
        st.session_state.notice = str(error)
    st.rerun()


def _remove(number: int) -> None:
    handwriting.remove_profile(number)
    # It is not missed: neither by this visit nor by the address.
    st.session_state.profile = None
    st.query_params.pop("profile", None)


def kept_where() -> None:
    """Say where the drawings lie, and how to be rid of them."""
    with st.expander("Where these digits are kept, and how to delete them"):
        st.markdown("On the disk of the computer that serves this page, in this file:")
        st.code(str(store.file()), language=None, wrap_lines=True)
        st.markdown(
            "No account and no personal data is asked for: a profile is a name and its drawings,"
            " and your browser keeps two cookies: which profile you used, and a random number by"
            " which it is known until it is closed."
            " **Delete all** above deletes the drawings of a profile, and the profile with them if"
            " you wish; a single drawing is deleted where it is opened. A training that taught them"
            " keeps the profile's name, the drawing that was followed through it, and the network:"
            " it is deleted on the page Train."
        )
