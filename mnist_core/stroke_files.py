"""Handwriting as pen strokes, from two public collections: find, download, verify, read.

Pen digits: 7,494 digits by 30 people, written on a tablet. E. Alpaydin, F. Alimoglu, "Pen-Based
Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998, CC BY 4.0.

Letters: 2,720 drawings, 136 letters of five alphabets, each by 20 people. B. Lake, R.
Salakhutdinov, J. Tenenbaum, "Human-level concept learning through probabilistic program
induction", Science, 2015: the first small background set of Omniglot, MIT licence.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mnist_core import paths
from mnist_core.errors import DataDamaged, DataMissing
from mnist_core.files import write_whole
from mnist_core.mnist_files import is_file
from mnist_core.stroke_formats import (
    Letter,
    file_digest,
    letters_digest,
    letters_in,
    unpack_pendigits,
)

__all__ = [
    "COLLECTIONS",
    "FETCH_COMMAND",
    "LETTERS",
    "LETTERS_MIRRORS",
    "PENDIGITS",
    "STROKES_MIRRORS",
    "Collection",
    "FileReport",
    "Letter",
    "fetch_letters",
    "fetch_pendigits",
    "find_letters",
    "find_pendigits",
    "read_letters",
    "verify",
]

STROKES_MIRRORS = (
    "https://archive.ics.uci.edu/ml/machine-learning-databases/pendigits/pendigits-orig.tra.Z",
    "https://archive.ics.uci.edu/static/public/81/pen+based+recognition+of+handwritten+digits.zip",
)
LETTERS_MIRRORS = (
    "https://github.com/brendenlake/omniglot/raw/master/python/strokes_background_small1.zip",
)
FETCH_COMMAND = "python -m mnist_core data fetch --strokes"

_DOWNLOADED = 32_000_000  # bytes at most; the one archive that holds more than we need has a few MB


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


@dataclass(frozen=True)
class FileReport:
    """What `verify` found out about one file.

    `problem` is None for an intact file, else a sentence that says what is wrong and what to do.
    """

    title: str
    file: Path
    problem: str | None


def find_pendigits() -> Path | None:
    """The file of pen digits, `pendigits-orig.tra`, or None if it is not on this machine.

    Looks in the folder named by `STROKES_DIR`, then in the project's own (`paths.data() /
    "strokes"`). Looks at the name only, so the file may still turn out to be damaged.
    """
    return _find(PENDIGITS)


def find_letters() -> Path | None:
    """The archive of letters, `strokes_background_small1.zip`, or None if it is not here.

    Looks in the folders named by `LETTERS_DIR` and `STROKES_DIR`, then in the project's own, as
    `find_pendigits` does.
    """
    return _find(LETTERS)


def fetch_pendigits(
    *,
    progress: Callable[[int, int | None], None] | None = None,
    mirrors: Sequence[str] = STROKES_MIRRORS,
    timeout: float = 10.0,
    spec: Collection = PENDIGITS,
) -> Path:
    """Make sure that an intact file of pen digits is on this machine; returns its path.

    A copy that `find_pendigits` finds and that is intact is left as it is. Otherwise `mirrors`
    are tried in turn: the plain text, packed by Unix' compress, or that in a zip, whatever the
    address is called. The content is verified, and only then does `paths.data() / "strokes" /
    "pendigits-orig.tra"` appear, all at once.

    `progress` and `timeout` are those of `datasets.fetch_mnist`: what the one raises cancels.
    `spec` is another collection laid out in the same way.

    Raises `DataMissing` if no mirror serves the pen digits or they can't be written, and
    `DataDamaged` if a folder named by the environment holds damaged ones, which would go on
    hiding a download.
    """
    return _fetch(spec, mirrors, timeout, progress)


def fetch_letters(
    *,
    progress: Callable[[int, int | None], None] | None = None,
    mirrors: Sequence[str] = LETTERS_MIRRORS,
    timeout: float = 10.0,
    spec: Collection = LETTERS,
) -> Path:
    """Make sure that an intact archive of letters is on this machine; returns its path.

    As `fetch_pendigits`, of `LETTERS`, about 3 MB. What is verified is the drawings inside, so an
    archive that holds the same ones in another way is as good.
    """
    return _fetch(spec, mirrors, timeout, progress)


def verify(*, specs: Sequence[Collection] = COLLECTIONS) -> list[FileReport]:
    """Read and verify afresh every file of the collections on this machine.

    A collection's reports follow each other, the file that would be found first; one that is not
    on this machine has none.
    """
    return [
        FileReport(spec.title, file, _problem(spec, variable, file))
        for spec in specs
        for file, variable in _locations(spec).items()
    ]


def read_letters(path: Path) -> list[Letter]:
    """Read the letters of an archive of Omniglot's strokes.

    Format of `ALPHABET/characterNN/NNNN_DD.txt`, DD being the drawer: a line `START`, then `x,y,t`
    a line with y negative and pointing up; `BREAK` ends each stroke. Other members are ignored.

    Args:
        path: e.g. `strokes_background_small1.zip`.

    Returns:
        The letters, ordered by alphabet, character and drawer; y pointing down, in the file's
        units.

    Raises:
        DataDamaged: the file does not have this format, or is far larger than that archive.
    """
    try:
        with path.open("rb") as stream:
            return letters_in(stream)
    except (OSError, ValueError) as error:
        raise DataDamaged(f"{path.name} is no archive of letters: {_reason(error)}.") from error


# Places.


def _find(spec: Collection) -> Path | None:
    return next(iter(_locations(spec)), None)


def _locations(spec: Collection) -> dict[Path, str | None]:
    """The collection's files on this machine, best first, each with the variable that names it."""
    places: dict[Path, str | None] = {}
    for variable in spec.variables:
        if named := os.environ.get(variable):
            places.setdefault(Path(named).expanduser() / spec.file_name, variable)
    places.setdefault(_own_file(spec), None)
    return {file: variable for file, variable in places.items() if is_file(file)}


def _own_file(spec: Collection) -> Path:
    """Where a download of ours goes."""
    return paths.data() / "strokes" / spec.file_name


def _problem(spec: Collection, variable: str | None, file: Path) -> str | None:
    """What is wrong with a file, as a sentence that says what to do; None if it is intact."""
    try:
        with file.open("rb") as stream:
            _check(spec, stream)
    except (OSError, ValueError) as error:
        remedy = f"replace it with an intact copy, or unset {variable}"
        if variable is None:
            remedy = f"run `{FETCH_COMMAND}` to replace it"
        return f"{file} can't be used for the {spec.title}, because {_reason(error)}: {remedy}."
    return None


def _check(spec: Collection, stream: BinaryIO) -> None:
    if spec.digest(stream) != spec.sha256:
        raise ValueError("its content differs from the original (SHA-256)")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# Downloads.


def _fetch(
    spec: Collection,
    mirrors: Sequence[str],
    timeout: float,
    progress: Callable[[int, int | None], None] | None,
) -> Path:
    for file, variable in list(_locations(spec).items())[:1]:
        problem = _problem(spec, variable, file)
        if problem is None:
            return file
        if variable is not None:
            raise DataDamaged(problem)

    content = _from_mirrors(spec, mirrors, timeout, progress)
    file = _own_file(spec)
    try:
        write_whole(file, content)
    except OSError as error:
        raise DataMissing(
            f"The {spec.title} could not be saved in {file.parent} ({_reason(error)}): make"
            f" room there, set DIGIT_STUDIO_HOME to another folder, or {_bring_your_own(spec)}."
        ) from error
    return file


def _from_mirrors(
    spec: Collection,
    mirrors: Sequence[str],
    timeout: float,
    progress: Callable[[int, int | None], None] | None,
) -> bytes:
    # Imported here: HTTP is slow to import, and most processes never download.
    from mnist_core.download import download

    failures = []
    for mirror in mirrors:
        try:
            [sent] = download([mirror], limits=[_DOWNLOADED], timeout=timeout, progress=progress)
        except DataMissing as error:
            failures.append(str(error))
            continue
        try:
            content = spec.unpack(sent)
            _check(spec, io.BytesIO(content))
            return content
        except ValueError as error:
            failures.append(f"{mirror} sent something that is not the {spec.title}: {error}")
    raise DataMissing(
        f"The {spec.title} could not be downloaded ({'; '.join(failures)}):"
        f" check the network connection and try again, or {_bring_your_own(spec)}."
    )


def _bring_your_own(spec: Collection) -> str:
    return f"set {spec.variables[0]} to a folder that holds {spec.file_name}"
