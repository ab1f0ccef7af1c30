"""Profiles: the collections of drawings, each a person's or a class's, known by their names."""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from dataclasses import dataclass

from mnist_core.errors import InputError
from mnist_core.store.database import as_written, opened

NAME_LENGTH = 40  # characters
_OWN = "My digits"
_BETWEEN = " -_'."  # what a name may hold beside letters and digits
LARGEST = 2**63 - 1  # whole number that SQLite can look for; out of an address comes any
_GONE = "That profile is gone: choose another one, or make a new one."
_TAKEN = "Another profile has this name: choose a different one."


@dataclass(frozen=True)
class Profile:
    """A collection of drawings.

    Attributes:
        number: never used again.
        name: as `good_name` gives it.
        owner: the visit that began it.
        made: when, in seconds since 1970.
    """

    number: int
    name: str
    owner: str
    made: float


def good_name(name: str) -> str:
    """A name as it is kept: without spaces at its ends, and with single ones within.

    Args:
        name: 1 to `NAME_LENGTH` letters and digits of any script, spaces, and - _ ' . with a letter
            or digit first; so it is never a path.

    Raises:
        InputError: the name is not like that.
    """
    # Phones type the curly apostrophe.
    name = " ".join(unicodedata.normalize("NFC", name).replace("’", "'").split())
    if not name:
        raise InputError("A profile needs a name: give it one.")
    if len(name) > NAME_LENGTH:
        raise InputError(f"A profile's name can have {NAME_LENGTH} characters, not {len(name):,}.")
    # Letters, numbers, and the marks that some scripts write upon letters.
    kinds = [unicodedata.category(character)[0] for character in name]
    if (
        kinds[0] not in "LN"
        or ".." in name
        or any(k not in "LNM" and c not in _BETWEEN for k, c in zip(kinds, name, strict=True))
    ):
        raise InputError(
            "A profile's name begins with a letter or a digit, and holds letters, digits, spaces,"
            " hyphens, underscores, apostrophes and single full stops only: choose another one."
        )
    return name


def profiles() -> list[tuple[Profile, int]]:
    """All profiles by name, whatever its case, each with how many drawings it has."""
    with opened() as database:
        rows = database.execute(
            "SELECT *, (SELECT count(*) FROM drawings WHERE profile = profiles.number) AS count"
            " FROM profiles ORDER BY folded"
        )
        return [(_profile(row), row["count"]) for row in rows]


def find_profile(number: int) -> Profile:
    """A profile by its number.

    Raises:
        InputError: there is none, or none any more.
        StoreError: it can't be read.
    """
    with opened() as database:
        return select_profile(database, number)


def profile_named(name: str) -> Profile | None:
    """The profile of this name, whatever its case and the spaces around it; None: there is none."""
    try:
        folded = _folded(good_name(name))
    except InputError:  # nobody could be called that
        return None
    with opened() as database:
        row = database.execute("SELECT * FROM profiles WHERE folded = ?", (folded,)).fetchone()
        return _profile(row) if row else None


def add_profile(name: str, *, owner: str = "") -> Profile:
    """Make a new profile.

    Raises:
        InputError: the name is not good, or another profile has it.
        StoreError: it can't be kept.
    """
    name = good_name(name)
    with opened(write=True, for_good=True) as database:
        return _insert(database, name, owner)


def own_profile(owner: str) -> Profile:
    """The first profile that a visit began; where it began none, a new one called "My digits".

    Where others have that name, it is "My digits 2", and so on.

    Raises:
        StoreError: it can't be read or kept.
    """
    with opened() as database:
        if profile := _select_own(database, owner):
            return profile
    with opened(write=True, for_good=True) as database:
        # The same visit may have been quicker, in another tab.
        return _select_own(database, owner) or _insert(database, _free_name(database), owner)


def rename_profile(number: int, name: str) -> Profile:
    """Give a profile another name.

    Raises:
        InputError: the name is not good, another profile has it, or this one is gone.
        StoreError: it can't be kept.
    """
    name = good_name(name)
    with opened(write=True, for_good=True) as database:
        select_profile(database, number)
        try:
            database.execute(
                "UPDATE profiles SET name = ?, folded = ? WHERE number = ?",
                (name, _folded(name), number),
            )
        except sqlite3.IntegrityError as error:
            raise InputError(_TAKEN) from error
        return select_profile(database, number)


def remove_profile(number: int) -> None:
    """Delete a profile with all its drawings; nothing happens where it is gone."""
    with opened(write=True, for_good=True) as database:
        database.execute("DELETE FROM drawings WHERE profile = ?", (number,))
        database.execute("DELETE FROM profiles WHERE number = ?", (number,))


def select_profile(database: sqlite3.Connection, number: int) -> Profile:
    """As `find_profile`, on an open database."""
    rows = database.execute("SELECT * FROM profiles WHERE number = ?", (min(number, LARGEST),))
    if (row := rows.fetchone()) is None:
        raise InputError(_GONE)
    return _profile(row)


def _folded(name: str) -> str:
    """A good name as names are compared."""
    return unicodedata.normalize("NFC", name.casefold())


def _select_own(database: sqlite3.Connection, owner: str) -> Profile | None:
    row = database.execute(
        "SELECT * FROM profiles WHERE owner = ? ORDER BY number LIMIT 1", (owner,)
    ).fetchone()
    return _profile(row) if row else None


def _free_name(database: sqlite3.Connection) -> str:
    taken = {row["folded"] for row in database.execute("SELECT folded FROM profiles")}
    number, name = 1, _OWN
    while _folded(name) in taken:
        number += 1
        name = f"{_OWN} {number}"
    return name


def _insert(database: sqlite3.Connection, name: str, owner: str) -> Profile:
    try:
        number = database.execute(
            "INSERT INTO profiles (name, folded, owner, made) VALUES (?, ?, ?, ?)",
            (name, _folded(name), owner, time.time()),
        ).lastrowid
    except sqlite3.IntegrityError as error:
        raise InputError(_TAKEN) from error
    assert number is not None
    return select_profile(database, number)


@as_written()
def _profile(row: sqlite3.Row) -> Profile:
    return Profile(int(row["number"]), row["name"], row["owner"], float(row["made"]))
