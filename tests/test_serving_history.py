"""Which models were to serve when, and the way back through those that are left."""

import json
import shutil
from pathlib import Path

import pytest

from mnist_core import paths, registry, serving_history
from mnist_core.errors import ModelError
from mnist_core.serving_history import Served

pytestmark = pytest.mark.usefixtures("home")

BEGINNING = Served("default", None, False)


def publish(*names):
    """Make models, and publish one after the other."""
    for name in names:
        with registry.new_model(name) as folder:
            (folder / "model.tflite").write_bytes(b"weights of " + name.encode())
            registry.write_card(folder, {"id": name})
        registry.publish(name)


def damage(model_id):
    (paths.models() / model_id / "model.tflite").write_bytes(b"damaged")


def remove(model_id):
    shutil.rmtree(paths.models() / model_id)


def write(*events):
    """Write the history: name, time, event."""
    paths.models().mkdir(parents=True, exist_ok=True)
    told = [{"id": name, "at": at, "event": event} for name, at, event in events]
    (paths.models() / "published.json").write_text(json.dumps(told))


def told():
    return [(period.id, period.rolled_back) for period in serving_history.served()]


# What was to serve when


def test_before_anything_is_published_the_one_that_ships_serves_from_the_beginning():
    assert serving_history.served() == [BEGINNING]
    assert serving_history.stack() == []


def test_every_choice_begins_a_period():
    write(
        ("fast-1", 10.0, "publish"),
        ("mlp-2", 20.5, "publish"),
        ("mlp-2", 30.0, "rollback"),
        ("default", 40.0, "publish"),
        ("default", 50.0, "rollback"),
        ("fast-1", 60.0, "rollback"),
    )
    assert serving_history.served() == [
        BEGINNING,
        Served("fast-1", 10.0, False),
        Served("mlp-2", 20.5, False),
        Served("fast-1", 30.0, True),
        Served("default", 40.0, False),
        Served("fast-1", 50.0, True),
        Served("default", 60.0, True),
    ]
    assert serving_history.stack() == []


def test_what_is_published_and_rolled_back_is_told_as_it_was():
    publish("fast-1", "fast-2")
    registry.rollback()
    publish("fast-3")
    assert told() == [
        ("default", False),
        ("fast-1", False),
        ("fast-2", False),
        ("fast-1", True),
        ("fast-3", False),
    ]
    assert serving_history.stack() == ["fast-1", "fast-3"]
    times = [period.since for period in serving_history.served()[1:]]
    assert times == sorted(times) and times[0] > 1e9


def test_a_deleted_model_keeps_its_place():
    publish("fast-1", "fast-2")
    before = serving_history.served()
    registry.delete("fast-1")
    assert serving_history.served() == before
    assert [period.id for period in before] == ["default", "fast-1", "fast-2"]


def test_more_steps_back_than_there_were_steps_lead_to_the_one_that_ships():
    write(("fast-1", 10.0, "rollback"), ("fast-1", 20.0, "rollback"), ("fast-2", 30.0, "publish"))
    assert told() == [("default", False), ("default", True), ("default", True), ("fast-2", False)]
    assert serving_history.stack() == ["fast-2"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"7",
        b"\xff\xfe",
        b"[" * 9999,
        b'[{"id": "fast-1", "at": 1.0}]',
        b'[{"id": "fast-1", "at": null, "event": "publish"}]',
        b'[{"id": "fast-1", "at": "noon", "event": "publish"}]',
        b'[{"id": "fast-1", "at": 1' + b"0" * 400 + b', "event": "publish"}]',
        b'[{"id": "fast-1", "at": 1.0, "event": "publish"}, 7]',
    ],
)
def test_a_damaged_history_tells_nothing_and_another_begins(content):
    paths.models().mkdir(parents=True)
    (paths.models() / "published.json").write_bytes(content)
    assert serving_history.served() == [BEGINNING]
    assert serving_history.stack() == []
    assert registry.published() == "default"
    assert registry.before() is None
    publish("fast-1")
    assert told() == [("default", False), ("fast-1", False)]


