"""Stands in for the process that trains: takes its place, listens, and learns nothing.

The seed of a run says how it behaves. `trainer` starts the interpreter by its path, so the tests
put a script in that place which comes here.
"""

import os
import signal
import sys
import time

from mnist_core import paths, store, trainer
from mnist_core.download import download

OBEYS, QUICK, DEAF, DIES, HANGS, DOWNLOADS = range(6)


def main() -> None:
    program, *_, run_id = sys.argv[1:]
    sys.executable = program  # for whom it starts after itself
    signal.alarm(60)  # outlives no test for long
    with (paths.home() / "born.txt").open("a") as file:
        file.write(f"{run_id} {os.getpid()}\n")
    behaviour = store.find_run(run_id).settings.seed
    if behaviour == DIES:
        sys.exit(1)
    if behaviour == HANGS:
        time.sleep(60)
    with trainer.sole_trainer(run_id) as run, trainer.Ear(run.id) as ear:
        if behaviour == DOWNLOADS:
            address = os.environ["DOWNLOAD"]
            download([address], limits=[10_000], progress=lambda *_: note(run_id, phase="Half"))
        note(run_id, state="running", step=run.step + 1)
        while behaviour == DEAF or (behaviour == OBEYS and not ear.request):
            time.sleep(0.01)
        state = {"pause": "paused", "stop": "stopped", None: "finished"}[ear.request]
        note(run_id, state=state, request=None, ended=time.time())


def note(run_id: str, **columns: object) -> None:
    with store.opened(write=True) as database:
        store.update(database, run_id, **columns)


if __name__ == "__main__":
    main()
