"""The reading in large type and plain words."""

from __future__ import annotations

import streamlit as st

from mnist_core.inference import Reading
from mnist_core.words import percent

_NEAR = 0.3  # of the probability
_PANEL = """
<div class="ds-reading" data-verdict="{verdict}">
  <div class="ds-digit">{digit}</div>
  <div><strong>{headline}</strong><div class="ds-detail">{detail}</div></div>
</div>
"""


def answer(reading: Reading | None, *, invitation: str) -> None:
    """Show what was read, how sure the network is, and what else it might be.

    Args:
        reading: None shows the invitation, and no number; nor does a blank one.
        invitation: what to do next, in one sentence without digits.
    """
    st.html(_PANEL.format(**_parts(reading, invitation)))


def _parts(reading: Reading | None, invitation: str) -> dict[str, str]:
    if reading is None:
        return {
            "verdict": "blank",
            "digit": "",
            "headline": "Your turn",
            "detail": invitation,
        }
    if reading.verdict == "blank":
        return {
            "verdict": "blank",
            "digit": "",
            "headline": "Nothing found",
            "detail": reading.reason,
        }
    sure = percent(reading.confidence)
    second = reading.runner_up
    next_guess = f"Next guess: {second} ({percent(float(reading.probabilities[second]))})"
    match reading.verdict:
        case "digit":
            headline, detail = f"{sure} sure", next_guess
        case "unsure":
            headline, detail = "Unsure", f"{reading.reason}<br>{next_guess}"
        case _:
            # A hair above the others says nothing.
            near = reading.confidence >= _NEAR
            closest = f"<br>The closest is {reading.label} ({sure})." if near else ""
            return {
                "verdict": "not-a-digit",
                "digit": "?",
                "headline": "Not a digit I know",
                "detail": reading.reason + closest,
            }
    return {
        "verdict": reading.verdict,
        "digit": str(reading.label),
        "headline": headline,
        "detail": detail,
    }
