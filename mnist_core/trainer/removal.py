"""Delete a run: its numbers, its checkpoint and its model."""

from __future__ import annotations

from mnist_core import paths, registry, store
from mnist_core.errors import RunError
from mnist_core.files import remove_folder


def delete(run_id: str) -> None:
    """Delete a run with everything that it left, for good.

    If this is broken off, what is left can be deleted again.

    Raises:
        RunError: there is no such run, it is under way or waits, or its files can't be deleted.
        ModelError: its model reads the drawings now, or can't be deleted.
        StoreError: the database can't be used.
    """
    # Nobody resumes it meanwhile.
    with store.opened(write=True) as database:
        run = store.select_run(database, run_id)
        if run.active or run.state == "queued":
            raise RunError(f"{run_id} is {run.state}: it can be deleted once it is over.")
        waiting = store.select_runs(database, "queued", *store.ACTIVE, *store.RESUMABLE)
        for other in waiting:
            if other.settings.start_from == run_id and not paths.checkpoint(other.id).exists():
                raise RunError(
                    f"{other.id} is to start from {run_id} and hasn't begun: let it begin, or"
                    " delete it first."
                )
        # Whoever was killed while finishing may have left a model without having noted it.
        registry.delete(run.model or run_id)
        try:
            remove_folder(paths.run(run_id))
        except OSError as error:
            raise RunError(f"{run_id} can't be deleted: {error.strerror or error}.") from error
        store.remove(database, run_id)
