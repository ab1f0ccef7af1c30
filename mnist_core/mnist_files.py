"""Where MNIST may lie on this machine, and how to tell that it is MNIST.

What counts is what is inside, not the container: the same pixels travel as IDX, gzipped IDX and
npz, each with its own checksum. So the SHA-256 is taken over the pixel bytes and the label bytes.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from mnist_core import paths
from mnist_core.containers import Bytes, read_array
from mnist_core.errors import DataDamaged, InputError

Split = Literal["train", "test"]
Place = Literal["MNIST_DIR", "project", "keras"]

NPZ_NAME = "mnist.npz"
FETCH_COMMAND = "python -m mnist_core data fetch"
BRING_YOUR_OWN = f"set MNIST_DIR to a folder that holds {NPZ_NAME} or the four IDX files"


@dataclass(frozen=True)
class ArraySpec:
    """One array: its names in the two formats, its shape (uint8) and the SHA-256 of its bytes."""

    title: str
    idx_name: str
    npz_key: str
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True)
class MnistSpec:
    """The four arrays that make up MNIST, or a set that is laid out in the same way."""

    train_images: ArraySpec
    train_labels: ArraySpec
    test_images: ArraySpec
    test_labels: ArraySpec

    @property
    def arrays(self) -> tuple[ArraySpec, ...]:
        """All four, in the order in which locations list their files."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    def of(self, split: Split) -> tuple[ArraySpec, ArraySpec]:
        """The images and the labels of "train" or "test"; anything else is an `InputError`."""
        if split == "train":
            return self.train_images, self.train_labels
        if split == "test":
            return self.test_images, self.test_labels
        raise InputError(f'MNIST has the splits "train" and "test", not {split!r}.')


# Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
MNIST = MnistSpec(
    train_images=ArraySpec(
        "training images",
        "train-images-idx3-ubyte",
        "x_train",
        (60_000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    train_labels=ArraySpec(
        "training labels",
        "train-labels-idx1-ubyte",
        "y_train",
        (60_000,),
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ),
    test_images=ArraySpec(
        "test images",
        "t10k-images-idx3-ubyte",
        "x_test",
        (10_000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    test_labels=ArraySpec(
        "test labels",
        "t10k-labels-idx1-ubyte",
        "y_test",
        (10_000,),
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
)


@dataclass(frozen=True)
class MnistLocation:
    """A folder that holds a complete MNIST by the names of its files; nothing is read yet.

    `place` is how it was found: "MNIST_DIR", "project" or "keras". `files` is either one npz or
    four IDX files in the order of `MnistSpec.arrays`.
    """

    place: Place
    files: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """The npz file, or the folder of the IDX files."""
        return self.files[0] if len(self.files) == 1 else self.files[0].parent

    def file_of(self, array: ArraySpec, spec: MnistSpec = MNIST) -> Path:
        """The file that holds `array`."""
        return self.files[0] if len(self.files) == 1 else self.files[spec.arrays.index(array)]

    def read(self, array: ArraySpec, spec: MnistSpec = MNIST) -> Bytes:
        """Read and verify one array: read-only uint8 of `array.shape`, values 0-255.

        Raises `DataDamaged`, naming the file, for anything that is not that array.
        """
        file = self.file_of(array, spec)
        try:
            with file.open("rb") as stream:
                return read_verified(stream, array)
        except (ValueError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise DataDamaged(
                f"{file} can't be used for MNIST's {array.title}, because {reason or error}:"
                f" {_REMEDY[self.place]}."
            ) from error


_REMEDY: dict[Place, str] = {
    "MNIST_DIR": "replace it with an intact copy, or unset MNIST_DIR",
    "project": f"run `{FETCH_COMMAND}` to replace it",
    "keras": f"delete it, or run `{FETCH_COMMAND}` for an intact copy beside it",
}


def read_verified(stream: BinaryIO, array: ArraySpec) -> Bytes:
    """Read `array` from a seekable stream in any of the formats; read-only uint8, 0-255.

    Raises `ValueError` with a clause that says what is wrong, among others for a wrong SHA-256.
    """
    values = read_array(stream, key=array.npz_key, shape=array.shape)
    if hashlib.sha256(values.data).hexdigest() != array.sha256:
        raise ValueError("its content differs from the original (SHA-256)")
    return values


def project_folder() -> Path:
    """Where a download of ours goes."""
    return paths.data() / "mnist"


def places() -> list[tuple[Place, Path]]:
    """The folders to look in, best first: `MNIST_DIR` if set, the project's own, Keras' cache."""
    found: list[tuple[Place, Path]] = []
    if named := os.environ.get("MNIST_DIR"):
        found.append(("MNIST_DIR", Path(named).expanduser()))
    found.append(("project", project_folder()))
    try:
        keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    except RuntimeError:  # a user without a home folder, as in some containers
        return found
    found.append(("keras", keras / "datasets"))
    return found


def locations(spec: MnistSpec = MNIST) -> list[MnistLocation]:
    """Every place that holds a complete set of files, best first. Looks at names only."""
    found = []
    for place, folder in places():
        if is_file(npz := folder / NPZ_NAME):
            found.append(MnistLocation(place, (npz,)))
            continue
        files = [_idx_file(folder, array) for array in spec.arrays]
        present = tuple(file for file in files if file is not None)
        if len(present) == len(files):
            found.append(MnistLocation(place, present))
    return found


def describe_places(spec: MnistSpec = MNIST) -> str:
    """Where `locations` looked and what it lacked there, as part of a sentence."""
    return "; ".join(
        f"{folder} ({place}) {_shortcoming(folder, spec)}" for place, folder in places()
    )


def _shortcoming(folder: Path, spec: MnistSpec) -> str:
    try:
        if not folder.is_dir():
            return "is not a folder" if folder.exists() else "does not exist"
    except OSError as error:
        return f"can't be read ({error.strerror})"
    lacking = [array.idx_name for array in spec.arrays if _idx_file(folder, array) is None]
    if len(lacking) < len(spec.arrays):
        return "lacks " + " and ".join(lacking)
    return "holds none of its files"


def _idx_file(folder: Path, array: ArraySpec) -> Path | None:
    # Both spellings are in circulation: a dash (the original) and a dot (an old unpacker's).
    for stem in (array.idx_name, array.idx_name.replace("-idx", ".idx")):
        for name in (stem, f"{stem}.gz"):
            if is_file(folder / name):
                return folder / name
    return None


def is_file(path: Path) -> bool:
    """Whether `path` is a file that this user may look at."""
    try:
        return path.is_file()
    except OSError:  # a folder that may not be looked into is no place to find data
        return False
