import hashlib
import json
import re

import pytest

from mnist_core import paths, registry
from mnist_core.errors import ModelError

CONTENT = b"weights of a kind"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.tflite").write_bytes(CONTENT)
    write_card(tmp_path, {"id": "mine", "files": registry.checksums(tmp_path), "test_accuracy": 1})
    return tmp_path


def write_card(folder, card):
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def test_a_model_has_its_card_and_its_files(folder):
    model = registry.open_folder(folder)
    assert model.id == "mine"
    assert model.card["test_accuracy"] == 1
    assert model.read("model.tflite") == CONTENT


def test_checksums_are_of_every_file_but_the_card(folder):
    (folder / "weights.bin").write_bytes(b"")
    assert registry.checksums(folder) == {
        "model.tflite": hashlib.sha256(CONTENT).hexdigest(),
        "weights.bin": hashlib.sha256(b"").hexdigest(),
    }


def test_without_an_id_the_shipped_model_is_found():
    assert registry.find().folder == paths.shipped_model()
    assert registry.find(registry.SHIPPED) == registry.find()


def test_every_file_that_ships_is_unaltered():
    model = registry.find()
    assert set(model.card["files"]) == {
        "model.keras",
        "model.tflite",
        "weights.bin",
        "weights.json",
    }
    for name in model.card["files"]:
        assert model.read(name)


def test_the_shipped_card_says_what_it_must():
    card = registry.find().card
    assert card["id"] == registry.SHIPPED
    assert {
        "preset",
        "parameters",
        "multiply_adds",
        "seed",
        "epochs",
        "wall_seconds",
        "validation_accuracy",
        "test_accuracy",
        "data",
        "files",
        "versions",
        "architecture",
    } <= card.keys()
    for accuracy in ("validation_accuracy", "test_accuracy"):
        assert 0.99 < card[accuracy] < 1


@pytest.mark.parametrize("model_id", ["", "mine", "../models/default", "DEFAULT", "/etc"])
def test_an_unknown_id_is_refused(model_id):
    with pytest.raises(ModelError, match=re.escape(f"There is no model named {model_id!r}.")):
        registry.find(model_id)


def test_a_file_that_the_card_does_not_list_is_refused(folder):
    (folder / "extra.bin").write_bytes(b"extra")
    with pytest.raises(ModelError, match=r"extra\.bin is damaged or was altered"):
        registry.open_folder(folder).read("extra.bin")


def test_a_file_changed_after_the_card_was_read_is_refused(folder):
    model = registry.open_folder(folder)
    (folder / "model.tflite").write_bytes(CONTENT[:-1] + b"D")
    with pytest.raises(ModelError, match=r"model\.tflite is damaged or was altered"):
        model.read("model.tflite")


def test_a_missing_file_is_named(folder):
    model = registry.open_folder(folder)
    (folder / "model.tflite").unlink()
    with pytest.raises(ModelError, match=r"model\.tflite can't be read: No such file"):
        model.read("model.tflite")


def test_a_checksum_that_is_no_text_fits_nothing(folder):
    write_card(folder, {"id": "mine", "files": {"model.tflite": None}})
    with pytest.raises(ModelError, match=r"model\.tflite is damaged"):
        registry.open_folder(folder).read("model.tflite")


def test_a_missing_card_is_named(folder):
    (folder / "card.json").unlink()
    with pytest.raises(ModelError, match=r"card\.json can't be read: No such file"):
        registry.open_folder(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere.card\.json can't be read"):
        registry.open_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"id: mine",
        b"\xff\xfe\x00",
        b"\x89PNG\r\n",
        b"[]",
        b"null",
        b"7",
        b'"card"',
        b"{}",
        b'{"id": "mine"}',
        b'{"files": {}}',
        b'{"id": 7, "files": {}}',
        b'{"id": null, "files": {}}',
        b'{"id": "mine", "files": []}',
        b'{"id": "mine", "files": null}',
    ],
)
def test_what_is_no_card_is_refused_by_name(folder, text):
    (folder / "card.json").write_bytes(text)
    with pytest.raises(ModelError, match=r"card\.json is damaged: .+\.$"):
        registry.open_folder(folder)
