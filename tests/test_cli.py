import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_core import background, cli, datasets, fetching, inference, maps, paths, stroke_files
from mnist_core.errors import DataMissing, ModelError
from mnist_core.generated import strokes_of
from mnist_core.inference import Reading
from mnist_core.strokes import render


def reading(label: int, confidence: float, verdict: Any = "digit", reason: str = "") -> Reading:
    probabilities = np.full(10, (1 - confidence) / 9, np.float32)
    probabilities[label] = confidence
    return Reading(np.zeros((28, 28), np.uint8), probabilities, label, confidence, verdict, reason)


# What the fake network makes of pictures of one grey level.
READINGS = {
    70: reading(7, 0.998),
    40: reading(4, 0.571, "unsure", "It could be a 4 or a 9."),
    30: reading(3, 0.4, "not a digit", "It is unlike any digit."),
    0: reading(0, 0.0, "blank", "There is nothing to read yet."),
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four pictures, one that is damaged and one that is missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inference.Classifier, "load", lambda: None)
    monkeypatch.setattr(inference, "read_drawing", lambda image, _: READINGS[int(image[0, 0])])
    for name, level in {"seven": 70, "four": 40, "cat": 30, "blank": 0}.items():
        Image.new("L", (4, 4), level).save(f"{name}.png")
    Path("broken.png").write_bytes(Path("cat.png").read_bytes()[:-20])
    return ["seven.png", "broken.png", "four.png", "cat.png", "missing.png", "blank.png"]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [sys.executable, *arguments], cwd=paths.PROJECT, text=True, timeout=60, **options
    )


# predict


def test_predict_prints_a_line_a_file(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", *files]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "seven.png: 7 (99.8 %)",
        "four.png: 4 (57 %), unsure - It could be a 4 or a 9.",
        "cat.png: not a digit - It is unlike any digit.",
        "blank.png: blank - There is nothing to read yet.",
    ]
    broken, missing = err.splitlines()
    assert "broken.png: The picture is damaged" in broken
    assert "missing.png: There is no such file" in missing


