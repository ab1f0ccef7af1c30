"""Real networks for an app to show, trained in a moment on digits made by a program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mnist_core.paths import PROJECT

_TRAIN = """
import sys
from mnist_core.cli import main

for given in sys.argv[1:]:
    assert main(["train", "--data", "generated", *given.split()]) == 0
assert "sklearn" not in sys.modules, "Keras loads it unless it is kept from that"
"""


def train(home: Path, *given: str) -> None:
    """Train one network after the other, in one process: its start takes longer than they do.

    Args:
        home: the `DIGIT_STUDIO_HOME` they are for.
        given: for each network what `train` is given on the command line.
    """
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, *given],
        cwd=PROJECT,
        env={**os.environ, "DIGIT_STUDIO_HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
