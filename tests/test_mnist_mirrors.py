import gzip
import threading

import numpy as np
import pytest

from mnist_core.errors import DataMissing
from mnist_core.mnist_mirrors import fetch_arrays, save
from tests.tiny_mnist import ARRAYS, TINY, idx, serve, stalling, truncated, write_npz


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def npz(tmp_path):
    return (write_npz(tmp_path / "served", zipped=True) / "mnist.npz").read_bytes()


def idx_files(under="/idx"):
    return {
        f"{under}/{array.idx_name}.gz": gzip.compress(idx(ARRAYS[array.npz_key]))
        for array in TINY.arrays
    }


def fetch(*mirrors, progress=None, timeout=5.0):
    return fetch_arrays(mirrors, spec=TINY, timeout=timeout, progress=progress)


def assert_tiny(arrays):
    for array, values in zip(TINY.arrays, arrays, strict=True):
        np.testing.assert_array_equal(values, ARRAYS[array.npz_key])


def test_an_npz_mirror(npz):
    with serve({"/mnist.npz": npz}) as url:
        assert_tiny(fetch(f"{url}/mnist.npz"))


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_of_idx_files(slash):
    files = idx_files()
    seen = []
    with serve(files) as url:
        arrays = fetch(f"{url}/idx{slash}", progress=lambda *counts: seen.append(counts))
    assert_tiny(arrays)
    total = sum(map(len, files.values()))
    assert seen[-1] == (total, total)


def test_each_bad_mirror_is_skipped_until_one_serves_mnist(npz):
    files = {
        "/garbage.npz": b"<html>Please log in to the hotel network</html>",
        "/truncated.npz": truncated(npz),
        "/huge.npz": bytes(1_000_000),
        "/good.npz": npz,
        **idx_files("/swapped"),
    }
    swapped = files["/swapped/train-images-idx3-ubyte.gz"]
    files["/swapped/t10k-images-idx3-ubyte.gz"] = swapped
    names = ["gone", "garbage.npz", "truncated.npz", "huge.npz", "swapped"]
    with serve(files) as url:
        mirrors = [f"{url}/{name}" for name in names]
        assert_tiny(fetch(*mirrors, f"{url}/good.npz"))
        with pytest.raises(DataMissing) as error:
            fetch(*mirrors)
    for mirror in mirrors:
        assert mirror in str(error.value)
    for reason in ("404 Not Found", "not an IDX", "broke off", "more than", "shape"):
        assert reason in str(error.value)
    assert "set MNIST_DIR to a folder" in str(error.value)


def test_a_mirror_that_falls_silent_is_skipped(npz):
    release = threading.Event()
    with serve({"/stalling.npz": stalling(npz, release), "/good.npz": npz}) as url:
        try:
            assert_tiny(fetch(f"{url}/stalling.npz", f"{url}/good.npz", timeout=1.0))
        finally:
            release.set()


@pytest.mark.parametrize("reason", [KeyboardInterrupt, ValueError, OSError])
def test_cancelling_does_not_go_on_with_the_next_mirror(npz, reason):
    def cancel(done, total):
        raise reason("enough")

    with serve({"/mnist.npz": npz}) as url, pytest.raises(reason, match="enough"):
        fetch(f"{url}/mnist.npz", f"{url}/mnist.npz", progress=cancel)


def test_save_replaces_what_was_there(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"half a fi")
    file = save([ARRAYS[array.npz_key] for array in TINY.arrays], tmp_path, spec=TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]
    with np.load(file, allow_pickle=False) as arrays:
        assert_tiny([arrays[array.npz_key] for array in TINY.arrays])


def test_save_leaves_nothing_half_written(tmp_path):
    (tmp_path / "mnist.npz").mkdir()
    with pytest.raises(OSError, match="directory"):
        save([ARRAYS[array.npz_key] for array in TINY.arrays], tmp_path, spec=TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]
