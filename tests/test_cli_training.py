import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from dataclasses import replace

import numpy as np
import pytest

from mnist_core import cli, cli_training, generated_sets, inference, paths, registry, store, trainer
from mnist_core.datasets import Digits
from mnist_core.settings import PRESETS

TINY = ["--preset", "mlp", "--hidden", "12", "--data", "generated", "--images", "130"]


@pytest.fixture
def generated(home, monkeypatch):
    """Digits to learn from; the first hundred again and again, since making them takes seconds."""
    make = generated_sets._make
    sets = (
        lambda: generated_sets.training(130, 1),
        generated_sets.validation,
        generated_sets.test,
    )
    for keep in sets:
        made = []

        def once(wanted, chunk_seed, made=made):
            made.append(made[0] if made else make(wanted, chunk_seed))
            return Digits(made[-1].images[:wanted], made[-1].labels[:wanted])

        with monkeypatch.context() as there:
            there.setattr(generated_sets, "_make", once)
            keep()


def add_model(model_id, **card):
    with registry.new_model(model_id) as folder:
        (folder / "model.tflite").write_bytes(model_id.encode())
        registry.write_card(folder, {"id": model_id, **card})


def add_run(**columns):
    with store.opened(write=True) as database:
        run = store.add_run(database, PRESETS["fast"].settings, owner="")
        store.update(database, run.id, **columns)
    return store.find_run(run.id)


def popen(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "mnist_core", *arguments],
        cwd=paths.PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments):
    with popen(*arguments) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def complaint(err):
    """The one line on stderr, without the program's name."""
    (line,) = err.splitlines()
    return line.removeprefix("python -m mnist_core: ")


def wait_until_it_trains(run_id, process):
    until = time.monotonic() + 60
    while not any(r.id == run_id and r.step > 5 for r in store.runs("running")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)


# The real thing


def test_train_pause_by_ctrl_c_resume_and_stop(generated):
    with popen("train", *TINY, "--epochs", "200", "--batch-size", "48") as training:
        wait_until_it_trains("mlp-1", training)
        here, there = (os.getpriority(os.PRIO_PROCESS, pid) for pid in (0, training.pid))
        assert there == max(here, 10), "trainings step back"
        training.send_signal(signal.SIGINT)
        out, err = training.communicate(timeout=60)
    assert training.returncode == 0
    begun, paused, go_on = out.splitlines()
    assert begun == "mlp-1: Classic MLP"
    assert paused.startswith("mlp-1: paused after ") and paused.endswith(" of 600 batches.")
    assert go_on == "Go on with: python -m mnist_core resume mlp-1"
    assert "Traceback" not in err
    assert "Starting" in err.splitlines()
    assert any(line.startswith("Epoch 1 of 200: validation ") for line in err.splitlines())
    kept = store.find_run("mlp-1")
    assert (kept.state, kept.settings.hidden, kept.settings.batch_size) == ("paused", (12,), 48)

    with popen("resume", "mlp-1") as training:
        wait_until_it_trains("mlp-1", training)
        trainer.stop("mlp-1")
        out, err = training.communicate(timeout=60)
    assert training.returncode == 0
    assert out.splitlines()[1].startswith("mlp-1: stopped after ")
    assert out.splitlines()[2] == "Put it to work with: python -m mnist_core publish mlp-1"
    assert "Traceback" not in err
    ended = store.find_run("mlp-1")
    assert (ended.state, ended.model) == ("stopped", "mlp-1")
    assert ended.step >= kept.step

    assert cli.main(["publish", "mlp-1"]) == 0
    assert inference.Classifier.load().model.id == "mlp-1"


LEAN = """
import sys
from mnist_core import cli_training
refused = RuntimeError("it is not there")
try:
    with cli_training.without(*cli_training._UNUSED):
        import keras
        raise refused
except RuntimeError as error:
    assert error is refused
loaded = {name.partition(".")[0] for name in sys.modules}
assert "tensorflow" in loaded
print(sorted(loaded & {"pandas", "sklearn"}))
import pandas, sklearn
with cli_training.without("pandas"):
    import pandas as again
assert again is pandas
"""


