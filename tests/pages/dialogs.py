"""Dialogs in tests: while one is open, only it runs again, as in the browser."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

_DIALOGS = 2  # their place in the tree, behind the page and the sidebar


def act(app: AppTest, element: Any) -> None:
    """Run what a part of the dialog belongs to, after it was pressed or changed."""
    known = app._session_state._state._new_widget_state.widget_metadata
    fragment = known[element.id].fragment_id
    assert fragment, "it belongs to no dialog"
    page = app._tree
    with pytest.MonkeyPatch.context() as patch:
        alone = functools.partial(RerunData, fragment_id=fragment)
        patch.setattr(local_script_runner, "RerunData", alone)
        app.run()
    assert not app.exception
    if not app.main.children:  # the page stays as it was
        ((place, block),) = page.children[_DIALOGS].children.items()
        block.children = app._tree.children[_DIALOGS].children[place].children
        app._tree = page


def press(app: AppTest, key: str) -> None:
    """Press a button of the dialog."""
    act(app, app.button(key=key).click())


def name(app: AppTest) -> str:
    """Of the dialog that is open; empty: none is."""
    return "".join(block.proto.dialog.title for block in _dialogs(app))


def close(app: AppTest) -> None:
    """Close it as with Escape; only one that wants to know."""
    (block,) = _dialogs(app)
    assert block.proto.dialog.id, "nobody learns that it was closed"
    states = app._tree.get_widget_states()
    states.widgets.add(id=block.proto.dialog.id, trigger_value=True)
    app._run(states)
    assert not app.exception


def _dialogs(app: AppTest) -> list[Any]:
    return list(app._tree.children[_DIALOGS].children.values())
