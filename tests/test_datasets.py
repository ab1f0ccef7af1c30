import dataclasses
import gzip
import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mnist_core import paths
from mnist_core.datasets import (
    MIRRORS,
    Digits,
    fetch_mnist,
    find_mnist,
    load_mnist,
    split_validation,
    validation_rows,
    verify_mnist,
)
from mnist_core.errors import DataDamaged, DataMissing, InputError
from tests.tiny_mnist import ARRAYS, TINY, serve, stalling, write_idx, write_npz

REAL = os.environ.get("MNIST_DIR")
needs_mnist = pytest.mark.skipif(not REAL, reason="MNIST_DIR names no folder with MNIST")


@pytest.fixture(autouse=True)
def empty_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("MNIST_DIR", raising=False)


@pytest.fixture
def npz(tmp_path):
    return (write_npz(tmp_path / "served", zipped=True) / "mnist.npz").read_bytes()


def own_files():
    return sorted(path.name for path in paths.home().rglob("*") if path.is_file())


def assert_tiny(digits, split):
    np.testing.assert_array_equal(digits.images, ARRAYS[f"x_{split}"])
    np.testing.assert_array_equal(digits.labels, ARRAYS[f"y_{split}"])


# Loading


def test_absent_says_what_was_tried_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    assert find_mnist() is None
    for attempt in (lambda: load_mnist("train"), verify_mnist):
        with pytest.raises(DataMissing) as error:
            attempt()
        for part in (
            f"{tmp_path} (MNIST_DIR) holds none",
            str(paths.data() / "mnist"),
            str(tmp_path / "keras"),
            "python -m mnist_core data fetch",
            "set MNIST_DIR to a folder",
        ):
            assert part in str(error.value)


@pytest.mark.parametrize("split", ["train", "test"])
def test_load(split):
    write_idx(paths.data() / "mnist")
    images, labels = digits = load_mnist(split, spec=TINY)
    assert_tiny(digits, split)
    assert images.dtype == labels.dtype == np.uint8
    assert not images.flags.writeable
    assert not labels.flags.writeable


def test_an_unknown_split_is_refused_even_without_data():
    with pytest.raises(InputError, match="'validation'"):
        load_mnist("validation")


def test_what_was_read_is_kept_until_its_file_changes(tmp_path):
    folder = write_idx(paths.data() / "mnist")
    images, _ = load_mnist("train", spec=TINY)
    assert load_mnist("train", spec=TINY).images is images
    file = folder / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataDamaged, match="ends too early"):
        load_mnist("train", spec=TINY)


def test_many_at_once_share_one_copy():
    write_npz(paths.data() / "mnist", zipped=True)
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: load_mnist("train", spec=TINY), range(16)))
    assert len({id(digits.images) for digits in loaded}) == 1


def test_a_damaged_mnist_dir_is_refused_though_another_place_is_intact(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "named"))
    write_npz(tmp_path / "named", x_train=ARRAYS["x_train"][::-1])
    write_npz(paths.data() / "mnist")
    with pytest.raises(DataDamaged, match=str(tmp_path / "named" / "mnist.npz")):
        load_mnist("train", spec=TINY)
    with pytest.raises(DataDamaged, match=str(tmp_path / "named" / "mnist.npz")):
        fetch_mnist(spec=TINY, mirrors=[])
    assert_tiny(load_mnist("test", spec=TINY), "test")


def test_an_empty_mnist_dir_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    write_npz(paths.data() / "mnist")
    assert_tiny(load_mnist("train", spec=TINY), "train")


# Verifying


def test_verify_reports_each_array_of_each_place(tmp_path):
    folder = write_idx(paths.data() / "mnist", zipped=True)
    write_npz(tmp_path / "keras" / "datasets", y_test=ARRAYS["y_test"][::-1])
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0\0"))
    reports = verify_mnist(spec=TINY)
    assert [(report.place, report.title) for report in reports if report.problem] == [
        ("project", "training images"),
        ("keras", "test labels"),
    ]
    assert len(reports) == 8
    assert reports[0].file == folder / "train-images-idx3-ubyte.gz"
    assert "data fetch" in reports[0].problem
    assert reports[1].shape == (12,)


