"""Run all measurements and print them against what is wanted."""

import sys
from itertools import chain

from tests.bench import core, dataset, inside, my_digits, page, runs
from tests.bench.figure import report

if __name__ == "__main__":
    # Look inside first: Streamlit cleans up after Keras where that was loaded, page by page.
    parts = (inside, runs, my_digits, core, page, dataset)
    sys.exit(report(chain.from_iterable(part.figures() for part in parts)))
