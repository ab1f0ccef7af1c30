"""In a class: what changes things for everyone asks for the passcode, where one is set."""

from __future__ import annotations

import os

import streamlit as st

from mnist_core.errors import NotAllowed
from mnist_core.guessing import Gate, same
from pages.components import session

GUARDED = "using another model, deleting, and stopping other people's trainings"
NEEDED = "This needs the passcode: enter it in the sidebar."

_VARIABLE = "DIGIT_STUDIO_PASSCODE"
_UNREADABLE = (
    "The passcode can't be read, so what needs it stays locked: mend .streamlit/secrets.toml on"
    " the computer that serves this page."
)

_gate = Gate()  # of all sessions of the server


def allowed(owner: str | None = None) -> bool:
    """Whether this visit may do what the passcode guards.

    Args:
        owner: whose thing it is that is to be changed, as `session.visitor` names them; one's own
            one may always change.
    """
    secret = _secret()
    if secret == "" or (owner is not None and owner == session.visitor()):
        return True
    # What was entered is kept rather than that it was right: another passcode locks again.
    entered = st.session_state.get("passcode_entered")
    return secret is not None and entered is not None and same(entered, secret)


def check(owner: str | None = None) -> None:
    """Refuse what `allowed` doesn't allow; a disabled button in the browser alone guards nothing.

    Raises:
        NotAllowed: it needs the passcode.
    """
    if not allowed(owner):
        raise NotAllowed(NEEDED)


def passcode_box() -> None:
    """Ask for the passcode, or take the permission back; nothing where none is set."""
    secret = _secret()
    if secret == "":
        return
    with st.expander("Passcode", key="passcode"):
        if secret is None:
            st.error(_UNREADABLE)
        elif allowed():
            st.markdown(":small[Unlocked in this browser tab.]")
            st.button("Lock", key="lock", on_click=_lock)
        else:
            _form()


def _form() -> None:
    st.caption(f"For {GUARDED}. Your own trainings you can always stop.")
    with st.form("passcode_form", clear_on_submit=True, border=False):
        # "off", or the browser makes up a password for a new account.
        st.text_input("Passcode", type="password", autocomplete="off", key="passcode_given")
        if problem := st.session_state.pop("passcode_problem", None):
            st.error(problem)
        st.form_submit_button("Unlock", on_click=_unlock, key="unlock")


def _unlock() -> None:
    given = st.session_state.passcode_given.strip()
    secret = _secret()
    if not given or not secret:
        return
    try:
        _gate.check(given, secret=secret, who=session.visitor())
    except NotAllowed as error:
        st.session_state.passcode_problem = str(error)
    else:
        st.session_state.passcode_entered = given


def _lock() -> None:
    st.session_state.pop("passcode_entered", None)


def _secret() -> str | None:
    """The passcode; "" where none is set, None where there may be one that can't be read."""
    return os.environ.get(_VARIABLE, "").strip() or _from_secrets()


def _from_secrets() -> str | None:
    try:
        secret = st.secrets["passcode"]
    except KeyError:
        return ""
    except (OSError, ValueError):  # to Streamlit a damaged file is as good as none
        there = any(os.access(file, os.F_OK) for file in st.get_option("secrets.files"))
        return None if there else ""
    if isinstance(secret, bool) or not isinstance(secret, str | int):
        return None
    return str(secret).strip()
