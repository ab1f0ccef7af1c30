import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mnist_core import paths, registry
from mnist_core.errors import ModelError

pytestmark = pytest.mark.usefixtures("home")

CONTENT = b"weights of a kind"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.tflite").write_bytes(CONTENT)
    write_card(tmp_path, {"id": "mine", "files": registry.checksums(tmp_path), "test_accuracy": 1})
    return tmp_path


def add_model(model_id, **card):
    with registry.new_model(model_id) as folder:
        (folder / "model.tflite").write_bytes(CONTENT + model_id.encode())
        return registry.write_card(folder, {"id": model_id, **card})


def damage(model_id):
    (paths.models() / model_id / "model.tflite").write_bytes(b"damaged")


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


@pytest.mark.parametrize(
    "model_id",
    ["", "mine", "../models/default", "..", ".", "DEFAULT", "/etc", "a/b", "fast-1\n", "fast-1\0"],
)
def test_an_unknown_id_is_refused(model_id):
    add_model("fast-1")
    for use in (registry.find, registry.publish):
        with pytest.raises(ModelError, match=re.escape(f"There is no model named {model_id!r}.")):
            use(model_id)


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


# Models trained here


def test_a_new_model_is_found_and_listed_after_the_one_that_ships():
    add_model("fast-2", created="2026-11-20T10:00:00Z", test_accuracy=0.99)
    add_model("mlp-1", created="2026-11-19T10:00:00Z")
    assert [model.id for model in registry.models()] == ["default", "mlp-1", "fast-2"]
    found = registry.find("fast-2")
    assert found.folder == paths.models() / "fast-2"
    assert found.card["test_accuracy"] == 0.99
    found.check()


def test_a_model_is_not_there_before_it_is_whole():
    with registry.new_model("fast-1") as folder:
        registry.write_card(folder, {"id": "fast-1"})
        assert [model.id for model in registry.models()] == ["default"]
        with pytest.raises(ModelError, match="There is no model named"):
            registry.find("fast-1")
    assert registry.find("fast-1").id == "fast-1"


def test_what_a_crash_left_half_written_is_never_listed():
    add_model("fast-1")
    (paths.models() / "fast-1").rename(paths.models() / ".fast-1-0123456789abcdef")
    assert [model.id for model in registry.models()] == ["default"]
    for name in ("fast-1", ".fast-1-0123456789abcdef"):
        with pytest.raises(ModelError, match="There is no model named"):
            registry.find(name)


def test_a_model_without_a_card_is_left_out_of_the_list_and_named_when_asked_for():
    add_model("fast-1")
    (paths.models() / "fast-2").mkdir()
    (paths.models() / "fast-3").touch()
    assert [model.id for model in registry.models()] == ["default", "fast-1"]
    with pytest.raises(ModelError, match=r"fast-2.card\.json can't be read"):
        registry.find("fast-2")


def test_a_model_that_can_not_be_saved_is_refused_in_a_sentence(home):
    home.mkdir()
    (home / "models").touch()
    with pytest.raises(ModelError, match=r"^The model fast-1 can't be saved: .+\.$"):
        add_model("fast-1")


def test_check_names_the_file_that_was_altered():
    model = add_model("fast-1")
    damage("fast-1")
    with pytest.raises(ModelError, match=r"model\.tflite is damaged"):
        registry.find(model.id).check()


# Which one serves


def test_a_published_model_serves_until_it_is_rolled_back():
    for name in ("fast-1", "mlp-2"):
        add_model(name)
    assert registry.published() == "default"
    assert registry.publish("fast-1").id == registry.published() == registry.find().id == "fast-1"
    assert registry.publish("mlp-2").id == registry.find().id == "mlp-2"
    assert registry.rollback().id == registry.published() == "fast-1"
    assert registry.rollback().id == registry.published() == "default"
    with pytest.raises(ModelError, match="none served before it"):
        registry.rollback()


