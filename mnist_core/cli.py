"""The command line: `python -m mnist_core COMMAND ...`.

A command is a function that takes the parsed arguments and returns the exit status; `_parser`
lists them all. What is slow to import is imported inside the commands, so that `--help` is quick.

Exit status: 0 done, 1 the work failed, 2 wrong arguments, 130 interrupted. An error is one line
on stderr, never a traceback (except for bugs, under `python -X dev`).
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mnist_core import paths
from mnist_core.errors import DigitStudioError, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnist_core.inference import Reading

PROGRAM = "python -m mnist_core"

_PREDICT = """\
Read the digit in each picture (PNG, JPEG, GIF, BMP, WebP or TIFF; ink dark on light or light on
dark) and print a line for each:

  seven.png: 7 (99.8 %)
  four.png: 4 (57.1 %), unsure - It could be a 4 or a 9: it lies between the two.
  cat.png: not a digit - It is unlike any digit the network has learned.
  blank.png: blank - There is nothing to read yet.

A picture that can't be read is one line on stderr and doesn't stop the others.

--json prints a list, an object for each file in the order given: "file", then either "error" or

  "label"          0 to 9; null if the verdict is "blank"
  "confidence"     the probability of the label, 0 to 1; 0 if blank
  "probabilities"  ten numbers, of the digits 0 to 9; all equal if blank
  "verdict"        "digit", "unsure", "blank" or "not a digit"
  "reason"         a sentence; empty if the verdict is "digit"
"""

_STATUS = "Exit status: 0 done, 1 the work failed, 2 wrong arguments."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; None means this process' own.

    Returns:
        The exit status: 0, 1, 2 (no command given) or 130.

    Raises:
        SystemExit: status 2, wrong arguments; status 0, `--help` was asked for.
    """
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold what the terminal can't show.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        status = command(parsed)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has enough, as in `... | head -1`: no error to speak of.
        _drop_output()
        return 1
    except DigitStudioError as error:
        _complain(str(error))
        return 1
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        _drop_output()
        if isinstance(error, OSError):
            _complain(str(error))
        else:
            _complain(f"internal error: {type(error).__name__}: {error}")
        return 1


# Commands.


def _predict(arguments: argparse.Namespace) -> int:
    from mnist_core.inference import Classifier, read_drawing

    classifier = Classifier.load()
    return predict(
        arguments.files,
        as_json=arguments.json,
        read=lambda image: read_drawing(image, classifier),
    )


def predict(
    files: Sequence[str], *, as_json: bool, read: "Callable[[NDArray[np.uint8]], Reading]"
) -> int:
    """Read the digit in each picture file and print what was read.

    Args:
        files: paths, read in this order.
        as_json: print one JSON list at the end instead of a line a file.
        read: takes (H, W), (H, W, 3) or (H, W, 4) uint8 0-255, as `pictures.open_picture` gives.

    Returns:
        1 if a file could not be read, else 0.
    """
    from mnist_core.pictures import open_picture

    objects: list[dict[str, Any]] = []
    status = 0
    for file in files:
        try:
            with _quiet_libraries():
                reading = read(open_picture(file))
        except InputError as error:
            status = 1
            objects.append({"file": file, "error": str(error)})
            _complain(f"{file}: {error}")
            continue
        if as_json:
            objects.append({"file": file, **_as_json(reading)})
        else:
            print(_one_line(f"{file}: {_in_words(reading)}"))
    if as_json:
        print("[" + ",\n ".join(json.dumps(each) for each in objects) + "]")
    return status


def _as_json(reading: "Reading") -> dict[str, Any]:
    return {
        # A blank picture is no number, and a 0 here would look like one.
        "label": None if reading.verdict == "blank" else int(reading.label),
        "confidence": float(reading.confidence),
        "probabilities": [float(probability) for probability in reading.probabilities],
        "verdict": reading.verdict,
        "reason": reading.reason,
    }


