"""The commands about MNIST and pen strokes: fetch, verify, map, read, features.

What they work on others may wait for, so they say in the `background` how far they are.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_core.background import Tell

_FETCH = """\
Download MNIST (11 MB) and verify it, unless an intact one is here; with --strokes also what people
wrote with pens, digits (1 MB) and letters (3 MB).
"""

_VERIFY = """\
Check every MNIST on this machine, digit by digit, against known sums; and the pen strokes, if there
are any.
"""

_MAP = """\
Arrange 10,000 digits in the plane so that those which look alike are neighbours (t-SNE), for the
Dataset page. Takes a minute; done once, unless it is there.
"""

_READ = """\
Have a model read all digits of a split, for the Dataset page. Takes seconds; done once for each
model, unless it is there.
"""

_FEATURES = """\
Index the training digits by a model's features, for finding those nearest to a digit on the page
Look inside. Takes seconds, of large models minutes; done once for each model, unless it is there.
"""


def add_commands(commands: Any) -> None:
    """Add `data`, with its own commands, to a parser's commands."""
    data = commands.add_parser("data", help="get or check MNIST, the data to learn from")
    parts = data.add_subparsers(title="commands", metavar="COMMAND")
    fetch = parts.add_parser(
        "fetch", help="download MNIST (11 MB) unless it is here", description=_FETCH
    )
    fetch.add_argument("--strokes", action="store_true", help="download pen strokes (4 MB), too")
    fetch.set_defaults(command=_fetch)
    parts.add_parser(
        "verify", help="check that the MNIST on this machine is intact", description=_VERIFY
    ).set_defaults(command=_verify)
    arrange = parts.add_parser("map", help="make the map of its digits", description=_MAP)
    read = parts.add_parser("read", help="have a model read its digits", description=_READ)
    for parser, command in ((arrange, _map), (read, _read)):
        parser.add_argument("split", choices=("train", "test"), help="which digits")
        parser.set_defaults(command=command)
    index = parts.add_parser(
        "features", help="index them by a model's features", description=_FEATURES
    )
    index.set_defaults(command=_features)
    for parser in (read, index):
        parser.add_argument("--model", metavar="ID", help="which model; default: the one in use")


def _fetch(arguments: argparse.Namespace) -> int:
    from mnist_core import fetching
    from mnist_core.datasets import fetch_mnist
    from mnist_core.words import downloaded

    with _at_work(fetching.TASK) as tell:
        location = fetch_mnist(
            progress=lambda done, total: tell(fetching.share(done, total), downloaded(done, total))
        )
    print(f"MNIST is complete: {location.path}")
    if arguments.strokes:
        from mnist_core.stroke_files import LETTERS, PENDIGITS, fetch_letters, fetch_pendigits

        _fetch_strokes(PENDIGITS.title, fetch_pendigits)
        _fetch_strokes(LETTERS.title, fetch_letters)
    return 0


def _fetch_strokes(title: str, fetch: Callable[..., Path]) -> None:
    from mnist_core import fetching

    with _at_work(fetching.TASK) as tell:
        file = fetch(
            progress=lambda done, total: tell(
                fetching.share(done, total), f"Downloading {title}: {done / 1e6:.1f} MB"
            )
        )
    print(f"The {title} are complete: {file}")


def _verify(arguments: argparse.Namespace) -> int:
    from mnist_core import stroke_files
    from mnist_core.cli import complain
    from mnist_core.datasets import ArrayReport, verify_mnist
    from mnist_core.errors import DataMissing

    status = 0
    reports: list[ArrayReport | stroke_files.FileReport] = []
    try:
        reports += verify_mnist()
    except DataMissing as error:
        status = 1
        complain(str(error))
    reports += stroke_files.verify()
    for report in reports:
        if report.problem is None:
            print(f"{report.file}: {report.title}: intact")
        else:
            status = 1
            complain(report.problem)
    here = {report.title for report in reports}
    absent = [each.title for each in stroke_files.COLLECTIONS if each.title not in here]
    if absent:
        print(f"{' and '.join(absent)}: not here; `{stroke_files.FETCH_COMMAND}` gets them")
    return status


def _map(arguments: argparse.Namespace) -> int:
    from mnist_core import maps

    with _at_work(maps.task(arguments.split)) as tell:
        made = maps.kept_map(arguments.split) or maps.make_map(arguments.split, tell)
    print(f"{arguments.split}: a map of {len(made.rows):,} digits is kept.")
    return 0


def _read(arguments: argparse.Namespace) -> int:
    from mnist_core import predictions, registry
    from mnist_core.cli import quiet_libraries
    from mnist_core.inference import Classifier

    model = registry.find(arguments.model)
    with _at_work(predictions.task(model, arguments.split)) as tell:
        said = predictions.kept(model, arguments.split)
        if said is None:
            with quiet_libraries():
                classifier = Classifier(model)
            said = predictions.compute(classifier, arguments.split, tell)
    print(f"{arguments.split}: what {model.id} says of {len(said):,} digits is kept.")
    return 0


def _features(arguments: argparse.Namespace) -> int:
    from mnist_core import registry
    from mnist_core.cli import quiet_libraries
    from mnist_core.explanation import similar
    from mnist_core.inference import Classifier

    model = registry.find(arguments.model)
    with _at_work(similar.task(model)) as tell:
        index = similar.kept(model)
        if index is None:
            with quiet_libraries():
                classifier = Classifier(model)
            index = similar.compute(classifier, tell)
    print(f"The features of {len(index.places):,} training digits in {model.id} are kept.")
    return 0


@contextmanager
def _at_work(task: str) -> "Iterator[Tell]":
    """As `background.at_work`, and whoever sits at a terminal sees it, too."""
    from mnist_core.background import at_work

    watched = sys.stderr.isatty()
    with at_work(task) as tell:

        def show(share: float, words: str) -> None:
            tell(share, words)
            if watched:
                # In the place of what was there before; ends at the start of the line.
                print(f"\x1b[K{words}", end="\r", file=sys.stderr, flush=True)

        try:
            yield show
        finally:
            if watched:
                print("\x1b[K", end="", file=sys.stderr, flush=True)
