"""A file of pen digits by a few writers, laid out like UCI's."""

from pathlib import Path

import numpy as np

from mnist_core import generated
from mnist_core.templates import TEMPLATES


def write_pendigits(folder: Path, *, writers: tuple[int, ...]) -> Path:
    """Ten digits by each of these writers, no two alike; gives the file."""
    random = np.random.default_rng(1)
    lines = []
    for writer in writers:
        for label in TEMPLATES:
            lines += [f'.SEGMENT DIGIT 0 ? "{label}"', f".COMMENT {label} {writer} 7"]
            for stroke in generated.strokes_of(label, next(iter(TEMPLATES[label]))):
                moved = (stroke + random.normal(0, 3, stroke.shape)).round().astype(int)
                lines += [".PEN_DOWN", *(f" {x} {500 - y}" for x, y in moved), ".PEN_UP"]
    file = folder / "pendigits-orig.tra"
    file.write_text("\n".join(lines) + "\n")
    return file
