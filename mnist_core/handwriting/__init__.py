"""What people drew and said what it is, in profiles, for good; and such drawings as files.

`profiles`: collections by name. `drawings`: kept, counted, found, relabelled, deleted.
`canvas_paths`: the strokes in what the canvas sends. `drawing_files`: taken along and brought in.

All are tables of the database in `store.file()`; functions open it for themselves, so they may be
called from any thread. They raise `InputError` for what a person gave and `StoreError` where the
file can't be used, each a sentence.
"""

from mnist_core.handwriting.canvas_paths import strokes_on_canvas
from mnist_core.handwriting.drawing import Drawing, NewDrawing
from mnist_core.handwriting.drawing_files import (
    MOST,
    as_csv,
    as_json,
    as_npz,
    as_sheet,
    read_file,
)
from mnist_core.handwriting.drawings import (
    Counts,
    Kept,
    count,
    delete,
    delete_all,
    drawings,
    find_drawing,
    keep,
    keep_all,
    latest,
    matching,
    relabel,
)
from mnist_core.handwriting.profiles import (
    NAME_LENGTH,
    Profile,
    add_profile,
    find_profile,
    good_name,
    own_profile,
    profile_named,
    profiles,
    remove_profile,
    rename_profile,
)

__all__ = [
    "MOST",
    "NAME_LENGTH",
    "Counts",
    "Drawing",
    "Kept",
    "NewDrawing",
    "Profile",
    "add_profile",
    "as_csv",
    "as_json",
    "as_npz",
    "as_sheet",
    "count",
    "delete",
    "delete_all",
    "drawings",
    "find_drawing",
    "find_profile",
    "good_name",
    "keep",
    "keep_all",
    "latest",
    "matching",
    "own_profile",
    "profile_named",
    "profiles",
    "read_file",
    "relabel",
    "remove_profile",
    "rename_profile",
    "strokes_on_canvas",
]
