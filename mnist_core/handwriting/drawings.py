"""Drawings that people said what they are: kept for good, counted, found, relabelled, deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mnist_core.errors import InputError
from mnist_core.handwriting.drawing import (
    Drawing,
    NewDrawing,
    as_row,
    check,
    check_label,
    from_row,
)
from mnist_core.handwriting.profiles import LARGEST, select_profile
from mnist_core.store.database import as_written, opened

_GONE = "That drawing is gone: it was deleted, here or in another window."
_RIGHT = "(read = label AND verdict != 'not a digit')"


@dataclass(frozen=True)
class Kept:
    """How many of many drawings were kept; `known` were there already, and left out."""

    kept: int
    known: int


@dataclass(frozen=True)
class Counts:
    """How many drawings a profile has.

    Attributes:
        by_label: of each digit, ten numbers.
        right_by_label: of these, how many were read as what they are.
        read_by_label: how many were read at all.
        held_out: how many of all are never learned from.
    """

    by_label: tuple[int, ...]
    right_by_label: tuple[int, ...]
    read_by_label: tuple[int, ...]
    held_out: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_label)

    @property
    def right(self) -> int:
        """How many were read as what they are."""
        return sum(self.right_by_label)

    @property
    def read(self) -> int:
        """How many were read at all."""
        return sum(self.read_by_label)


def keep(profile: int, drawing: NewDrawing) -> Drawing:
    """Keep a drawing: when this returns, it is on the disk.

    Raises:
        InputError: its label is not 0-9, its image not (28, 28) uint8 or blank, or the profile is
            gone.
        StoreError: it can't be kept.
    """
    check(drawing)
    with opened(write=True, for_good=True) as database:
        select_profile(database, profile)
        number = _insert(database, profile, drawing, _so_far(database, profile, drawing.label))
        return _select(database, number)


def keep_all(profile: int, drawings: Sequence[NewDrawing]) -> Kept:
    """Keep all drawings or, if one can't be, none. Images that the profile has are left out.

    Raises:
        InputError: as for `keep`.
        StoreError: they can't be kept.
    """
    for drawing in drawings:
        check(drawing)
    kept = 0
    with opened(write=True, for_good=True) as database:
        select_profile(database, profile)
        rows = database.execute("SELECT image FROM drawings WHERE profile = ?", (profile,))
        known = {row["image"] for row in rows}
        so_far = _so_far(database, profile, *range(10))
        for drawing in drawings:
            if (content := drawing.image.tobytes()) not in known:
                known.add(content)
                _insert(database, profile, drawing, so_far)
                kept += 1
    return Kept(kept, len(drawings) - kept)


def drawings(
    profile: int,
    *,
    labels: Collection[int] = (),
    right: bool | None = None,
    held_out: bool | None = None,
    until: int | None = None,
    limit: int | None = None,
    offset: int = 0,
    newest_first: bool = True,
) -> list[Drawing]:
    """The drawings of a profile in the order they came; none where it is gone.

    Args:
        profile: its number.
        labels: only these; none stand for all.
        right: only those read right (True), or read otherwise (False).
        held_out: only those held out (True), or those that may be learned from (False).
        until: none with a higher number, such as those that came meanwhile.
        limit: so many at most.
        offset: so many are left out at the beginning.
        newest_first: the last one that came is the first.

    Raises:
        StoreError: they can't be read.
    """
    where, values = _where(profile, labels, right)
    if held_out is not None:
        where += f" AND held_out = {int(held_out)}"
    if until is not None:
        where += f" AND number <= {int(until)}"
    order = "DESC" if newest_first else "ASC"
    with opened() as database:
        rows = database.execute(
            f"SELECT * FROM drawings WHERE {where} ORDER BY number {order} LIMIT ? OFFSET ?",
            (*values, -1 if limit is None else limit, offset),
        )
        return [from_row(row) for row in rows]


def find_drawing(number: int, *, of: int | None = None) -> Drawing:
    """A drawing by its number.

    Args:
        number: of it.
        of: the number of the profile that it is to belong to; None: whichever it is.

    Raises:
        InputError: it is gone, or in another profile.
        StoreError: it can't be read.
    """
    with opened() as database:
        drawing = _select(database, number)
    if of not in (None, drawing.profile):
        raise InputError(_GONE)
    return drawing


@as_written()
def count(profile: int) -> Counts:
    """How many drawings a profile has, by label, read right, read, and held out."""
    by_label, right, read, held_out = [0] * 10, [0] * 10, [0] * 10, 0
    with opened() as database:
        for row in database.execute(
            f"SELECT label, count(*) AS of_it, total({_RIGHT}) AS right_of_it,"
            " count(read) AS read_of_it, total(held_out) AS held_out_of_it"
            " FROM drawings WHERE profile = ? GROUP BY label",
            (profile,),
        ):
            label = row["label"]
            by_label[label] = row["of_it"]
            right[label] = int(row["right_of_it"])
            read[label] = row["read_of_it"]
            held_out += int(row["held_out_of_it"])
    return Counts(tuple(by_label), tuple(right), tuple(read), held_out)


def matching(profile: int, *, labels: Collection[int] = (), right: bool | None = None) -> int:
    """How many drawings of a profile have these labels, and were read right or not."""
    where, values = _where(profile, labels, right)
    with opened() as database:
        row = database.execute(f"SELECT count(*) AS all_of_it FROM drawings WHERE {where}", values)
        return int(row.fetchone()["all_of_it"])


def latest(profile: int) -> int:
    """The highest number of a drawing in a profile; 0 where it has none."""
    with opened() as database:
        row = database.execute(
            "SELECT max(number) AS highest FROM drawings WHERE profile = ?", (profile,)
        ).fetchone()
        return row["highest"] or 0


def relabel(number: int, label: int) -> Drawing:
    """Say that a drawing is another digit. Held out stays held out: it may be learned from by now.

    Raises:
        InputError: the label is not 0-9, or the drawing is gone.
        StoreError: it can't be kept.
    """
    check_label(label)
    with opened(write=True, for_good=True) as database:
        database.execute("UPDATE drawings SET label = ? WHERE number = ?", (int(label), number))
        return _select(database, number)


def delete(number: int) -> None:
    """Delete a drawing; nothing happens where it is gone."""
    with opened(write=True, for_good=True) as database:
        database.execute("DELETE FROM drawings WHERE number = ?", (number,))


def delete_all(profile: int) -> int:
    """Delete all drawings of a profile, which stays; how many they were."""
    with opened(write=True, for_good=True) as database:
        return database.execute("DELETE FROM drawings WHERE profile = ?", (profile,)).rowcount


# Of each label, how many drawings a profile has, and how many of them are held out.
_SoFar = dict[int, tuple[int, int]]


def _so_far(database: sqlite3.Connection, profile: int, *labels: int) -> _SoFar:
    where, values = _where(profile, labels, None)
    rows = database.execute(
        f"SELECT label, count(*), sum(held_out) FROM drawings WHERE {where} GROUP BY label", values
    )
    return dict.fromkeys(labels, (0, 0)) | {row[0]: (row[1], row[2]) for row in rows}


def _insert(database: sqlite3.Connection, profile: int, drawing: NewDrawing, so_far: _SoFar) -> int:
    of_it, held_out_of_it = so_far[drawing.label]
    held_out = drawing.held_out
    same = database.execute(
        "SELECT held_out FROM drawings WHERE profile = ? AND image = ? LIMIT 1",
        (profile, drawing.image.tobytes()),
    ).fetchone()
    if same:  # or it would be learned from, and measured on
        held_out = bool(same["held_out"])
    elif held_out is None:  # the second, the fifth, the eighth, ...
        held_out = 3 * held_out_of_it < of_it
    so_far[drawing.label] = of_it + 1, held_out_of_it + held_out
    number = database.execute(
        "INSERT INTO drawings (profile, label, image, strokes, pen_width, read, confidence,"
        " verdict, model, at, held_out) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        as_row(profile, drawing, held_out=held_out),
    ).lastrowid
    assert number is not None
    return number


def _where(
    profile: int, labels: Collection[int], right: bool | None
) -> tuple[str, tuple[int, ...]]:
    """What comes after WHERE, and its values."""
    where = "profile = ?"
    if labels:
        where += f" AND label IN ({', '.join('?' * len(labels))})"
    if right is not None:
        where += f" AND read IS NOT NULL AND {'' if right else 'NOT '}{_RIGHT}"
    return where, (profile, *map(int, labels))


def _select(database: sqlite3.Connection, number: int) -> Drawing:
    rows = database.execute("SELECT * FROM drawings WHERE number = ?", (min(number, LARGEST),))
    if (row := rows.fetchone()) is None:
        raise InputError(_GONE)
    return from_row(row)