def test_verify_is_not_fooled_by_what_was_read_before():
    folder = write_idx(paths.data() / "mnist")
    load_mnist("train", spec=TINY)
    file = folder / "train-labels-idx1-ubyte"
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [report.title for report in verify_mnist(spec=TINY) if report.problem] == [
        "training labels"
    ]


# Fetching


def test_fetch_makes_load_work(npz):
    with serve({"/mnist.npz": npz}) as url:
        location = fetch_mnist(spec=TINY, mirrors=[f"{url}/gone.npz", f"{url}/mnist.npz"])
    assert location.place == "project"
    assert location.path == paths.data() / "mnist" / "mnist.npz"
    assert location == find_mnist()
    assert own_files() == ["mnist.npz"]
    assert_tiny(load_mnist("train", spec=TINY), "train")
    assert_tiny(load_mnist("test", download=True, spec=TINY), "test")


def test_fetch_leaves_an_intact_copy_alone(tmp_path):
    write_idx(tmp_path / "keras" / "datasets")
    assert fetch_mnist(spec=TINY, mirrors=[]).place == "keras"
    assert own_files() == []


@pytest.mark.parametrize("write", [write_idx, write_npz])
@pytest.mark.parametrize("place", ["home/data/mnist", "keras/datasets"])
def test_fetch_repairs_a_damaged_copy(tmp_path, npz, place, write):
    folder = write(tmp_path / place)
    damaged = next(path for path in folder.iterdir() if path.name.startswith(("mnist", "t10k-i")))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with serve({"/mnist.npz": npz}) as url:
        fetch_mnist(spec=TINY, mirrors=[f"{url}/mnist.npz"])
    assert_tiny(load_mnist("test", spec=TINY), "test")


def test_an_interrupted_fetch_leaves_nothing(npz):
    release = threading.Event()

    def cancel(done, total):
        assert total == len(npz)
        raise KeyboardInterrupt

    with serve({"/mnist.npz": stalling(npz, release)}) as url:
        try:
            with pytest.raises(KeyboardInterrupt):
                fetch_mnist(spec=TINY, mirrors=[f"{url}/mnist.npz"], progress=cancel)
        finally:
            release.set()
    assert own_files() == []
    assert find_mnist() is None


def test_no_mirror_left(npz):
    with serve({"/mnist.npz": npz[:-1]}) as url, pytest.raises(DataMissing, match="check the netw"):
        fetch_mnist(spec=TINY, mirrors=[f"{url}/mnist.npz", f"{url}/gone/"])
    assert own_files() == []


def test_nowhere_to_save(npz):
    paths.home().write_text("a file in the way")
    with (
        serve({"/mnist.npz": npz}) as url,
        pytest.raises(DataMissing, match=r"could not be saved in .*DIGIT_STUDIO_HOME"),
    ):
        fetch_mnist(spec=TINY, mirrors=[f"{url}/mnist.npz"])


def test_an_oserror_of_the_callers_progress_is_the_callers(npz):
    def broken(done, total):
        raise BrokenPipeError("nobody reads")

    with serve({"/mnist.npz": npz}) as url, pytest.raises(BrokenPipeError, match="nobody reads"):
        fetch_mnist(spec=TINY, mirrors=[f"{url}/mnist.npz"], progress=broken)


def test_the_mirrors_are_on_two_hosts_at_least():
    assert len({mirror.split("/")[2] for mirror in MIRRORS}) >= 2


# Splitting


def many(count=1000):
    random = np.random.default_rng(3)
    images = np.zeros((count, 28, 28), np.uint8)
    images.reshape(count, -1)[:, :2] = np.arange(count)[:, None] // [256, 1] % 256
    return Digits(images, random.choice(10, count, p=np.arange(1, 11) / 55).astype(np.uint8))


def numbers(digits):
    first = digits.images.reshape(len(digits.images), -1)[:, :2].astype(int)
    return first @ [256, 1]


