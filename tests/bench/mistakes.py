"""What the shipped model misreads of unseen writers: the confusion and a picture of every mistake.

`python -m tests.bench.mistakes` prints the confusion and writes docs/model/mistakes.png.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from mnist_core import evaluation, heldout
from mnist_core.inference import Classifier, read_drawing
from mnist_core.paths import PROJECT
from mnist_core.registry import SHIPPED

CELL, CAPTION, COLUMNS = 84, 14, 10


def main() -> None:
    """Read, print, draw."""
    classifier = Classifier.load(SHIPPED)
    drawn = heldout.standard(heldout.pen_digits("unseen"))
    readings = [read_drawing(image, classifier) for image in drawn]
    probabilities = np.stack([reading.probabilities for reading in readings])
    confusion = evaluation.tally(probabilities, drawn.labels).confusion
    print("written \\ read", *(f"{digit:5}" for digit in range(10)))
    for digit, row in enumerate(confusion):
        print(f"{digit:14}", *(f"{count or '.':>5}" for count in row))
    wrong = [
        (int(label), reading)
        for label, reading in zip(drawn.labels, readings, strict=True)
        if label != reading.label
    ]
    wrong.sort(key=lambda pair: (pair[0], pair[1].label, -pair[1].confidence))
    rows = -(-len(wrong) // COLUMNS)
    sheet = Image.new("L", (COLUMNS * CELL, rows * (CELL + CAPTION)), 255)
    pen = ImageDraw.Draw(sheet)
    for i, (label, reading) in enumerate(wrong):
        x, y = i % COLUMNS * CELL, i // COLUMNS * (CELL + CAPTION)
        digit = Image.fromarray(255 - reading.image)
        sheet.paste(digit.resize((CELL - 4, CELL - 4), Image.Resampling.NEAREST), (x + 2, y))
        flag = "" if reading.verdict == "digit" else " ?"
        pen.text((x + 6, y + CELL - 4), f"{label}: read {reading.label}{flag}", fill=0)
    target = PROJECT / "docs" / "model" / "mistakes.png"
    target.parent.mkdir(exist_ok=True)
    sheet.quantize(16).save(target, optimize=True)
    flagged = sum(reading.verdict != "digit" for _, reading in wrong)
    print(f"{len(wrong)} mistakes, {flagged} of them flagged: {target}")


if __name__ == "__main__":
    main()
