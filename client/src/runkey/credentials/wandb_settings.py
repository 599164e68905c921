"""The official client's global settings file: its one line `base_url`, so that it knows the server without an environment variable.

An INI file with one section, `[default]`, shared with everything else that client was told: all other lines stay byte for byte. It is read
here as that client reads it, by the standard library's `configparser`: a section's name counts in its own letters, and a line that is
indented deeper than the option above it goes on with that option's value.
"""

import os
import re
from typing import Any

from runkey.credentials import sharing
from runkey.errors import UsageError
from runkey.settings import Environment

_SECTION = re.compile(r"\[(.+)\]")
_OPTION = re.compile(r"(.*?)\s*[=:]\s*(.*)")


class _Layout:
    """Where things stand in a text. header_end: the end of `[default]`'s line; option: where `base_url` begins and ends; url: its value."""

    def __init__(self, text: str) -> None:
        self.header_end: int | None = None
        self.option: tuple[int, int] | None = None
        self.url: str | None = None
        section: str | None = None
        name: str | None = None
        depth = offset = 0
        for line in text.splitlines(keepends=True):
            bare = line.strip()
            start, end = offset, offset + len(line.rstrip("\r\n"))
            offset += len(line)
            if not bare or bare[0] in "#;":
                continue
            indent = len(line) - len(line.lstrip())
            if section is not None and name is not None and indent > depth:
                if self.option is not None and name == "base_url" and section == "default":
                    self.option, self.url = (self.option[0], end), None
                continue
            depth = indent
            header = _SECTION.match(bare)
            if header:
                section, name = header.group(1), None
                if section == "default" and self.header_end is None:
                    self.header_end = offset
                continue
            option = _OPTION.match(bare)
            name = option.group(1).strip().lower() if option else bare.lower()
            if section == "default" and name == "base_url" and option:
                self.option, self.url = (start, end), option.group(2).strip()


def path_in(environment: Environment) -> str:
    """Name the file: in WANDB_CONFIG_DIR, or where that client looks by default."""
    folder = environment.get("WANDB_CONFIG_DIR") or os.path.join(environment.home, ".config", "wandb")
    return os.path.join(os.path.expanduser(folder), "settings")


def write(path: str, url: str, undo: dict[str, Any] | None = None) -> dict[str, Any]:
    """Point the client at a server; give what `restore` needs. undo: what an earlier writing gave, which is taken back first.

    Raises CannotStore, UsageError for a file that cannot be read, by us or by that client.
    """
    text = sharing.read(path)
    was_there = text is not None
    if undo is not None:
        text, was_there = _undone(text or "", undo), bool(undo.get("was_there"))
    changed, undo = _put(text or "", url)
    if not _is_read_as(changed, url):
        raise UsageError(f"{path} is not a file that the official client can read. Mend it, or remove it.")
    sharing.change(path, changed)
    return undo | {"was_there": was_there}


def restore(path: str, undo: dict[str, Any]) -> None:
    """Put back what stood there, unless somebody pointed the client elsewhere since. Raises CannotStore, UsageError."""
    text = sharing.read(path)
    if text is None:
        return
    sharing.put_back(path, text, _undone(text, undo), was_there=bool(undo.get("was_there")))


def _put(text: str, url: str) -> tuple[str, dict[str, Any]]:
    layout = _Layout(text)
    line = f"base_url = {url}"
    written: dict[str, Any] = {"url": url, "old": None, "around": ["", ""]}
    if layout.option is not None:
        start, end = layout.option
        # As deep as it stood: what is indented belongs to the option above it.
        old = text[start:end]
        line = old[: len(old) - len(old.lstrip())] + line
        return text[:start] + line + text[end:], written | {"old": old}
    if layout.header_end is None:
        before = ("" if not text or text.endswith("\n") else "\n") + "[default]\n"
        return f"{text}{before}{line}\n", written | {"around": [before, "\n"]}
    start = layout.header_end
    before = "" if text[:start].endswith("\n") else "\n"
    return f"{text[:start]}{before}{line}\n{text[start:]}", written | {"around": [before, "\n"]}


def _undone(text: str, undo: dict[str, Any]) -> str:
    layout = _Layout(text)
    if layout.option is None or layout.url is None or layout.url != undo.get("url"):
        return text
    start, end = layout.option
    old, (before, after) = undo.get("old"), undo.get("around") or ("", "")
    if old is None:
        start -= len(before) if text[:start].endswith(before) else 0
        end += len(after) if text[end:].startswith(after) else 0
    return text[:start] + (old or "") + text[end:]


def _is_read_as(text: str, url: str) -> bool:
    """Whether the official client would find the server in a text."""
    # slow import: what only this needs
    import configparser

    reader = configparser.ConfigParser(interpolation=None)
    try:
        reader.read_string(text)
        return reader.get("default", "base_url").strip() == url
    except configparser.Error:
        return False
