import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_core import cli, datasets, inference, paths
from mnist_core.errors import DataMissing, ModelError
from mnist_core.inference import Reading


def reading(label: int, confidence: float, verdict: Any = "digit", reason: str = "") -> Reading:
    probabilities = np.full(10, (1 - confidence) / 9, np.float32)
    probabilities[label] = confidence
    return Reading(np.zeros((28, 28), np.uint8), probabilities, label, confidence, verdict, reason)


# What the fake network makes of pictures of one grey level.
READINGS = {
    70: reading(7, 0.998),
    40: reading(4, 0.571, "unsure", "It could be a 4 or a 9."),
    30: reading(3, 0.4, "not a digit", "It is unlike any digit."),
    0: Reading(
        np.zeros((28, 28), np.uint8),
        np.full(10, 0.1, np.float32),
        0,
        0.0,
        "blank",
        "There is nothing to read yet.",
    ),
}


def read(image: np.ndarray) -> Reading:
    return READINGS[int(image[0, 0])]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    for name, level in {"seven": 70, "four": 40, "cat": 30, "blank": 0}.items():
        Image.new("L", (4, 4), level).save(f"{name}.png")
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return ["seven.png", "broken.png", "four.png", "cat.png", "missing.png", "blank.png"]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference.Classifier, "load", lambda: None)
    monkeypatch.setattr(inference, "read_drawing", lambda image, _: read(image))


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mnist_core", *arguments],
        cwd=paths.PROJECT,
        text=True,
        timeout=60,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


# predict


