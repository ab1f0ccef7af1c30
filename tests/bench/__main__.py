"""Run all measurements and print them against what is wanted."""

import sys
from itertools import chain

from tests.bench import core, dataset, inside, page


def main() -> int:
    """Print one line a figure; the exit status says whether all are as wanted."""
    fine = True
    # Look inside first: Streamlit cleans up after Keras where that was loaded, page by page.
    for figure in chain(inside.figures(), core.figures(), page.figures(), dataset.figures()):
        print(figure, flush=True)
        fine = fine and figure.fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
