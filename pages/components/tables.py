"""A plain table of words."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence

import streamlit as st


def table(
    rows: Mapping[str, Sequence[str]],
    *,
    heads: Sequence[str] = (),
    best: Collection[tuple[int, int]] = (),
) -> None:
    """Show rows of words, each below the same heads.

    Args:
        rows: the words of each, by what stands before it.
        heads: of the columns; none: no line of heads.
        best: row and column of the cells that get a star.
    """
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(
            f"<td{' class=best' if (i, j) in best else ''}>{html.escape(value)}</td>"
            for j, value in enumerate(values)
        )
        + "</tr>"
        for i, (name, values) in enumerate(rows.items())
    )
    top = f"<thead><tr><td></td>{head}</tr></thead>" if heads else ""
    st.html(f'<div class="ds-table"><table>{top}<tbody>{body}</tbody></table></div>')
