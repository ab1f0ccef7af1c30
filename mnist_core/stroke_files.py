"""Handwriting as pen strokes, from two public collections: find, download, verify, read."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_core.errors import DataDamaged, DataMissing
from mnist_core.files import write_whole
from mnist_core.stroke_collections import (
    COLLECTIONS,
    FETCH_COMMAND,
    LETTERS,
    PENDIGITS,
    Collection,
    reason,
)
from mnist_core.stroke_formats import Letter, letters_in

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

_DOWNLOADED = 32_000_000  # bytes at most; the one archive that holds more than we need has a few MB


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
    return next(iter(PENDIGITS.locations), None)


def find_letters() -> Path | None:
    """The archive of letters, `strokes_background_small1.zip`, or None if it is not here.

    Looks in the folders named by `LETTERS_DIR` and `STROKES_DIR`, then in the project's own, as
    `find_pendigits` does.
    """
    return next(iter(LETTERS.locations), None)


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
        FileReport(spec.title, file, spec.problem(file))
        for spec in specs
        for file in spec.locations
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
        raise DataDamaged(f"{path.name} is no archive of letters: {reason(error)}.") from error


def _fetch(
    spec: Collection,
    mirrors: Sequence[str],
    timeout: float,
    progress: Callable[[int, int | None], None] | None,
) -> Path:
    for file, variable in list(spec.locations.items())[:1]:
        problem = spec.problem(file)
        if problem is None:
            return file
        if variable is not None:
            raise DataDamaged(problem)

    content = _from_mirrors(spec, mirrors, timeout, progress)
    file = spec.own_file
    try:
        write_whole(file, content)
    except OSError as error:
        raise DataMissing(
            f"The {spec.title} could not be saved in {file.parent} ({reason(error)}): make"
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
            spec.check(io.BytesIO(content))
            return content
        except ValueError as error:
            failures.append(f"{mirror} sent something that is not the {spec.title}: {error}")
    raise DataMissing(
        f"The {spec.title} could not be downloaded ({'; '.join(failures)}):"
        f" check the network connection and try again, or {_bring_your_own(spec)}."
    )


def _bring_your_own(spec: Collection) -> str:
    return f"set {spec.variables[0]} to a folder that holds {spec.file_name}"
