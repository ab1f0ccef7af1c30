"""A set laid out like MNIST but of a few digits, in every format, and a server to download from."""

import contextlib
import gzip
import hashlib
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from mnist_core.mnist_files import MNIST, ArraySpec, MnistSpec

_random = np.random.default_rng(7)
ARRAYS = {
    "x_train": _random.integers(0, 256, (12, 28, 28), np.uint8),
    "y_train": _random.permutation(np.arange(12, dtype=np.uint8) % 10),
    "x_test": _random.integers(0, 256, (5, 28, 28), np.uint8),
    "y_test": np.array([7, 2, 1, 0, 4], np.uint8),
}


def _tiny(array: ArraySpec) -> ArraySpec:
    values = ARRAYS[array.npz_key]
    return replace(array, shape=values.shape, sha256=hashlib.sha256(values).hexdigest())


TINY = MnistSpec(*map(_tiny, MNIST.arrays))


def idx(values: np.ndarray) -> bytes:
    return (
        struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()
    )


def write_idx(folder: Path, *, zipped: bool = False, dotted: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for array in TINY.arrays:
        name = array.idx_name.replace("-idx", ".idx") if dotted else array.idx_name
        content = idx(ARRAYS[array.npz_key])
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def write_npz(folder: Path, *, zipped: bool = False, **changes: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write = np.savez_compressed if zipped else np.savez
    write(folder / "mnist.npz", **(ARRAYS | changes))
    return folder


Answer = bytes | Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def serve(files: dict[str, Answer]) -> Iterator[str]:
    """Serve `files` (path -> content, or a function that answers) on a free port; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = files.get(self.path)
            if answer is None:
                self.send_error(404)
            elif callable(answer):
                answer(self)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(answer)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # A client that leaves in the middle is part of the tests, not news.
        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def truncated(content: bytes) -> Answer:
    """Promise all of `content` and send half of it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(content[: len(content) // 2])

    return answer


def stalling(content: bytes, release: threading.Event) -> Answer:
    """Send half of `content` and then nothing until `release` is set."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        truncated(content)(request)
        if request.command == "GET":
            request.wfile.flush()
            release.wait(10)

    return answer