@pytest.mark.parametrize("name", ["../../models/default", "a\0b", "\ud800", "x" * 300, ""])
def test_a_strange_name_in_the_history_is_passed_over(name):
    publish("fast-1")
    write(("fast-1", 10.0, "publish"), (name, 20.0, "publish"))
    assert [period.id for period in serving_history.served()] == ["default", "fast-1", name]
    assert registry.find().id == registry.before() == "fast-1"
    assert registry.edition()[1] == 0
    assert registry.rollback().id == registry.published() == "fast-1"


def test_a_choice_that_can_not_be_written_down_is_refused_in_a_sentence(home):
    home.mkdir()
    (home / "models").touch()
    with (
        pytest.raises(ModelError, match=r"^The choice can't be written down: .+\.$"),
        serving_history.changing() as note,
    ):
        note("publish", "fast-1")


# The way back


def test_before_is_what_a_rollback_leads_to():
    assert registry.before() is None
    publish("fast-1", "fast-2")
    assert registry.before() == "fast-1"
    registry.rollback()
    assert registry.before() == "default"
    registry.rollback()
    assert registry.before() is None


@pytest.mark.parametrize("lose", [damage, remove, registry.delete])
def test_a_rollback_passes_over_what_is_gone_or_damaged(lose):
    publish("fast-1", "fast-2", "fast-3", "fast-4")
    lose("fast-2")
    lose("fast-3")
    assert registry.before() == "fast-1"
    assert registry.rollback().id == "fast-1"
    assert registry.published() == registry.find().id == "fast-1"
    assert serving_history.stack() == ["fast-1"]
    assert registry.before() == "default"


@pytest.mark.parametrize("lose", [damage, remove])
def test_a_rollback_past_all_that_are_left_leads_to_the_one_that_ships(lose):
    publish("fast-1", "fast-2")
    lose("fast-1")
    assert registry.before() == "default"
    assert registry.rollback().id == registry.published() == "default"
    assert serving_history.stack() == []
    with pytest.raises(ModelError, match="none served before it"):
        registry.rollback()


@pytest.mark.parametrize("lose", [damage, remove])
def test_a_rollback_from_one_that_is_gone_leads_to_the_one_that_stands_in_for_it(lose):
    publish("fast-1", "fast-2")
    lose("fast-2")
    assert registry.find().id == registry.before() == "fast-1"
    assert registry.rollback().id == registry.published() == "fast-1"


def test_the_one_that_ships_is_not_passed_over_where_it_was_published():
    publish("fast-1")
    registry.publish("default")
    publish("fast-2", "fast-3")
    remove("fast-2")
    assert registry.before() == "default"
    assert registry.rollback().id == registry.published() == "default"
    assert serving_history.stack() == ["fast-1", "default"]
    assert registry.before() == "fast-1"


def test_the_one_that_serves_is_not_gone_back_to():
    publish("fast-1", "fast-2")
    registry.publish("fast-1")
    remove("fast-2")
    assert registry.before() == "default"
    assert registry.rollback().id == registry.published() == "default"


def test_who_presses_second_takes_no_second_step_back():
    publish("fast-1", "fast-2", "fast-3")
    assert registry.rollback(to="fast-2").id == "fast-2"
    with pytest.raises(ModelError, match=r"^Somebody was quicker: fast-2 serves now"):
        registry.rollback(to="fast-2")
    assert registry.published() == "fast-2"


def test_a_history_that_can_not_be_read_for_now_is_not_begun_anew(monkeypatch):
    publish("fast-1", "fast-2")
    before = (paths.models() / "published.json").read_bytes()
    read = Path.read_bytes

    def refuse(file):
        if file.name == "published.json":
            raise OSError(5, "Input/output error")
        return read(file)

    with monkeypatch.context() as there:
        there.setattr(Path, "read_bytes", refuse)
        with pytest.raises(ModelError, match="can't be written down: Input/output error"):
            registry.publish("fast-1")
    assert (paths.models() / "published.json").read_bytes() == before
