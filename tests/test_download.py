import threading

import pytest

from mnist_core.download import download
from mnist_core.errors import DataMissing
from tests.tiny_mnist import serve, stalling, truncated

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_contents_come_in_order_and_progress_counts_over_all_files():
    seen = []
    with serve({"/a": CONTENT, "/b": b"hello"}) as url:
        contents = download(
            [f"{url}/a", f"{url}/b"],
            limits=[len(CONTENT), 5],
            progress=lambda done, total: seen.append((done, total)),
        )
    assert contents == [CONTENT, b"hello"]
    done = [done for done, _ in seen]
    assert done == sorted(done)
    assert done[-1] == len(CONTENT) + 5
    assert {total for _, total in seen} == {len(CONTENT) + 5}
    assert len(done) > 2


def test_a_server_that_does_not_tell_sizes():
    def answer(request):
        request.send_response(200)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(b"hello")

    seen = []
    with serve({"/a": answer}) as url:
        contents = download(
            [f"{url}/a"], limits=[9], progress=lambda done, total: seen.append((done, total))
        )
    assert contents == [b"hello"]
    assert seen[-1] == (5, None)


def test_a_server_that_only_answers_get():
    def answer(request):
        if request.command == "HEAD":
            request.send_error(405)
            return
        request.send_response(200)
        request.send_header("Content-Length", "5")
        request.end_headers()
        request.wfile.write(b"hello")

    with serve({"/a": answer}) as url:
        assert download([f"{url}/a"], limits=[9]) == [b"hello"]


def test_not_found_names_the_address():
    with serve({}) as url, pytest.raises(DataMissing, match=f"^{url}/a answered 404 Not Found$"):
        download([f"{url}/a"], limits=[9])


def test_nobody_listens():
    with serve({}) as url:
        pass
    with pytest.raises(DataMissing, match=r"could not be reached \(Connection refused"):
        download([f"{url}/a"], limits=[9])


def test_a_truncated_answer():
    with (
        serve({"/a": truncated(CONTENT)}) as url,
        pytest.raises(DataMissing, match=f"broke off after {len(CONTENT) // 2} of"),
    ):
        download([f"{url}/a"], limits=[len(CONTENT)])


def test_a_silent_server_is_given_up():
    release = threading.Event()
    with serve({"/a": stalling(CONTENT, release)}) as url:
        try:
            with pytest.raises(DataMissing, match="timed out"):
                download([f"{url}/a"], limits=[len(CONTENT)], timeout=0.5)
        finally:
            release.set()


def test_more_than_the_limit_is_refused_whether_announced_or_not():
    def endless(request):
        request.send_response(200)
        request.end_headers()
        while request.command == "GET":
            request.wfile.write(bytes(1000))

    with serve({"/endless": endless, "/large": CONTENT}) as url:
        for path in ("endless", "large"):
            with pytest.raises(DataMissing, match="more than the expected 5000 bytes"):
                download([f"{url}/{path}"], limits=[5000])


@pytest.mark.parametrize("reason", [KeyboardInterrupt, OSError, ValueError])
def test_what_progress_raises_cancels_and_reaches_the_caller(reason):
    release = threading.Event()

    def cancel(done, total):
        raise reason("enough")

    with serve({"/a": stalling(CONTENT, release)}) as url:
        try:
            with pytest.raises(reason, match="enough"):
                download([f"{url}/a"], limits=[len(CONTENT)], progress=cancel)
        finally:
            release.set()