def test_predict_prints_a_line_a_file(files: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.predict(files, as_json=False, read=read) == 1
    out, err = capfd.readouterr()
    assert out.splitlines() == [
        "seven.png: 7 (99.8 %)",
        "four.png: 4 (57.1 %), unsure - It could be a 4 or a 9.",
        "cat.png: not a digit - It is unlike any digit.",
        "blank.png: blank - There is nothing to read yet.",
    ]
    broken, missing = err.splitlines()
    assert "broken.png: The PNG picture is damaged" in broken
    assert "missing.png: There is no such file" in missing


def test_predict_as_json(files: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.predict(files, as_json=True, read=read) == 1
    out, err = capfd.readouterr()
    objects = json.loads(out)
    assert [each["file"] for each in objects] == files
    assert len(err.splitlines()) == 2
    seven, broken, four, cat, missing, blank = objects
    keys = ["file", "label", "confidence", "probabilities", "verdict", "reason"]
    for each in (seven, four, cat, blank):
        assert list(each) == keys
        assert len(each["probabilities"]) == 10
        assert sum(each["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert (seven["label"], seven["verdict"], seven["reason"]) == (7, "digit", "")
    assert seven["confidence"] == pytest.approx(0.998)
    assert (four["label"], four["verdict"]) == (4, "unsure")
    assert (cat["label"], cat["verdict"]) == (3, "not a digit")
    assert (blank["label"], blank["confidence"], blank["verdict"]) == (None, 0, "blank")
    for each in (broken, missing):
        assert list(each) == ["file", "error"]


def test_predict_succeeds_if_every_file_does(
    files: list[str], network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["predict", "seven.png", "blank.png"]) == 0
    assert cli.main(["predict", "--json", "seven.png"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("seven.png: 7 (99.8 %)\nblank.png: blank - ")
    assert err == ""


def test_odd_file_names_stay_on_one_line(
    files: list[str], network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("seven.png").rename("a\nb\x1b[1m.png")
    assert cli.main(["predict", "a\nb\x1b[1m.png", "no\nne\udcff"]) == 1
    out, err = capsys.readouterr()
    assert out == "a\\nb\\x1b[1m.png: 7 (99.8 %)\n"
    assert len(err.splitlines()) == 1


def test_libraries_that_write_to_the_terminal_are_kept_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "TIFF", compression="tiff_lzw")
    data = bytearray(file.getvalue())
    data[20:60] = 40 * b"\xff"
    (tmp_path / "lzw.tif").write_bytes(data)
    assert cli.predict([str(tmp_path / "lzw.tif")], as_json=True, read=read) == 1
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_missing_model_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise ModelError("The model file is missing.")

    monkeypatch.setattr(inference.Classifier, "load", missing)
    assert cli.main(["predict", "seven.png"]) == 1
    assert capsys.readouterr() == ("", "python -m mnist_core: The model file is missing.\n")


def test_predict_with_the_model_that_ships(tmp_path: Path) -> None:
    if not (paths.shipped_model() / "card.json").is_file():
        pytest.skip("no model was built yet")
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    one = np.zeros((50, 50), np.uint8)
    one[10:40, 23:27] = 255
    Image.fromarray(one).save(tmp_path / "one.png")
    done = run(
        "predict", "--json", *(str(tmp_path / name) for name in ("blank.png", "one.png", ""))
    )
    assert done.returncode == 1
    blank, drawn, folder = json.loads(done.stdout)
    assert drawn["label"] == 1
    assert blank["verdict"] == "blank"
    assert "folder" in folder["error"]
    assert len(done.stderr.splitlines()) == 1, "nothing from libraries"


# data


def test_data_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    location = datasets.MnistLocation("project", (tmp_path / "mnist.npz",))

    def fetch(*, progress: Callable[[int, int | None], None] | None) -> datasets.MnistLocation:
        if progress:
            progress(5_000_000, 10_000_000)
            progress(6_000_000, None)
        return location

    monkeypatch.setattr(datasets, "fetch_mnist", fetch)
    assert cli.main(["data", "fetch"]) == 0
    out, err = capsys.readouterr()
    assert out == f"MNIST is complete: {tmp_path / 'mnist.npz'}\n"
    assert err == "", "no progress unless a person is watching"

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli.main(["data", "fetch"]) == 0
    err = capsys.readouterr().err
    assert " 50% of 10.0 MB" in err and " 6.0 MB" in err
    assert err.startswith("\r") and err.endswith("\n")


def test_data_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def report(problem: str | None) -> datasets.ArrayReport:
        return datasets.ArrayReport("project", Path("mnist.npz"), "test labels", (9,), problem)

    monkeypatch.setattr(datasets, "verify_mnist", lambda: [report(None)])
    assert cli.main(["data", "verify"]) == 0
    assert capsys.readouterr() == ("mnist.npz: test labels: intact\n", "")
    monkeypatch.setattr(datasets, "verify_mnist", lambda: [report(None), report("It is bad.")])
    assert cli.main(["data", "verify"]) == 1
    assert capsys.readouterr().err == "python -m mnist_core: It is bad.\n"


def test_data_missing_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise DataMissing("MNIST was not found.")

    monkeypatch.setattr(datasets, "verify_mnist", missing)
    assert cli.main(["data", "verify"]) == 1
    assert capsys.readouterr() == ("", "python -m mnist_core: MNIST was not found.\n")


# Arguments, statuses, output that breaks.


@pytest.mark.parametrize(
    "arguments",
    [["predict"], ["nonsense"], ["predict", "--nonsense", "x"], ["data", "x"], ["--nonsense"]],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "--help" in err


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_no_command_shows_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert "usage: python -m mnist_core" in out and err == ""


@pytest.mark.parametrize("command", [[], ["predict"], ["data"], ["data", "fetch"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"])
    assert caught.value.code == 0
    assert "usage: " + " ".join(["python -m mnist_core", *command]) in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    name, version = capsys.readouterr().out.rsplit(maxsplit=1)
    assert name == "Digit Studio"
    assert f'version = "{version}"' in (paths.PROJECT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 1, ""),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (RuntimeError("a\nbug"), 1, "internal error: RuntimeError: a\\nbug"),
    ],
)
def test_errors_on_the_way(
    error: BaseException,
    status: int,
    says: str,
    files: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(inference.Classifier, "load", fail)
    monkeypatch.setattr(cli, "_drop_output", lambda: None)
    assert cli.main(["predict", "seven.png"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err and len(err.splitlines()) == bool(says)


def test_interrupt_from_the_keyboard(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow.png")  # opening it waits for a writer
    script = f"""
import signal, sys, threading
from mnist_core import cli
cli._predict = lambda arguments: cli.predict(arguments.files, as_json=False, read=None)
main = threading.main_thread().ident
threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT]).start()
sys.exit(cli.main(["predict", {str(tmp_path / "slow.png")!r}]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 130
    assert done.stderr == "python -m mnist_core: interrupted\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = run("--version", stdout=full)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "No space left" in done.stderr


def test_closed_pipe_is_silent() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_core", "--version"],
        cwd=paths.PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait() == 1


def test_help_is_quick_to_import() -> None:
    script = "import sys, mnist_core.cli as c; c._parser(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"numpy", "PIL", "tensorflow", "ai_edge_litert"} & set(done.stdout.split())
