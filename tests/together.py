"""A program that is run several times over, at the same moment."""

import subprocess

from mnist_core.paths import PROJECT


def run_together(python: str, script: str, *arguments: str) -> None:
    """Run a script in four processes; each says "ready", waits for a line, and must end well."""
    words = [python, "-c", script, *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(words, cwd=PROJECT, **pipes) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0] * 4
