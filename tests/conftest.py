import hypothesis
import pytest

# No test is about time: a busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A `DIGIT_STUDIO_HOME` of the test's own, not made yet."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(folder))
    return folder


@pytest.fixture
def offline(home, monkeypatch):
    """No MNIST on this machine, and nobody who would send it."""
    for name in ("MNIST_DIR", "STROKES_DIR", "LETTERS_DIR", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(home / "keras"))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
