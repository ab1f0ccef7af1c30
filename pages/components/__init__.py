"""Streamlit pieces that pages share."""

from pathlib import Path

FOLDER = Path(__file__).parent


def asset(name: str) -> str:
    """The text of a file that lies beside the components."""
    return (FOLDER / name).read_text(encoding="utf-8")