def _in_words(reading: "Reading") -> str:
    digit = f"{reading.label} ({reading.confidence:.1%})".replace("%", " %")
    match reading.verdict:
        case "digit":
            return digit
        case "unsure":
            return f"{digit}, unsure - {reading.reason}"
    return f"{reading.verdict} - {reading.reason}"


def _data_fetch(arguments: argparse.Namespace) -> int:
    from mnist_core.datasets import fetch_mnist

    with _progress() as progress:
        location = fetch_mnist(progress=progress)
    print(f"MNIST is complete: {location.path}")
    return 0


def _data_verify(arguments: argparse.Namespace) -> int:
    from mnist_core.datasets import verify_mnist

    status = 0
    for report in verify_mnist():
        if report.problem is None:
            print(_one_line(f"{report.file}: {report.title}: intact"))
        else:
            status = 1
            _complain(report.problem)
    return status


# What may be typed.


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, _one_line(f"{self.prog}: {message} (see --help)") + "\n")


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description="Digit Studio on the command line.", epilog=_STATUS)
    parser.add_argument(
        "--version",
        dest="command",
        action="store_const",
        const=_version,
        help="show the version and exit",
    )
    parser.set_defaults(command=_help_of(parser))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    command = commands.add_parser(
        "predict",
        help="read the digit in picture files",
        description=_PREDICT,
        epilog=_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("files", nargs="+", metavar="FILE", help="a picture of one digit")
    command.add_argument("--json", action="store_true", help="print a JSON list")
    command.set_defaults(command=_predict)

    data = commands.add_parser("data", help="get or check MNIST, the data to learn from")
    data.set_defaults(command=_help_of(data))
    data_commands = data.add_subparsers(title="commands", metavar="COMMAND")
    command = data_commands.add_parser(
        "fetch",
        help="download MNIST (11 MB) unless it is here",
        description="Download MNIST (11 MB) and verify it, unless an intact one is here.",
        epilog=_STATUS,
    )
    command.set_defaults(command=_data_fetch)
    command = data_commands.add_parser(
        "verify",
        help="check that the MNIST on this machine is intact",
        description="Check every MNIST on this machine, digit by digit, against known sums.",
        epilog=_STATUS,
    )
    command.set_defaults(command=_data_verify)
    return parser


def _help_of(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    def show_help(_: argparse.Namespace) -> int:
        parser.print_help()
        return 2

    return show_help


def _version(_: argparse.Namespace) -> int:
    import tomllib

    # The project runs from its folder and isn't installed, so this is where its version is.
    project = tomllib.loads((paths.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    print(f"Digit Studio {project['project']['version']}")
    return 0


# Output.


def _one_line(text: str) -> str:
    """`text` without line breaks and other control characters, which a file's name may hold."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _complain(message: str) -> None:
    if sys.stderr is None:  # closed; `print` would take stdout instead
        return
    with contextlib.suppress(OSError):
        print(_one_line(f"{PROGRAM}: {message}"), file=sys.stderr, flush=True)


def _drop_output() -> None:
    """Have Python not try again, on its way out, to write what could not be written."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep what C libraries (LiteRT, libtiff) write to stderr off it; only for a single thread."""
    with contextlib.ExitStack() as stack:
        try:
            kept = os.dup(2)
        except OSError:  # stderr is closed
            yield
            return
        stack.callback(os.close, kept)
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        stack.callback(os.dup2, kept, 2)
        yield


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int | None], None] | None]:
    """A line on stderr that follows a download, or None if nobody is watching."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    shown = ""

    def show(done: int, total: int | None) -> None:
        nonlocal shown
        share = f"{done / total:4.0%} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        text = f"Downloading MNIST: {share}"
        if text != shown:
            print(f"\r{text:<40}", end="", file=sys.stderr, flush=True)
            shown = text

    try:
        yield show
    finally:
        if shown:
            print(file=sys.stderr)
