"""MNIST from public mirrors: each tried in turn, believed only after its content is verified."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.containers import Bytes
from mnist_core.download import Progress, download
from mnist_core.errors import DataMissing
from mnist_core.files import writing
from mnist_core.mnist_files import BRING_YOUR_OWN, NPZ_NAME, MnistSpec, read_verified

# What a container may add to the bytes it holds.
_CONTAINER = 65_536


def fetch_arrays(
    mirrors: Sequence[str], *, spec: MnistSpec, timeout: float, progress: Progress | None
) -> list[Bytes]:
    """MNIST's four arrays (read-only uint8, in the order of `spec.arrays`) from the first mirror
    that serves them intact.

    A mirror's address that ends in `.npz` is one file; any other is a folder of four gzipped IDX
    files. Raises `DataMissing`, saying what each mirror did wrong, if none is left. What
    `progress` raises passes through.
    """
    failures = []
    for mirror in mirrors:
        try:
            return _from_mirror(mirror, spec, timeout, progress)
        except DataMissing as error:
            failures.append(str(error))
    raise DataMissing(
        f"MNIST could not be downloaded ({'; '.join(failures)}):"
        f" check the network connection and try again, or {BRING_YOUR_OWN}."
    )


def save(arrays: Sequence[Bytes], folder: Path, *, spec: MnistSpec) -> Path:
    """Write `mnist.npz` into `folder`, all at once or not at all; returns its path.

    Raises `OSError` if it can't be written.
    """
    file = folder / NPZ_NAME
    keys = [array.npz_key for array in spec.arrays]
    named: dict[str, Any] = dict(zip(keys, arrays, strict=True))
    with writing(file) as stream:
        # Unpacked: it is read at every start, and unpacking takes longer than reading.
        np.savez(stream, **named)
    return file


def _from_mirror(
    mirror: str, spec: MnistSpec, timeout: float, progress: Progress | None
) -> list[Bytes]:
    sizes = [math.prod(array.shape) + _CONTAINER for array in spec.arrays]
    if mirror.endswith(".npz"):
        contents = download([mirror], limits=[sum(sizes)], timeout=timeout, progress=progress) * 4
    else:
        urls = [f"{mirror.rstrip('/')}/{array.idx_name}.gz" for array in spec.arrays]
        contents = download(urls, limits=sizes, timeout=timeout, progress=progress)
    try:
        return [
            read_verified(io.BytesIO(content), array)
            for content, array in zip(contents, spec.arrays, strict=True)
        ]
    except ValueError as error:
        raise DataMissing(f"{mirror} sent something that is not MNIST: {error}") from error
