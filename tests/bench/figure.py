"""One measured number beside the one that is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure: what it is, its value and unit, and its limit from above or (`at_least`) below."""

    title: str
    value: float
    unit: str
    limit: float
    at_least: bool = False

    @property
    def fine(self) -> bool:
        """Whether the limit is kept."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        mark = "ok  " if self.fine else "MISS"
        return f"{mark} {self.title}: {self.value:.3g} {self.unit} ({bound} {self.limit:g})"


def report(figures: Iterable[Figure]) -> int:
    """Print each as it comes; the exit status says whether all are as wanted."""
    fine = True
    for figure in figures:
        print(figure, flush=True)
        fine = fine and figure.fine
    return 0 if fine else 1