def test_predict_as_json(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", "--json", *files]) == 1
    out, err = capsys.readouterr()
    objects = json.loads(out)
    assert [each["file"] for each in objects] == files
    assert len(err.splitlines()) == 2
    seven, broken, four, cat, missing, blank = objects
    for each in (seven, four, cat, blank):
        assert list(each)[1:] == ["label", "confidence", "probabilities", "verdict", "reason"]
        assert len(each["probabilities"]) == 10
    assert (seven["label"], seven["verdict"], seven["reason"]) == (7, "digit", "")
    assert seven["confidence"] == 0.998
    assert (four["label"], four["verdict"]) == (4, "unsure")
    assert (cat["label"], cat["verdict"]) == (3, "not a digit")
    assert (blank["label"], blank["confidence"], blank["verdict"]) == (None, 0, "blank")
    for each in (broken, missing):
        assert list(each) == ["file", "error"]


def test_predict_succeeds_if_every_file_does(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["predict", "seven.png", "blank.png"]) == 0
    assert cli.main(["predict", "--json", "seven.png"]) == 0
    assert capsys.readouterr().err == ""


def test_file_names_that_are_no_text(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("seven.png").rename("s\udcff.png")
    assert cli.main(["predict", "s\udcff.png", "line\nbreak.png"]) == 1
    out, err = capsys.readouterr()
    assert out == "s\\udcff.png: 7 (99.8 %)\n"
    assert len(err.splitlines()) == 1


def test_predict_with_the_model_that_ships(tmp_path: Path) -> None:
    if not (paths.shipped_model() / "card.json").is_file():
        pytest.skip("no model was built yet")
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    Image.fromarray(render(strokes_of(3, "round"))).save(tmp_path / "three.png")
    names = [str(tmp_path / name) for name in ("three.png", "", "blank.png")]
    done = run("-m", "mnist_core", "predict", "--json", *names)
    assert done.returncode == 1
    three, folder, blank = json.loads(done.stdout)
    assert (three["label"], three["verdict"]) == (3, "digit")
    assert blank["verdict"] == "blank"
    assert "folder" in folder["error"]
    assert len(done.stderr.splitlines()) == 1, "nothing from libraries"


# data


def test_data_fetch(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch(*, progress: Any) -> datasets.MnistLocation:
        if progress:
            progress(5_000_000, 10_000_000)
            progress(6_000_000, None)
        return datasets.MnistLocation("project", (Path("mnist.npz"),))

    monkeypatch.setattr(datasets, "fetch_mnist", fetch)
    assert cli.main(["data", "fetch"]) == 0
    assert capsys.readouterr() == ("MNIST is complete: mnist.npz\n", ""), "nobody is watching"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli.main(["data", "fetch"]) == 0
    err = capsys.readouterr().err
    assert "5.0 of 10.0 MB\r" in err and "6.0 MB\r" in err


def test_data_fetch_of_strokes_too(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch(file: str) -> Any:
        def fetch(*, progress: Any) -> Path:
            progress(500_000, None)
            seen.append(fetching.status().words)
            return Path(file)

        return fetch

    seen: list[str] = []
    location = datasets.MnistLocation("project", (Path("mnist.npz"),))
    monkeypatch.setattr(datasets, "fetch_mnist", lambda *, progress: location)
    monkeypatch.setattr(stroke_files, "fetch_pendigits", fetch("digits.tra"))
    monkeypatch.setattr(stroke_files, "fetch_letters", fetch("letters.zip"))
    assert cli.main(["data", "fetch"]) == 0
    assert capsys.readouterr().out.count("\n") == 1, "not asked for"
    assert cli.main(["data", "fetch", "--strokes"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "MNIST is complete: mnist.npz",
        "The pen digits are complete: digits.tra",
        "The letters are complete: letters.zip",
    ]
    assert seen == ["Downloading pen digits: 0.5 MB", "Downloading letters: 0.5 MB"]


def test_only_one_fetches_at_a_time(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with background.at_work("fetch"):
        assert cli.main(["data", "fetch"]) == 1
    assert capsys.readouterr() == (
        "",
        "python -m mnist_core: Another process is doing this already: wait for its end.\n",
    )


def test_pages_are_told_how_far_a_fetch_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*, progress: Any) -> datasets.MnistLocation:
        progress(5_000_000, 10_000_000)
        seen.append(fetching.status())
        raise DataMissing("MNIST could not be downloaded.")

    seen: list[background.Status] = []
    monkeypatch.setattr(datasets, "fetch_mnist", fetch)
    assert cli.main(["data", "fetch"]) == 1
    assert seen == [background.Status(True, 0.5, "Downloading MNIST: 5.0 of 10.0 MB")]
    assert fetching.status().error == "MNIST could not be downloaded."


def test_a_page_starts_a_fetch(offline: None) -> None:
    fetching.start()
    assert fetching.status().running
    until = time.monotonic() + 30
    while fetching.status().running and time.monotonic() < until:
        time.sleep(0.02)
    assert fetching.status().error.startswith("MNIST could not be downloaded (")


def test_data_map(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = maps.DigitMap(np.arange(3, dtype=np.int32), np.zeros((3, 2), np.float32))

    def make(split: str, tell: background.Tell) -> maps.DigitMap:
        tell(0.5, "Half")
        made.append((split, maps.status("test").words))
        return drawn

    made: list[tuple[str, str]] = []
    monkeypatch.setattr(maps, "make_map", make)
    assert cli.main(["data", "map", "test"]) == 0
    assert made == [("test", "Half")]
    assert capsys.readouterr() == ("test: a map of 3 digits is kept.\n", "")
    monkeypatch.setattr(maps, "kept_map", lambda split: drawn)
    assert cli.main(["data", "map", "test"]) == 0
    assert len(made) == 1, "it is there"


def test_data_read(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    digits = datasets.Digits(np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.uint8))
    monkeypatch.setattr(datasets, "load_mnist", lambda split: digits)
    assert cli.main(["data", "read", "train"]) == 0
    assert capfd.readouterr() == ("train: what default says of 3 digits is kept.\n", "")
    assert cli.main(["data", "read", "test", "--model", "nobody"]) == 1
    assert capfd.readouterr().err == ("python -m mnist_core: There is no model named 'nobody'.\n")


def strokes_here(monkeypatch: pytest.MonkeyPatch, *problems: str | None) -> None:
    """As many collections of pen strokes, with these problems."""
    reports = [
        stroke_files.FileReport(spec.title, Path(spec.file_name), problem)
        for spec, problem in zip(stroke_files.COLLECTIONS, problems, strict=False)
    ]
    monkeypatch.setattr(stroke_files, "verify", lambda: reports)


def test_data_verify(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def report(problem: str | None) -> datasets.ArrayReport:
        return datasets.ArrayReport("project", Path("mnist.npz"), "test labels", (9,), problem)

    strokes_here(monkeypatch, None, None)
    monkeypatch.setattr(datasets, "verify_mnist", lambda: [report(None)])
    assert cli.main(["data", "verify"]) == 0
    assert capsys.readouterr() == (
        "mnist.npz: test labels: intact\n"
        "pendigits-orig.tra: pen digits: intact\n"
        "strokes_background_small1.zip: letters: intact\n",
        "",
    )
    monkeypatch.setattr(datasets, "verify_mnist", lambda: [report(None), report("It is bad.")])
    assert cli.main(["data", "verify"]) == 1
    assert capsys.readouterr().err == "python -m mnist_core: It is bad.\n"


def test_data_verify_of_strokes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(datasets, "verify_mnist", lambda: [])
    strokes_here(monkeypatch)
    assert cli.main(["data", "verify"]) == 0, "nobody needs them"
    assert capsys.readouterr() == (
        "pen digits and letters: not here; `python -m mnist_core data fetch --strokes` gets them\n",
        "",
    )
    strokes_here(monkeypatch, "They are bad.")
    assert cli.main(["data", "verify"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("letters: not here;")
    assert err == "python -m mnist_core: They are bad.\n"


def test_data_verify_of_strokes_where_there_is_no_mnist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise DataMissing("MNIST was not found.")

    monkeypatch.setattr(datasets, "verify_mnist", fail)
    strokes_here(monkeypatch, None, None)
    assert cli.main(["data", "verify"]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == "python -m mnist_core: MNIST was not found.\n"


# Arguments, errors, output that breaks.


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict"],
        ["nonsense"],
        ["predict", "--nonsense", "x"],
        ["data", "x"],
        ["data", "map"],
        ["data", "map", "all"],
        ["data", "read", "test", "--model"],
        ["resume"],
        ["publish"],
        ["rollback", "x"],
        ["evaluate", "--model"],
        ["models", "x"],
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "--help" in err


@pytest.mark.parametrize(
    "command",
    [
        "",
        " data",
        " predict --help",
        " data fetch --help",
        " data read --help",
        " train --help",
        " evaluate --help",
    ],
)
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "--help" in command:
        with pytest.raises(SystemExit) as caught:
            cli.main(command.split())
        assert caught.value.code == 0
    else:
        assert cli.main(command.split()) == 2
    out, err = capsys.readouterr()
    assert f"usage: {cli.PROGRAM}{command.removesuffix(' --help')}" in out
    assert "Exit status" in out and err == ""


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (ModelError("The model file is missing."), 1, "The model file is missing."),
        (DataMissing("MNIST was not found."), 1, "MNIST was not found."),
        (RuntimeError("a\nbug"), 1, "internal error: RuntimeError: a bug"),
    ],
)
def test_errors_are_one_line(
    error: BaseException,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(datasets, "verify_mnist", fail)
    monkeypatch.setattr(stroke_files, "COLLECTIONS", ())
    monkeypatch.setattr(stroke_files, "verify", lambda: [])
    assert cli.main(["data", "verify"]) == status
    assert capsys.readouterr() == ("", f"python -m mnist_core: {says}\n")


PRINTS = """
import sys
from mnist_core import cli, cli_data
cli_data._verify = lambda _: print("intact") or 0
sys.exit(cli.main(["data", "verify"]))
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = run("-c", PRINTS, stdout=full)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "No space left" in done.stderr


def test_closed_pipe_is_silent() -> None:
    read, write = os.pipe()
    os.close(read)
    done = run("-c", PRINTS, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_help_is_quick_to_import() -> None:
    script = "import sys, mnist_core.cli as c; c._parser(); print(*sys.modules)"
    imported = run("-c", script).stdout.split()
    assert "mnist_core.cli" in imported
    assert not {"numpy", "PIL", "tensorflow", "ai_edge_litert"} & set(imported)
