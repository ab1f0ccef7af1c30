"""A secret that is asked for, and not to be found by trying."""

from __future__ import annotations

import hmac
import threading
import time

from mnist_core.errors import NotAllowed

TRIES, WITHIN = 5, 60.0  # wrong ones of one visitor, and the seconds in which there may be so many
ALL_TRIES = 30  # of all together, for a visitor can take another name


class Gate:
    """Compares what is given with a secret, and after a few wrong tries nothing for a while.

    One serves all who try, from whatever thread: or whoever opens a second window could go on. Who
    guesses under one name doesn't keep the others out; who takes many names does, for a minute.
    """

    def __init__(self) -> None:
        self._wrong: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def check(self, given: str, *, secret: str, who: str) -> None:
        """Let pass who gives the secret.

        Args:
            given: what was given.
            secret: what is right.
            who: gave it.

        Raises:
            NotAllowed: it is another, or there were too many wrong tries; what is given then isn't
                even looked at, and doesn't count.
        """
        with self._lock:
            now = time.monotonic()
            self._wrong = [(when, name) for when, name in self._wrong if now - when < WITHIN]
            own = sum(name == who for _, name in self._wrong)
            if own >= TRIES or len(self._wrong) >= ALL_TRIES:
                raise NotAllowed("Too many wrong tries: wait a minute.")
            if not same(given, secret):
                self._wrong.append((now, who))
                raise NotAllowed("That is not the passcode.")


def same(given: str, secret: str) -> bool:
    """Whether two texts are equal, in a time that doesn't tell how much of them is."""
    # A browser may send half of a surrogate pair, which UTF-8 proper has no bytes for.
    return hmac.compare_digest(*(text.encode("utf-8", "surrogatepass") for text in (given, secret)))
