from pathlib import Path

from mnist_core import paths


def test_what_a_process_in_another_folder_is_told_has_no_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGIT_STUDIO_HOME", "home")
    monkeypatch.setenv("MNIST_DIR", "../mnist")
    monkeypatch.setenv("STROKES_DIR", "")
    told = paths.environment()
    assert told["DIGIT_STUDIO_HOME"] == str(tmp_path / "home")
    assert told["MNIST_DIR"] == str(tmp_path.parent / "mnist")
    assert told["STROKES_DIR"] == ""


def test_it_is_told_where_the_app_writes_even_if_nobody_said(monkeypatch):
    monkeypatch.delenv("DIGIT_STUDIO_HOME", raising=False)
    assert Path(paths.environment()["DIGIT_STUDIO_HOME"]) == paths.PROJECT / "var"
