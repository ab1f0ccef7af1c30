"""The public collections of pen strokes: where they may lie, and how to tell that one is intact.

Pen digits: 7,494 digits by 30 people, written on a tablet. E. Alpaydin, F. Alimoglu, "Pen-Based
Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998, CC BY 4.0.

Letters: 2,720 drawings, 136 letters of five alphabets, each by 20 people. B. Lake, R.
Salakhutdinov, J. Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science, 2015: the first small background set of Omniglot, MIT licence.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mnist_core import paths
from mnist_core.mnist_files import is_file
from mnist_core.stroke_formats import file_digest, letters_digest, unpack_pendigits

FETCH_COMMAND = "python -m mnist_core data fetch --strokes"


@dataclass(frozen=True)
class Collection:
    """One collection: how it is called, where it may lie, and how to tell that it is intact.

    `variables` name the environment's folders for it, best first. `digest` gives the SHA-256 (in
    hex) of what counts in a file, which is to be `sha256`; `unpack` makes the file's content of
    what a mirror sends. Both raise `ValueError` with a clause that says what is wrong.
    """

    title: str
    file_name: str
    variables: tuple[str, ...]
    sha256: str
    digest: Callable[[BinaryIO], str]
    unpack: Callable[[bytes], bytes]

    @property
    def locations(self) -> dict[Path, str | None]:
        """Its files on this machine, best first, each with the variable that names its folder."""
        places: dict[Path, str | None] = {}
        for variable in self.variables:
            if named := os.environ.get(variable):
                places.setdefault(Path(named).expanduser() / self.file_name, variable)
        places.setdefault(self.own_file, None)
        return {file: variable for file, variable in places.items() if is_file(file)}

    @property
    def own_file(self) -> Path:
        """Where a download of ours goes."""
        return paths.data() / "strokes" / self.file_name

    def problem(self, file: Path) -> str | None:
        """What is wrong with one of its files, and what to do about it; None if it is intact."""
        try:
            with file.open("rb") as stream:
                self.check(stream)
        except (OSError, ValueError) as error:
            remedy = f"run `{FETCH_COMMAND}` to replace it"
            if variable := self.locations.get(file):
                remedy = f"replace it with an intact copy, or unset {variable}"
            return f"{file} can't be used for the {self.title}, because {reason(error)}: {remedy}."
        return None

    def check(self, stream: BinaryIO) -> None:
        """Raise `ValueError` with a clause that says what is wrong, if it isn't the original."""
        if self.digest(stream) != self.sha256:
            raise ValueError("its content differs from the original (SHA-256)")


PENDIGITS = Collection(
    "pen digits",
    "pendigits-orig.tra",
    ("STROKES_DIR",),
    "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",
    file_digest,
    unpack_pendigits,
)
LETTERS = Collection(
    "letters",
    "strokes_background_small1.zip",
    ("LETTERS_DIR", "STROKES_DIR"),
    "98d7d5e6effa41a08f81835631a3227f4d37475a15066e486473b22ac7589b6c",
    letters_digest,
    bytes,  # it is read as it was packed
)
COLLECTIONS = (PENDIGITS, LETTERS)


def reason(error: OSError | ValueError) -> str:
    """Why it went wrong, as a clause."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
