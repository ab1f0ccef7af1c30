"""A moment, as the clock of the person who looks at the page shows it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def when(at: float) -> str:
    """Day and time of `at`, in seconds since 1970, such as "3 May 2026, 14:05:09 CEST"."""
    zone: tzinfo = UTC
    # What a browser says is anybody's guess.
    with suppress(ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo(st.context.timezone or "UTC")
    return f"{datetime.fromtimestamp(at, zone):%-d %B %Y, %H:%M:%S %Z}"
