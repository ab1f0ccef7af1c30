import os
import resource
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from mnist_core import files, paths
from mnist_core.files import lock, locked, new_folder, remove_folder, write_whole, writing

HOLD = """
import sys, time
from pathlib import Path
from mnist_core.files import lock
lock(Path(sys.argv[1]), shared=sys.argv[2] == "shared")
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def holder(file, *, shared=False):
    """Another process that holds the lock; it is killed, not asked to go."""
    words = [sys.executable, "-c", HOLD, str(file), "shared" if shared else "alone"]
    with subprocess.Popen(words, cwd=paths.PROJECT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()


def is_free(file, *, shared=False):
    handle = lock(file, shared=shared)
    if handle is not None:
        os.close(handle)
    return handle is not None


def names(folder):
    return sorted(file.name for file in folder.iterdir())


# Files


def test_a_file_is_written_with_the_folders_on_the_way(tmp_path):
    write_whole(tmp_path / "a" / "b" / "file", b"content")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"
    assert names(tmp_path / "a" / "b") == ["file"]


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path):
    file = tmp_path / "file"
    write_whole(file, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as if the disk were full
    try:
        with pytest.raises(OSError, match="File too large"):
            write_whole(file, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_what_a_block_writes_appears_when_it_ends(tmp_path):
    file = tmp_path / "folder" / "file"
    with writing(file) as stream:
        stream.write(b"con")
        stream.flush()
        stream.write(b"tent")
        assert not file.exists()
    assert file.read_bytes() == b"content"
    assert names(file.parent) == ["file"]


@pytest.mark.parametrize("reason", [ZeroDivisionError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_content_and_nothing_else(tmp_path, reason):
    file = tmp_path / "file"
    write_whole(file, b"old")
    with pytest.raises(reason), writing(file) as stream:
        stream.write(b"new")
        raise reason
    assert file.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_what_can_not_be_moved_into_place_leaves_nothing(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "file", b"content")
    assert names(tmp_path) == ["file"]


def test_readers_and_many_writers_meet_whole_files_only(tmp_path):
    file = tmp_path / "file"
    contents = [bytes([number]) * 100_000 for number in range(4)]
    write_whole(file, contents[0])

    def write(content):
        for _ in range(15):
            write_whole(file, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(file.read_bytes())
    for writer in writers:
        writer.join()
    assert seen <= set(contents)
    assert names(tmp_path) == ["file"]


# Folders


def test_a_folder_is_there_once_the_block_ended_well(tmp_path):
    with new_folder(tmp_path / "deep" / "new") as folder:
        (folder / "file").write_text("content")
        assert not (tmp_path / "deep" / "new").exists()
        assert folder.name.startswith(".new-")
    assert (tmp_path / "deep" / "new" / "file").read_text() == "content"
    assert names(tmp_path / "deep") == ["new"]


def test_a_folder_whose_filling_failed_never_appears(tmp_path):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "new") as folder:
        (folder / "file").write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_folder_replaces_the_old_one_whole_or_not_at_all(tmp_path):
    for name in ("one", "two"):
        with new_folder(tmp_path / "new") as folder:
            (folder / name).touch()
    assert names(tmp_path / "new") == ["two"]
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "new") as folder:
        raise ZeroDivisionError
    assert names(tmp_path / "new") == ["two"]
    assert names(tmp_path) == ["new"]


def test_a_folder_is_removed_with_all_that_is_in_it(tmp_path):
    write_whole(tmp_path / "folder" / "deep" / "file", b"content")
    write_whole(tmp_path / "other" / "file", b"content")
    remove_folder(tmp_path / "folder")
    assert names(tmp_path) == ["other"]
    assert names(tmp_path / "other") == ["file"]


def test_a_folder_that_is_not_there_is_gone_already(tmp_path):
    remove_folder(tmp_path / "folder")
    remove_folder(tmp_path / "nowhere" / "folder")
    assert names(tmp_path) == []


def test_nobody_meets_half_a_folder_that_is_being_removed(tmp_path, monkeypatch):
    for name in ("one", "two"):
        write_whole(tmp_path / "folder" / name, b"content")
    seen, remove = [], files.shutil.rmtree

    def watched(folder, **options):
        seen.append((names(tmp_path), names(folder)))
        remove(folder, **options)

    monkeypatch.setattr(files.shutil, "rmtree", watched)
    remove_folder(tmp_path / "folder")
    (((aside,), inside),) = seen
    assert aside.startswith(".folder-")
    assert inside == ["one", "two"]
    assert names(tmp_path) == []


def test_a_folder_that_can_not_be_moved_out_of_the_way_stays_whole(tmp_path, monkeypatch):
    for name in ("one", "two"):
        write_whole(tmp_path / "folder" / name, b"content")
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "taken")
    write_whole(tmp_path / ".folder-taken" / "file", b"in the way")
    with pytest.raises(OSError, match="not empty"):
        remove_folder(tmp_path / "folder")
    assert names(tmp_path / "folder") == ["one", "two"]


# Locks


def test_a_lock_is_held_by_one_until_given_back(tmp_path):
    file = tmp_path / "deep" / "lock"
    handle = lock(file)
    assert handle is not None
    assert not is_free(file)
    assert not is_free(file, shared=True)
    os.close(handle)
    assert is_free(file)


def test_a_shared_lock_keeps_out_only_those_who_want_it_alone(tmp_path):
    first, second = (lock(tmp_path / "lock", shared=True) for _ in range(2))
    assert first is not None and second is not None
    assert not is_free(tmp_path / "lock")
    os.close(first)
    assert not is_free(tmp_path / "lock")
    os.close(second)
    assert is_free(tmp_path / "lock")


@pytest.mark.parametrize("shared", [False, True])
def test_a_lock_counts_across_processes_and_dies_with_its_holder(tmp_path, shared):
    file = tmp_path / "lock"
    with holder(file, shared=shared) as process:
        assert not is_free(file)
        assert is_free(file, shared=True) == shared
        process.kill()
        process.wait()
    assert is_free(file)


def test_patience_waits_for_the_holder(tmp_path):
    file = tmp_path / "lock"
    handle = lock(file)
    started = time.monotonic()
    assert lock(file, patience=0.1) is None
    assert time.monotonic() - started >= 0.1
    release = threading.Timer(0.1, os.close, [handle])
    release.start()
    got = lock(file, patience=10)
    release.join()
    assert got is not None
    os.close(got)


def test_a_process_started_meanwhile_does_not_keep_the_lock(tmp_path):
    handle = lock(tmp_path / "lock")
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        os.close(handle)
        try:
            assert is_free(tmp_path / "lock")
        finally:
            child.kill()


def test_locked_gives_the_lock_back_even_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock"):
        assert not is_free(tmp_path / "lock")
        raise ZeroDivisionError
    assert is_free(tmp_path / "lock")


def test_locked_says_whose_fault_it_is_when_patience_ends(tmp_path):
    with (
        locked(tmp_path / "lock"),
        pytest.raises(TimeoutError, match="somebody else has been holding"),
        locked(tmp_path / "lock", patience=0.05),
    ):
        pass
