"""Files that other programs share with us: read as they are, changed in one place, and left as they were found."""

import contextlib
import os

from runkey.credentials.writing import make_folder, replace_file
from runkey.errors import UsageError


def read(path: str) -> str | None:
    """Give a file's text, bytes that are no text included; None when there is no file. Raises UsageError for one that cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Make it readable for you, or remove it.") from None


def change(path: str, text: str) -> None:
    """Write a file's new text, whole or not at all. Raises CannotStore."""
    make_folder(os.path.dirname(path))
    replace_file(path, text.encode(errors="surrogateescape"))


def put_back(path: str, now: str, before: str, *, was_there: bool) -> None:
    """Give a file the text that it had; one that was not there before, and has nothing in it, goes. Raises CannotStore."""
    if not before and not was_there:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    elif before != now:
        change(path, before)
