"""Small files over HTTP: with a size limit, a timeout and progress, and all or nothing."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

from mnist_core.errors import DataMissing

# progress(bytes_done, bytes_total); the total is None when a server doesn't tell it.
Progress = Callable[[int, int | None], None]

_HEADERS = {"User-Agent": "digit-studio"}
_CHUNK = 65_536
_NETWORK_ERRORS = (OSError, http.client.HTTPException)


def download(
    urls: Sequence[str],
    *,
    limits: Sequence[int],
    timeout: float = 10.0,
    progress: Progress | None = None,
) -> list[bytes]:
    """Download `urls` one after another; returns their contents in the same order.

    `limits` holds the most bytes to accept from each. `timeout` is how many seconds a server may
    stay silent. `progress(bytes_done, bytes_total)` is called as bytes arrive and counts over all
    the files; whatever it raises ends the download and reaches the caller.

    Raises `DataMissing` when a server can't be reached, answers with an error, breaks off or
    sends more than its limit; the message is a clause that starts with the address.
    """
    sizes = [_remote_size(url, timeout) for url in urls]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    contents: list[bytes] = []
    for url, limit in zip(urls, limits, strict=True):
        before = sum(map(len, contents))
        contents.append(_get(url, limit, timeout, before, total, progress))
    return contents


def _remote_size(url: str, timeout: float) -> int | None:
    """What the server says the file's size is; None where it doesn't say."""
    request = urllib.request.Request(url, headers=_HEADERS, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return _content_length(response)
    except urllib.error.HTTPError as error:
        # An answer, if a poor one: the download itself will tell whether the file can be had.
        error.close()
        return None
    except _NETWORK_ERRORS as error:
        raise _unreachable(url, error) from error


def _get(
    url: str,
    limit: int,
    timeout: float,
    before: int,
    total: int | None,
    progress: Progress | None,
) -> bytes:
    request = urllib.request.Request(url, headers=_HEADERS)
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataMissing(f"{url} answered {error.code} {error.reason}") from error
    except _NETWORK_ERRORS as error:
        raise _unreachable(url, error) from error

    received = bytearray()
    with response:
        length = _content_length(response)
        while True:
            # Only the reading is guarded: an OSError of the caller's `progress` is the caller's.
            try:
                chunk = response.read1(_CHUNK)
            except _NETWORK_ERRORS as error:
                raise DataMissing(f"{url} broke off ({_reason(error)})") from error
            if not chunk:
                break
            received += chunk
            if max(len(received), length or 0) > limit:
                raise DataMissing(f"{url} sent more than the expected {limit} bytes")
            if progress is not None:
                progress(before + len(received), total)
    if length is not None and len(received) != length:
        raise DataMissing(f"{url} broke off after {len(received)} of {length} bytes")
    return bytes(received)


def _content_length(response: http.client.HTTPResponse) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _unreachable(url: str, error: Exception) -> DataMissing:
    return DataMissing(f"{url} could not be reached ({_reason(error)})")


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