def test_split_parts_are_disjoint_complete_and_in_order():
    digits = many()
    train, validation = split_validation(*digits, size=150)
    assert len(validation.labels) == len(validation.images) == 150
    assert sorted([*numbers(train), *numbers(validation)]) == list(range(1000))
    for part in (train, validation):
        assert (np.diff(numbers(part)) > 0).all()
        np.testing.assert_array_equal(part.labels, digits.labels[numbers(part)])
        assert part.images.dtype == part.labels.dtype == np.uint8
        assert not part.images.flags.writeable


@pytest.mark.parametrize("size", [1, 37, 150, 999])
def test_split_keeps_each_labels_share(size):
    digits = many()
    _, validation = split_validation(*digits, size=size)
    shares = np.bincount(digits.labels, minlength=10) * size / 1000
    assert (abs(np.bincount(validation.labels, minlength=10) - shares) <= 1).all()


def test_split_depends_on_the_seed_alone():
    digits = many()
    held_out = [numbers(split_validation(*digits, size=5, seed=seed)[1]) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(held_out[0], held_out[1])
    assert (held_out[0] != held_out[2]).any()


def test_split_stays_the_same_with_every_version_of_numpy():
    _, validation = split_validation(np.arange(20), np.arange(20) % 2, size=6)
    assert validation.images.tolist() == [3, 5, 12, 14, 18, 19]


@pytest.mark.parametrize("size", [-1, 0, 1000, 5000])
def test_split_refuses_a_size_that_leaves_a_part_empty(size):
    with pytest.raises(InputError, match=f"hold {size} of 1000"):
        split_validation(*many(), size=size)


def test_split_refuses_images_and_labels_that_do_not_match():
    digits = many()
    with pytest.raises(InputError, match="999 images"):
        split_validation(digits.images[1:], digits.labels)


def test_the_rows_are_those_of_the_digits_that_are_held_out():
    digits = many()
    for seed in (0, 1):
        rows = validation_rows(digits.labels, size=150, seed=seed)
        _, validation = split_validation(*digits, size=150, seed=seed)
        assert rows.tolist() == numbers(validation).tolist()


# The module


@pytest.mark.parametrize("module", ["datasets", "stroke_files"])
def test_importing_loads_neither_http_nor_a_framework(module):
    code = f"import sys, mnist_core.{module}; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.PROJECT
    ).stdout.split()
    assert not {"http.client", "tensorflow", "streamlit"} & set(modules)


# The real data


@pytest.fixture
def real(monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(REAL))
    return Path(str(REAL))


@needs_mnist
def test_mnist_is_mnist(real):
    images, labels = load_mnist("train")
    assert images.shape == (60_000, 28, 28)
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    images, labels = load_mnist("test")
    assert images.shape == (10_000, 28, 28)
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert find_mnist().place == "MNIST_DIR"


@needs_mnist
def test_the_validation_split_of_mnist_never_changes(real):
    train, validation = split_validation(*load_mnist("train"))
    assert len(train.labels) == 55_000
    assert np.bincount(validation.labels).tolist() == [
        494, 561, 497, 511, 487, 451, 494, 522, 487, 496
    ]  # fmt: skip
    assert hashlib.sha256(validation.images).hexdigest() == (
        "1924febb10afdf2344ff9a9295e67d5bfaf583f9ef131dd8a17dba8c434a33f3"
    )


@needs_mnist
def test_mnist_with_train_and_test_labels_swapped_is_refused(real, tmp_path, monkeypatch):
    location = find_mnist()
    if len(location.files) == 1:
        pytest.skip("MNIST_DIR holds an npz, whose parts have no files of their own")
    swapped = dataclasses.replace(
        location, files=tuple(location.files[position] for position in (0, 3, 2, 1))
    )
    names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]
    for name, file in zip(names, swapped.files, strict=True):
        suffix = ".gz" if file.suffix == ".gz" else ""
        (tmp_path / f"{name}-ubyte{suffix}").symlink_to(file)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    with pytest.raises(DataDamaged, match=r"t10k-labels-idx1.*\(60000,\) instead of \(10000,\)"):
        load_mnist("test")
