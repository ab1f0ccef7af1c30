"""Stands in for `python -m mnist_core BEHAVIOUR NAME`: work in the background of every kind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mnist_core.background import at_work
from mnist_core.errors import DataMissing


def main() -> None:
    *_, behaviour, name = sys.argv
    signal.alarm(60)  # outlives no test for long
    with Path(os.environ["DIGIT_STUDIO_HOME"], "born.txt").open("a") as file:
        file.write(f"{os.getpid()}\n")
    if behaviour == "dies":
        sys.exit(1)
    if behaviour == "loads":
        time.sleep(60)
    with at_work(name) as tell:
        tell(0.25, "A quarter")
        match behaviour:
            case "works":
                time.sleep(60)
            case "deaf":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                tell(0.5, "Deaf")
                time.sleep(60)
            case "fails":
                raise DataMissing("There is no network.")
            case "breaks":
                raise RuntimeError("a bug")
            case "full":
                raise OSError(28, "No space left on device")
            case "leaves a child":
                subprocess.Popen(["sleep", "5"], close_fds=False)


if __name__ == "__main__":
    main()
