"""The command line: `python -m mnist_core COMMAND ...`.

A command is a function that takes the parsed arguments and returns the exit status; `_parser`
lists them all. What is slow to import is imported inside the commands, so that `--help` is quick.

Exit status: 0 done, 1 the work failed, 2 wrong arguments, 130 interrupted. An error is one line
on stderr, never a traceback (except for bugs, under `python -X dev`).
"""

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from mnist_core import cli_data, cli_models, cli_training
from mnist_core.errors import DigitStudioError, InputError

if TYPE_CHECKING:
    from mnist_core.inference import Reading

PROGRAM = "python -m mnist_core"

_PREDICT = """\
Read the digit in each picture (PNG, JPEG, GIF, BMP, WebP or TIFF; ink dark on light or light on
dark) and print a line for each:

  seven.png: 7 (99.8 %)
  four.png: 4 (57.1 %), unsure - It could be a 4 or a 9: it lies between the two.
  cat.png: not a digit - It is unlike any digit the network has learned.
  blank.png: blank - There is nothing to read: no ink stands out ...

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
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may hold what the terminal can't show.
            stream.reconfigure(errors="backslashreplace")
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        status = command(parsed)
        print(end="", flush=True)
        return status
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except DigitStudioError as error:
        complain(str(error))
    except OSError as error:
        # Whoever read our output has enough, as in `... | head -1`, or the disk is full. Python
        # would try again, on its way out, to write what could not be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            complain(str(error))
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        complain(f"internal error: {type(error).__name__}: {error}")
    return 1


# Commands.


def _predict(arguments: argparse.Namespace) -> int:
    from mnist_core.inference import Classifier, read_drawing
    from mnist_core.pictures import open_picture

    with quiet_libraries():
        classifier = Classifier.load()
    objects: list[dict[str, Any]] = []
    status = 0
    for file in arguments.files:
        try:
            with quiet_libraries():
                reading = read_drawing(open_picture(file), classifier)
        except InputError as error:
            status = 1
            objects.append({"file": file, "error": str(error)})
            complain(f"{file}: {error}")
            continue
        objects.append({"file": file, **_as_json(reading)})
        if not arguments.json:
            print(f"{file}: {_in_words(reading)}")
    if arguments.json:
        print(json.dumps(objects, indent=2))
    return status


def _as_json(reading: "Reading") -> dict[str, Any]:
    return {
        # A blank picture is no number, and a 0 here would look like one.
        "label": None if reading.verdict == "blank" else reading.label,
        "confidence": reading.confidence,
        "probabilities": reading.probabilities.tolist(),
        "verdict": reading.verdict,
        "reason": reading.reason,
    }


def _in_words(reading: "Reading") -> str:
    from mnist_core.words import percent

    digit = f"{reading.label} ({percent(reading.confidence)})"
    if reading.verdict == "digit":
        return digit
    if reading.verdict == "unsure":
        return f"{digit}, unsure - {reading.reason}"
    return f"{reading.verdict} - {reading.reason}"


# What may be typed.


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and that shows its help if no command is given."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(epilog=_STATUS, **options)
        self.set_defaults(command=self._show_help)

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(2, f"{self.prog}: {message} (see --help)\n")

    def _show_help(self, _: argparse.Namespace) -> int:
        self.print_help()
        return 2


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description="Digit Studio on the command line.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    predict = commands.add_parser(
        "predict", help="read the digit in picture files", description=_PREDICT
    )
    predict.add_argument("files", nargs="+", metavar="FILE", help="a picture of one digit")
    predict.add_argument("--json", action="store_true", help="print a JSON list")
    predict.set_defaults(command=_predict)

    cli_training.add_commands(commands)
    cli_models.add_commands(commands)
    cli_data.add_commands(commands)
    return parser


# What is shown.


def complain(message: str) -> None:
    """Say on stderr, in one line, what went wrong."""
    print(PROGRAM + ":", " ".join(message.split()), file=sys.stderr, flush=True)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what C libraries (LiteRT, libtiff) write to stderr off it; only for a single thread."""
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