def test_a_rollback_can_be_followed_by_another_publication():
    for name in ("fast-1", "fast-2", "fast-3"):
        add_model(name)
    registry.publish("fast-1")
    registry.publish("fast-2")
    registry.rollback()
    registry.publish("fast-3")
    assert registry.rollback().id == "fast-1"


def test_publishing_what_serves_already_changes_nothing():
    add_model("fast-1")
    registry.publish("fast-1")
    registry.publish("fast-1")
    assert registry.rollback().id == "default"


def test_the_model_that_ships_can_be_published_over_another():
    add_model("fast-1")
    registry.publish("fast-1")
    assert registry.publish("default").folder == paths.shipped_model()
    assert registry.rollback().id == "fast-1"


def test_every_event_is_kept_with_its_time():
    add_model("fast-1")
    registry.publish("fast-1")
    registry.rollback()
    registry.publish("fast-1")
    events = json.loads((paths.models() / "published.json").read_text())
    assert [(e["event"], e["id"]) for e in events] == [
        ("publish", "fast-1"),
        ("rollback", "fast-1"),
        ("publish", "fast-1"),
    ]
    times = [e["at"] for e in events]
    assert times == sorted(times) and times[0] > 1e9


def test_another_process_sees_what_is_published():
    add_model("fast-1")
    registry.publish("fast-1")
    script = "from mnist_core import registry; print(registry.find().id)"
    words = [sys.executable, "-c", script]
    assert subprocess.check_output(words, cwd=paths.PROJECT, text=True) == "fast-1\n"


def test_the_one_before_serves_where_the_published_one_is_damaged_or_gone():
    for name in ("fast-1", "fast-2", "fast-3"):
        add_model(name)
        registry.publish(name)
    damage("fast-3")
    assert registry.find().id == "fast-2"
    (paths.models() / "fast-2" / "card.json").unlink()
    assert registry.find().id == "fast-1"
    (paths.models() / "fast-1").rename(paths.models() / "elsewhere")
    assert registry.find().id == "default"


def test_a_damaged_model_is_not_published():
    add_model("fast-1")
    add_model("fast-2")
    registry.publish("fast-1")
    damage("fast-2")
    with pytest.raises(ModelError, match=r"model\.tflite is damaged"):
        registry.publish("fast-2")
    assert registry.published() == "fast-1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b'{"id": "fast-1"}',
        b"\xff\xfe",
        b'[{"id": "fast-1"}]',
        b"[" * 9999,
    ],
)
def test_a_history_that_can_not_be_read_has_the_shipped_model_serve(content):
    add_model("fast-1")
    (paths.models() / "published.json").write_bytes(content)
    assert registry.published() == "default"
    assert registry.find().id == "default"
    assert registry.publish("fast-1").id == registry.find().id == "fast-1"


def test_a_history_of_strange_ids_leads_nowhere():
    add_model("fast-1")
    registry.publish("fast-1")
    file = paths.models() / "published.json"
    strange = {"id": "../../models/default", "at": 1.0, "event": "publish"}
    file.write_text(json.dumps([*json.loads(file.read_text()), strange]))
    assert registry.find().id == "fast-1"


def test_publications_at_the_same_time_are_all_remembered():
    names = [f"fast-{i}" for i in range(12)]
    for name in names:
        add_model(name)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(registry.publish, names))
    events = json.loads((paths.models() / "published.json").read_text())
    assert sorted(e["id"] for e in events) == sorted(names)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: registry.rollback(), names))
    assert registry.published() == "default"


def test_a_choice_that_can_not_be_written_down_is_refused_in_a_sentence():
    add_model("fast-1")
    (paths.models() / "published.json").mkdir()
    with pytest.raises(ModelError, match=r"^The choice can't be written down: .+\.$"):
        registry.publish("fast-1")
    assert registry.find().id == "default"


