"""Run all measurements and print them against what is wanted."""

import sys
from itertools import chain

from tests.bench import core, dataset, inside, page
from tests.bench.figure import report

if __name__ == "__main__":
    # Look inside first: Streamlit cleans up after Keras where that was loaded, page by page.
    parts = inside.figures(), core.figures(), page.figures(), dataset.figures()
    sys.exit(report(chain.from_iterable(parts)))
