"""Whose digits are stored and shown: the profile of a visit, kept in its browser for a year."""

from __future__ import annotations

import re

import streamlit as st

from mnist_core import handwriting
from mnist_core.errors import InputError, StoreError
from mnist_core.handwriting import Profile
from pages.components import session

COOKIE = "digit_studio_profile"  # holds the number of one
_YEAR = 365 * 24 * 3600  # seconds
_SHOWN = 40  # characters of what an address asks for

_cookie = st.components.v2.component(
    "digit_studio_profile",
    js=f"""
export default function ({{ data }}) {{
  const age = data.number ? {_YEAR} : 0;
  try {{
    document.cookie = `{COOKIE}=${{data.number}}; path=/; SameSite=Lax; max-age=${{age}}`;
  }} catch {{}} // no cookies within a frame of another page
}}
""",
)


def current() -> Profile | None:
    """The profile of this visit; None until it has chosen one or stored a drawing.

    As it was when the page was last run as a whole: every stroke asks, so nothing is read here.
    """
    profile: Profile | None = st.session_state.get("profile")
    return profile


def mine() -> Profile:
    """The profile to store in: the current one, else this visitor's own, made where it is missing.

    Raises:
        InputError: the current one is gone; after that there is none.
        StoreError: the profiles can't be read, or the new one can't be kept.
    """
    if (profile := current()) is None:
        profile = handwriting.own_profile(session.visitor())
        st.session_state.profile = profile
        return profile
    try:
        return handwriting.find_profile(profile.number)
    except InputError:
        st.session_state.profile = None
        raise


def choose(number: int) -> None:
    """Go on with this profile, instead of one that the address asks for, too.

    Raises:
        InputError: it is gone.
        StoreError: it can't be read.
    """
    st.session_state.profile = handwriting.find_profile(number)
    if "profile" in st.query_params:
        del st.query_params["profile"]


def arrive() -> None:
    """Take over the profile that the address asks for or the browser kept, and see to the current.

    app.py calls this in every run. Where there is none of that name or number, it says so.
    """
    # A place that is always there: what comes and goes above a page has all of it made anew.
    with st.container(key="profile_place"):
        for see in (_asked_for, _kept):
            try:
                wrong = see()
            except StoreError as error:
                wrong = str(error)
            if wrong:
                st.warning(wrong)
        remember("profile_cookie")


def remember(key: str) -> None:
    """Have the browser keep the current profile, if it doesn't yet, by a component of this key."""
    state = st.session_state
    if "profile" not in state:  # what was kept could not be looked up
        return
    profile = current()
    number = str(profile.number) if profile else ""
    if _cookies_word() != number or "profile_cookie_changed" in state:
        state.profile_cookie_changed = True  # so what the browser came with tells nothing now
        _cookie(key=key, data={"number": number})


def called(profile: Profile | None) -> str:
    """Whose digits they are, as the beginning of a sentence in Markdown."""
    if profile is None or re.fullmatch(r"My digits( \d+)?", profile.name):
        return "Your digits"
    return re.sub(r"([^\w\s]|_)", r"\\\1", profile.name)


def _asked_for() -> str:
    """Take over what the address asks for; returns a sentence in Markdown where that can't be."""
    name = st.query_params.get("profile", "")
    if not name or name == st.session_state.get("profile_asked_for"):
        return ""
    if found := handwriting.profile_named(name):
        st.session_state.profile = found
        st.session_state.profile_asked_for = name  # another one may be chosen from now on
        return ""
    # As code, or an address could put pictures and links of its own on the page.
    text = name[:_SHOWN].replace("`", "'")
    return (
        f"The address asks for the profile `{text!r}`, which there is not: make it on the page My"
        " digits, or go on with your own."
    )


def _kept() -> str:
    """Take over what the browser kept, or see whether the current one is still there."""
    state = st.session_state
    now = current()
    number = now.number if now else None
    if "profile" not in state and re.fullmatch("[1-9][0-9]{0,17}", kept := _cookies_word()):
        number = int(kept)
    try:
        state.profile = None if number is None else handwriting.find_profile(number)
    except InputError:
        state.profile = None
        state.profile_gone = session.visit()
    if state.get("profile_gone") != session.visit():
        return ""
    return (
        "The profile that this browser used is gone: choose another one on the page My digits, or"
        " go on with your own."
    )


def _cookies_word() -> str:
    """What the browser came with; no change of it is seen in the same visit."""
    kept: object = st.context.cookies.get(COOKIE)
    return kept if isinstance(kept, str) else ""
