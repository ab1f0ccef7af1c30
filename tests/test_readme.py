"""The README keeps up with the program."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from mnist_core import paths

README = (paths.PROJECT / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "mnist_core", "--help"],
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    commands = re.findall(r"^ {4}(\w+) ", shown, re.MULTILINE)
    assert {"predict", "data"} <= set(commands)
    for command in commands:
        assert f"mnist_core {command}" in README


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert (paths.PROJECT / picture).is_file()


def test_the_accuracy_is_the_card_s() -> None:
    card = json.loads((paths.shipped_model() / "card.json").read_text(encoding="utf-8"))
    assert f"{card['test_accuracy']:.2%}".replace("%", " %") in README
