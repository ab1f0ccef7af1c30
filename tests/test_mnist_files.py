import io
from pathlib import Path

import numpy as np
import pytest

from mnist_core.errors import DataDamaged, InputError
from mnist_core.mnist_files import (
    MNIST,
    describe_places,
    locations,
    project_folder,
    read_verified,
)
from tests.tiny_mnist import ARRAYS, TINY, idx, write_idx, write_npz


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "named"))


def found():
    return [(location.place, location.path) for location in locations()]


def test_nothing_anywhere(tmp_path):
    assert found() == []
    assert f"{tmp_path / 'named'} (MNIST_DIR) does not exist; " in describe_places()


def test_the_order_of_places(tmp_path):
    write_npz(tmp_path / "keras" / "datasets")
    write_idx(project_folder())
    write_npz(tmp_path / "named")
    assert found() == [
        ("MNIST_DIR", tmp_path / "named" / "mnist.npz"),
        ("project", tmp_path / "home" / "data" / "mnist"),
        ("keras", tmp_path / "keras" / "datasets" / "mnist.npz"),
    ]


def test_without_the_variables_the_home_folder_counts(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.delenv("MNIST_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    write_npz(tmp_path / ".keras" / "datasets")
    assert found() == [("keras", tmp_path / ".keras" / "datasets" / "mnist.npz")]


def test_an_incomplete_folder_is_passed_over_and_described(tmp_path):
    write_idx(tmp_path / "named")
    (tmp_path / "named" / "t10k-labels-idx1-ubyte").unlink()
    assert found() == []
    assert "(MNIST_DIR) lacks t10k-labels-idx1-ubyte;" in describe_places()


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "named").write_text("?")
    assert found() == []
    assert "(MNIST_DIR) is not a folder" in describe_places()


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_every_naming_of_idx(tmp_path, zipped, dotted):
    write_idx(tmp_path / "named", zipped=zipped, dotted=dotted)
    (location,) = locations()
    for array in TINY.arrays:
        np.testing.assert_array_equal(location.read(array, TINY), ARRAYS[array.npz_key])
        assert location.file_of(array, TINY).name.startswith(array.idx_name[:11])


@pytest.mark.parametrize("zipped", [False, True])
def test_npz(tmp_path, zipped):
    write_npz(tmp_path / "named", zipped=zipped)
    (location,) = locations()
    for array in TINY.arrays:
        np.testing.assert_array_equal(location.read(array, TINY), ARRAYS[array.npz_key])


def test_files_unpacked_or_packed_under_the_wrong_name_are_still_read(tmp_path):
    folder = write_idx(tmp_path / "named", zipped=True)
    labels = folder / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(idx(ARRAYS["y_train"]))
    (folder / "train-images-idx3-ubyte.gz").rename(folder / "train-images-idx3-ubyte")
    (location,) = locations()
    for array in TINY.of("train"):
        np.testing.assert_array_equal(location.read(array, TINY), ARRAYS[array.npz_key])


def _swap(one: Path, other: Path) -> None:
    beside = one.with_suffix(".beside")
    one.rename(beside)
    other.rename(one)
    beside.rename(other)


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGE = {
    "truncated": lambda images, labels, other: images.write_bytes(images.read_bytes()[:-100]),
    "emptied": lambda images, labels, other: images.write_bytes(b""),
    "a bit flipped": lambda images, labels, other: _flip(images),
    "images and labels swapped": lambda images, labels, other: _swap(images, labels),
    "train and test swapped": lambda images, labels, other: _swap(images, other),
    "a folder": lambda images, labels, other: (images.unlink(), images.mkdir()),
    "gone": lambda images, labels, other: images.unlink(),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_refused_by_name_with_advice(tmp_path, damage, zipped):
    folder = write_idx(tmp_path / "named", zipped=zipped)
    (location,) = locations()
    images, labels, other, _ = location.files
    damage(images, labels, other)
    with pytest.raises(DataDamaged) as error:
        location.read(TINY.train_images, TINY)
    assert str(folder / images.name) in str(error.value)
    assert "or unset MNIST_DIR." in str(error.value)


def test_permuted_labels_are_refused(tmp_path):
    write_npz(tmp_path / "named", y_train=np.roll(ARRAYS["y_train"], 1))
    (location,) = locations()
    location.read(TINY.train_images, TINY)
    with pytest.raises(DataDamaged, match=r"mnist\.npz can't be .* training labels, .*SHA-256"):
        location.read(TINY.train_labels, TINY)


def test_another_set_of_the_same_shape_is_refused():
    with pytest.raises(ValueError, match="differs from the original"):
        read_verified(io.BytesIO(idx(np.zeros(5, np.uint8))), TINY.test_labels)


def test_an_unknown_split():
    with pytest.raises(InputError, match="'validation'"):
        MNIST.of("validation")
