"""Run all measurements and print them against what is wanted."""

import sys
from itertools import chain

from tests.bench import core, dataset, page


def main() -> int:
    """Print one line a figure; the exit status says whether all are as wanted."""
    fine = True
    for figure in chain(core.figures(), page.figures(), dataset.figures()):
        print(figure, flush=True)
        fine = fine and figure.fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
