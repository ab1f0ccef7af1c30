"""Small disks in memory, that can be filled and made read-only. Only root may mount them.

Who is not root can be it within a namespace of his own: see `test_disks.py`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHUNK = 4096


@dataclass(frozen=True)
class Disk:
    """A disk of its own, mounted on a folder."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> None:
        """Leave no room at all."""
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while file.write(bytes(CHUNK)):
                pass

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """As long as the block lasts, nobody can open a file in it for writing."""
        # Files that are open stay so: the disk itself would refuse to be turned.
        run("mount", "--bind", str(self.folder), str(self.folder))
        try:
            run("mount", "-o", "remount,bind,ro", str(self.folder))
            yield
        finally:
            run("umount", "--lazy", str(self.folder))


@contextmanager
def mounted(folder: Path, *, size: str) -> Iterator[Disk]:
    """A new disk of this size, such as "8m", until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield Disk(folder)
    finally:
        run("umount", "--lazy", str(folder))


def can_be_mounted(folder: Path) -> bool:
    """Whether this process may mount disks."""
    if os.geteuid() != 0:
        return False
    try:
        with mounted(folder, size="64k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def run(*words: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(words, check=True, capture_output=True)
