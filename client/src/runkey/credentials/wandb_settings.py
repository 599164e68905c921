"""The official client's global settings file: its one line `base_url`, so that it knows the server without an environment variable.

An INI file with one section, `[default]`, shared with everything else that client was told: all other lines stay byte for byte.
"""

import contextlib
import os
import re

from runkey.credentials.writing import make_folder, replace_file
from runkey.errors import UsageError
from runkey.settings import Environment

_SECTION = re.compile(r"^[ \t]*\[([^\]]*)\]", re.MULTILINE)
_LINE = re.compile(r"^[ \t]*base_url[ \t]*[=:].*(?:\r?\n|\Z)", re.MULTILINE | re.IGNORECASE)


def path_in(environment: Environment) -> str:
    """Name the file: in WANDB_CONFIG_DIR, or where that client looks by default."""
    folder = environment.get("WANDB_CONFIG_DIR") or os.path.join(environment.home, ".config", "wandb")
    return os.path.join(os.path.expanduser(folder), "settings")


def write(path: str, url: str) -> str | None:
    """Point the client at a server; give the line that stood there, None when there was none. Raises CannotStore, UsageError."""
    text = _read(path)
    if text is None:
        make_folder(os.path.dirname(path))
        text = ""
    start, end = _section(text)
    line = f"base_url = {url}\n"
    if start is None:
        replace_file(path, f"{text}{_line_end(text)}[default]\n{line}".encode(errors="surrogateescape"))
        return None
    old = _LINE.search(text, start, end)
    if old:
        text = text[: old.start()] + line + text[old.end() :]
    else:
        text = f"{text[:start]}{_line_end(text[:start])}{line}{text[start:]}"
    replace_file(path, text.encode(errors="surrogateescape"))
    return old.group() if old else None


def restore(path: str, url: str, old: str | None) -> None:
    """Put back what stood there, unless somebody pointed the client elsewhere since. Raises CannotStore, UsageError."""
    text = _read(path)
    if text is None:
        return
    start, end = _section(text)
    found = _LINE.search(text, start, end) if start is not None else None
    if not found or re.split("[=:]", found.group(), maxsplit=1)[1].strip() != url:
        return
    text = text[: found.start()] + (old or "") + text[found.end() :]
    if text.strip() == "[default]":
        with contextlib.suppress(OSError):
            os.unlink(path)
        return
    replace_file(path, text.encode(errors="surrogateescape"))


def _section(text: str) -> tuple[int | None, int]:
    """Find where the lines of `[default]` begin and end."""
    sections = list(_SECTION.finditer(text))
    for index, found in enumerate(sections):
        if found.group(1).strip().lower() == "default":
            newline = text.find("\n", found.end())
            start = len(text) if newline < 0 else newline + 1
            return start, sections[index + 1].start() if index + 1 < len(sections) else len(text)
    return None, 0


def _line_end(text: str) -> str:
    return "\n" if text and not text.endswith("\n") else ""


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Make it readable for you, or remove it.") from None