def test_a_training_starts_without_what_keras_loads_for_others():
    done = subprocess.run(
        [sys.executable, "-c", LEAN],
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "[]\n", "they stay out, and are there again for whoever asks"


def test_the_bar_on_a_terminal(generated):
    """Every frame fits on a line of 80 columns with a ^C to spare, and nothing tears it."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with subprocess.Popen(
        [sys.executable, "-m", "mnist_core", "train", *TINY, "--epochs", "100"],
        cwd=paths.PROJECT,
        env={**os.environ, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as training:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # so Linux says that the other side is closed
            while more := os.read(ours, 10_000):
                written += more
        os.close(ours)
    assert training.returncode == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
    first, *frames = re.split(r"[\r\n]+", shown.strip())
    *bars, finished, publish = frames
    assert first == "mlp-1: Classic MLP"
    assert finished.startswith("mlp-1: finished after ") and publish.startswith("Put it to work")
    for bar in bars:
        assert re.fullmatch(r"(Starting|Building|Epoch|Writing).* \d+ % [ \d:-]*", bar)
        assert len(bar) <= 78
    assert bars[0].startswith("Starting")
    assert bars[-1].startswith("Epoch 100 of 100, validation ") and "100 %" in bars[-1]


# train and resume


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--epochs", "0"], "Epochs: Give a whole number from 1 to 200."),
        (["--epochs", "many"], "invalid int value"),
        (["--batch-size", "4"], "Batch size: Give a whole number from 8 to 2,048."),
        (["--learning-rate", "0"], "Learning rate: Give a number from 0.00001 to 1."),
        (["--learning-rate", "nan"], "Learning rate: Give a number"),
        (["--optimizer", "lion"], "Optimizer: Choose one of adam"),
        (["--schedule", "steps"], "Schedule: Choose one of constant"),
        (["--activation", "gelu"], "Activation: Choose one of relu"),
        (["--hidden", "a,b"], "Give whole numbers with commas"),
        (["--preset", "mlp", "--hidden", "5000"], "Hidden: Give whole numbers from 1 to 2,048"),
        (["--filters", ""], "Filters: Give the filters of at least one layer"),
        (["--dropout", "0.9"], "Dropout: Give a number from 0 to 0.8."),
        (["--images", "5"], "Images: Give a whole number from 100"),
        (["--seed", "-1"], "Seed: Give a whole number"),
        (["--data", "emnist"], "invalid choice"),
        (["--preset", "huge"], "invalid choice"),
        (["x"], "unrecognized arguments"),
    ],
)
def test_wrong_settings_are_one_line(arguments, says, home, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["train", *arguments])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert says in err and "--help" in err
    assert not home.exists()


def test_what_is_typed_becomes_the_settings(monkeypatch, home):
    wanted = []
    monkeypatch.setattr(
        cli_training,
        "train",
        lambda what, **_: wanted.append(what) or add_run(state="stopped"),
    )
    assert cli.main(["train"]) == 0
    assert cli.main(["train", "--preset", "mlp", *TINY, "--activation", "tanh", "--augment"]) == 0
    assert cli.main(["train", "--preset", "best", "--no-augment", "--learning-rate", "1e-4"]) == 0
    assert cli.main(["train", "--run", "fast-1"]) == 0
    assert cli.main(["resume", "fast-1"]) == 0
    mlp, best = PRESETS["mlp"].settings, PRESETS["best"].settings
    assert wanted == [
        PRESETS["fast"].settings,
        replace(mlp, hidden=(12,), data="generated", images=130, activation="tanh", augment=True),
        replace(best, augment=False, learning_rate=1e-4),
        "fast-1",
        "fast-1",
    ]


@pytest.mark.parametrize(
    ("columns", "status", "says"),
    [
        ({"state": "failed", "message": "It\nrained."}, 1, "fast-1 failed: It rained."),
        (
            {"state": "paused", "step": 1500, "steps": 3000},
            0,
            "fast-1: paused after 1,500 of 3,000 batches.",
        ),
        ({"state": "paused"}, 0, "fast-1: paused before it began."),
        ({"state": "stopped"}, 0, "fast-1: stopped before there was anything to keep."),
        (
            {
                "state": "finished",
                "model": "fast-1",
                "seconds": 12.34,
                "validation_accuracy": 0.9912,
                "test_accuracy": 0.99,
            },
            0,
            "fast-1: finished after 12.3 s. Validation 99.12 %, test 99.00 %.",
        ),
    ],
)
def test_how_it_ended_is_told(columns, status, says, home, monkeypatch, capsys):
    ended = add_run(**columns)
    monkeypatch.setattr(cli_training, "train", lambda what, **_: ended)
    assert cli.main(["resume", "fast-1"]) == status
    out, err = capsys.readouterr()
    if status:
        assert (out, complaint(err)) == ("", says)
    else:
        assert (out.splitlines()[0], err) == (says, "")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (None, "There is no run named 'fast-1'."),
        ("finished", "fast-1 is finished: it can't be trained on."),
    ],
)
def test_what_can_not_go_on_is_one_line(state, says, home):
    if state:
        add_run(state=state)
    status, out, err = run("resume", "fast-1")
    assert (status, out, complaint(err)) == (1, "", says)


def test_a_second_training_is_refused_in_one_line(home):
    with trainer.sole_trainer(PRESETS["fast"].settings) as first:
        status, out, err = run("train", *TINY)
        with store.opened(write=True) as database:
            store.update(database, first.id, state="finished")
    assert (status, out) == (1, "")
    assert complaint(err).startswith("A training is under way")
    assert len(store.runs()) == 1


def test_a_database_that_can_not_be_used_is_one_line(home):
    home.mkdir()
    store.file().write_bytes(b"no database" * 100)
    status, out, err = run("train", *TINY)
    assert (status, out) == (1, "")
    assert complaint(err).startswith("The database of runs and drawings")


# models, publish, rollback


def test_models_as_json(home, capsys):
    add_model("fast-2", test_accuracy=0.99, created="2026-11-20T10:00:00Z")
    add_model("mlp-1", created="2026-11-19T10:00:00Z")
    assert cli.main(["publish", "fast-2"]) == 0
    assert capsys.readouterr() == ("fast-2 reads the drawings now.\n", "")
    assert cli.main(["models", "--json"]) == 0
    shipped, mlp, fast = json.loads(capsys.readouterr().out)
    assert (shipped["id"], shipped["published"]) == ("default", False)
    assert 0.99 < shipped["test_accuracy"] < 1
    assert (mlp["id"], mlp["published"], mlp["test_accuracy"]) == ("mlp-1", False, None)
    assert (fast["id"], fast["published"], fast["test_accuracy"]) == ("fast-2", True, 0.99)


def test_models_in_lines(home, capsys):
    add_model("fast-2", test_accuracy=0.99, parameters=12_345)
    assert cli.main(["models"]) == 0
    shipped, fast = capsys.readouterr().out.splitlines()
    assert shipped.startswith("* default ")
    assert fast.startswith("  fast-2 ")
    assert "test 99.00 %" in fast and fast.endswith("12,345 parameters")


def test_the_model_that_serves_is_marked_not_one_that_is_damaged(home, capsys):
    add_model("fast-2")
    cli.main(["publish", "fast-2"])
    (paths.models() / "fast-2" / "model.tflite").write_bytes(b"damaged")
    capsys.readouterr()
    assert cli.main(["models", "--json"]) == 0
    published = {each["id"]: each["published"] for each in json.loads(capsys.readouterr().out)}
    assert published == {"default": True, "fast-2": False}


def test_rollback(home, capsys):
    add_model("fast-2")
    cli.main(["publish", "fast-2"])
    capsys.readouterr()
    assert cli.main(["rollback"]) == 0
    assert capsys.readouterr() == ("default reads the drawings now.\n", "")
    assert cli.main(["rollback"]) == 1
    out, err = capsys.readouterr()
    assert (out, complaint(err)) == (
        "",
        "The model that ships is serving, and none served before it.",
    )


@pytest.mark.parametrize("model_id", ["fast-9", "../default", ""])
def test_an_unknown_model_is_one_line(model_id, home, capsys):
    for arguments in (["publish", model_id], ["evaluate", "--model", model_id]):
        assert cli.main(arguments) == 1
        out, err = capsys.readouterr()
        assert (out, complaint(err)) == ("", f"There is no model named {model_id!r}.")


def test_a_damaged_model_is_not_published(home, capsys):
    add_model("fast-2")
    (paths.models() / "fast-2" / "model.tflite").write_bytes(b"damaged")
    assert cli.main(["publish", "fast-2"]) == 1
    assert "is damaged or was altered" in complaint(capsys.readouterr().err)
    assert registry.published() == "default"


# evaluate


@pytest.fixture
def few(monkeypatch):
    """Few generated digits in place of a thousand, and few drawings that are none."""
    from mnist_core import generated, heldout

    made = generated.make_digits(60, seed=8)
    monkeypatch.setattr(heldout, "generated_digits", lambda: Digits(made.images, made.labels))
    monkeypatch.setattr(heldout, "_EACH", 2)


def test_evaluate_without_mnist_goes_by_generated_digits(offline, few, capsys):
    assert cli.main(["evaluate"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"default: [0-9.]+ % of 60 read right: generated digits; worst \d \([0-9.]+ %\),"
        r" calibration error [0-9.]+ %",
        line,
    )


@pytest.mark.parametrize("arguments", [[], ["--model", "default"]])
def test_evaluate_as_json(arguments, offline, few, capsys):
    assert cli.main(["evaluate", "--json", *arguments]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["model"] == "default"
    assert list(measured["sets"]) == ["generated digits"]
    values = measured["sets"]["generated digits"]
    assert list(values) == ["count", "accuracy", "recalls", "calibration_error"]
    assert (values["count"], len(values["recalls"])) == (60, 10)
    assert 0.9 < values["accuracy"] <= 1


def test_evaluate_on_every_set_there_is(offline, few, capsys):
    from mnist_core import heldout

    there = list(heldout.sets(complain=pytest.fail))
    together = ["no digit, validation", "no digit, unseen"]
    assert cli.main(["evaluate", "--all", "--json"]) == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert list(sets) == [*there, *together]
    assert sets["no digit, unseen: pairs"].keys() == {"count", "flagged"}
    assert cli.main(["evaluate", "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(sets)
    for name, line in zip(sets, lines, strict=True):
        flagged = re.fullmatch(r"default: [0-9.]+ % of \d+ flagged: (.+)", line)
        assert flagged is None if name == "generated digits" else flagged[1] == name


def test_evaluate_says_how_each_set_was_read(home, monkeypatch, capsys):
    from mnist_core import examination, heldout
    from mnist_core.evaluation import Evaluation

    confusion = np.diag([90] * 10).astype(np.uint32)
    confusion[4, 9] = 10
    results = [
        ("pens", examination.Result(910, Evaluation(confusion), 0.0123, 0.025)),
        ("letters", examination.Result(1720, None, None, 0.9)),
    ]
    monkeypatch.setattr(heldout, "sets", lambda complain: {})
    monkeypatch.setattr(examination, "examine_all", lambda classifier, drawn: iter(results))
    assert cli.main(["evaluate", "--all"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "default: 98.90 % of 910 read right: pens; worst 4 (90.00 %), calibration error 1.23 %,"
        " 2.50 % of those read right flagged",
        "default: 90.00 % of 1,720 flagged: letters",
    ]