def test_another_edition_is_another_model_or_the_same_one_trained_anew(home):
    assert registry.edition() == registry.edition()
    assert registry.edition()[0] == registry.SHIPPED
    shipped = registry.edition()
    add_model("mlp-1")
    registry.publish("mlp-1")
    first = registry.edition()
    assert first[0] == "mlp-1"
    assert first != shipped
    card = paths.models() / "mlp-1" / "card.json"
    os.utime(card, ns=(1, 1))
    assert registry.edition() == ("mlp-1", 1)
    shutil.rmtree(card.parent)
    assert registry.edition() == ("mlp-1", 0)


def test_the_edition_of_any_model_can_be_asked_for():
    add_model("fast-1")
    add_model("mlp-2")
    registry.publish("mlp-2")
    card = paths.models() / "fast-1" / "card.json"
    os.utime(card, ns=(7, 7))
    assert registry.edition("fast-1") == ("fast-1", 7)
    shipped = (paths.shipped_model() / "card.json").stat().st_mtime_ns
    assert registry.edition("default") == ("default", shipped)
    assert registry.edition("mlp-2") == registry.edition()
    assert registry.edition("fast-9") == ("fast-9", 0)


# Deleting


def test_a_deleted_model_is_gone():
    for name in ("fast-1", "fast-2"):
        add_model(name)
    registry.delete("fast-1")
    assert [model.id for model in registry.models()] == ["default", "fast-2"]
    with pytest.raises(ModelError, match=r"There is no model named 'fast-1'\."):
        registry.find("fast-1")
    registry.find("fast-2").check()
    assert sorted(file.name for file in paths.models().iterdir()) == [".published.lock", "fast-2"]


def test_one_that_is_not_there_is_as_good_as_deleted():
    registry.delete("fast-1")
    add_model("fast-1")
    for _ in range(2):
        registry.delete("fast-1")
    assert [model.id for model in registry.models()] == ["default"]


def test_a_damaged_model_can_be_deleted():
    add_model("fast-1")
    (paths.models() / "fast-1" / "card.json").unlink()
    registry.delete("fast-1")
    assert not (paths.models() / "fast-1").exists()


def test_the_one_that_serves_can_not_be_deleted_until_another_does():
    for name in ("fast-1", "fast-2"):
        add_model(name)
        registry.publish(name)
    with pytest.raises(ModelError, match=r"^fast-2 reads the drawings now: have another network "):
        registry.delete("fast-2")
    assert registry.find().id == "fast-2"
    registry.rollback()
    registry.delete("fast-2")
    assert registry.find().id == registry.published() == "fast-1"


def test_neither_can_the_one_that_stands_in_for_it():
    for name in ("fast-1", "fast-2", "fast-3"):
        add_model(name)
        registry.publish(name)
    damage("fast-3")
    for name in ("fast-2", "fast-3"):
        with pytest.raises(ModelError, match=f"^{name} reads the drawings now"):
            registry.delete(name)
    registry.delete("fast-1")
    assert registry.find().id == "fast-2"


@pytest.mark.parametrize("model_id", ["default", "", "..", ".", "DEFAULT", "a/b", "fast-1\0"])
def test_what_ships_and_what_is_no_name_can_not_be_deleted(model_id):
    add_model("fast-1")
    with pytest.raises(ModelError, match=re.escape(f"The model {model_id!r} can't be deleted.")):
        registry.delete(model_id)
    assert [model.id for model in registry.models()] == ["default", "fast-1"]
    registry.find("default").check()


def test_one_that_can_not_be_deleted_is_still_whole(monkeypatch):
    add_model("fast-1")

    def refuse(folder):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as there:
        there.setattr(registry, "remove_folder", refuse)
        with pytest.raises(
            ModelError, match=r"^The model fast-1 can't be deleted: Read-only .+\.$"
        ):
            registry.delete("fast-1")
    registry.find("fast-1").check()
