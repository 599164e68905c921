"""Writes a file that holds secrets so that it is, at every moment, the old one or the new one, and never readable by others.

A temporary file in the same folder, 0600 from its creation, synced, renamed over the old one, and the folder synced.
"""

import contextlib
import os
import stat

from runkey.errors import CannotStore


def replace_file(path: str, data: bytes) -> None:
    """Replace a file's contents. A link in its place is not followed. Raises CannotStore, and then the old file is as it was."""
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".{os.path.basename(path)}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        if os.path.islink(path):
            raise CannotStore(
                f"{path} is a link to {os.readlink(path)}. Login writes no secret through a link: put a file in its place, or "
                "name another folder in RUNKEY_CONFIG_DIR."
            )
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(folder)
    except OSError as error:
        raise cannot_write(path, error) from None


def make_folder(folder: str) -> None:
    """Make a folder for its owner alone (0700), if it is not there. Raises CannotStore."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


def make_private_folder(folder: str) -> None:
    """Make a folder for secrets, if it is not there. Raises CannotStore, also for one that others can write to: they could replace all."""
    make_folder(folder)
    if os.name == "posix" and stat.S_IMODE(os.stat(folder).st_mode) & 0o022:
        raise CannotStore(
            f"{folder} can be written to by others on this machine, so no key is kept in it. Run: chmod 700 {folder}, or name another "
            "folder in RUNKEY_CONFIG_DIR."
        )


def cannot_write(path: str, error: OSError) -> CannotStore:
    """Say that something cannot be written, and what to do instead."""
    reason = error.strerror or type(error).__name__
    return CannotStore(
        f"Cannot write {path}: {reason}. Nothing was stored. Name a folder that can be written to in RUNKEY_CONFIG_DIR, use "
        '--store session (in Python: store="session"), or give the key in RUNKEY_API_KEY.'
    )


def _sync_folder(folder: str) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
