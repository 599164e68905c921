"""One host's entry in netrc, a file that other programs share: all else in it stays byte for byte.

The official client's versions disagree about the port in the machine name, so both forms are looked for. An entry without a port is read by
curl and others for every port of that host, which is why it is written only for the default port, or when asked for by name.
The grammar is netrc's: words between white space, `machine NAME login USER password SECRET account A`, `default`, `macdef` until an empty
line, and comments; the standard library's reader cannot say where an entry stands, and gives the whole file up for one odd line.
"""

import os
import re
from typing import Any

from runkey.credentials import sharing
from runkey.errors import UsageError

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]\S*')
_ENTRY_WORDS = ("login", "user", "password", "account")


class Entry:
    """Where one machine's entry stands in the text, and the password in it, which ends at password_end."""

    __slots__ = ("end", "is_default", "machine", "password", "password_end", "start")

    def __init__(self, machine: str, start: int, *, is_default: bool = False) -> None:
        """Begin at an offset of the text."""
        self.machine = machine
        self.is_default = is_default
        self.start = start
        self.end = start
        self.password: str | None = None
        self.password_end = start


def names_of(host: str) -> list[str]:
    """Give the machine names under which a host's entry may stand: with its port, as typed, and without."""
    place = host.partition("://")[2]
    name = place.rpartition(":")[0] if re.search(r":\d+$", place) else place
    return [place] if place == name else [place, name]


def find(path: str, host: str) -> str | None:
    """Give the password of a host's entry; None when there is no entry. Raises FileNotFoundError, UsageError for an unreadable file."""
    text = sharing.read(path)
    if text is None:
        raise FileNotFoundError(path)
    entries = parse(text)
    for machine in names_of(host):
        for entry in entries:
            if entry.machine == machine and entry.password:
                return entry.password
    return None


def write(path: str, machine: str, secret: str, undo: dict[str, Any] | None = None) -> dict[str, Any]:
    """Put one machine's entry in, in the place of those there were; give what `restore` needs to take it out again.

    undo: what an earlier writing of the same entry gave, which is taken back first. Raises CannotStore, UsageError.
    """
    text = sharing.read(path)
    was_there = text is not None
    if undo is not None:
        text, was_there = _undone(text or "", machine, undo), bool(undo.get("was_there"))
    changed, undo = _put(text or "", machine, secret)
    sharing.change(path, changed)
    return undo | {"was_there": was_there}


def restore(path: str, machine: str, undo: dict[str, Any]) -> None:
    """Take out what `write` put in, and put back what stood there, unless somebody wrote another password since. Raises as `write` does."""
    text = sharing.read(path)
    if text is None:
        return
    sharing.put_back(path, text, _undone(text, machine, undo), was_there=bool(undo.get("was_there")))


def parse(text: str) -> list[Entry]:
    """Find the entries of a text, in order; `default` is an entry without a name."""
    entries: list[Entry] = []
    words = _words(text)
    index = 0
    while index < len(words):
        word, start, _ = words[index]
        if word in ("machine", "default"):
            named = word == "machine" and index + 1 < len(words)
            entries.append(Entry(words[index + 1][0] if named else "", start, is_default=word == "default"))
            index += 1 + named
            entries[-1].end = words[index - 1][2]
            continue
        if word in _ENTRY_WORDS and entries and index + 1 < len(words):
            if word == "password":
                entries[-1].password, entries[-1].password_end = words[index + 1][0], words[index + 1][2]
            entries[-1].end = words[index + 1][2]
            index += 2
            continue
        index += 1
    return entries


def _put(text: str, machine: str, secret: str) -> tuple[str, dict[str, Any]]:
    """Write the entry into a text: the new text, and how to undo it. Raises UsageError for a text in which no entry would be found."""
    entry = f"machine {machine}\n  login user\n  password {secret}"
    written = {"written": _fingerprint(secret), "olds": [], "around": ["", ""]}
    olds = [found for found in parse(text) if found.machine == machine]
    if olds:
        # Readers disagree about which of two entries counts, so that each is replaced.
        changed = text
        for old in reversed(olds):
            changed = changed[: old.start] + entry + changed[old.end :]
        if _holds(changed, text, machine, secret):
            return changed, written | {"olds": [text[old.start : old.end] for old in olds]}
    # Before `default`, which ends every search; else at the end; where neither is read as an entry (within a macro, say), at the front.
    defaults = [found.start for found in parse(text) if found.is_default]
    for place in [*defaults[:1], len(text), 0]:
        for before in ("", "\n", "\n\n"):
            changed = f"{text[:place]}{before}{entry}\n{text[place:]}"
            starts_a_line = before or not text[:place] or text[place - 1].isspace()
            if not olds and starts_a_line and _holds(changed, text, machine, secret):
                return changed, written | {"around": [before, "\n"]}
    raise UsageError("The netrc file has lines that no program can read, and an entry put there would not be found. Mend it first.")


def _holds(changed: str, text: str, machine: str, secret: str) -> bool:
    """Whether a changed text is read as the former one with the machine's entry in it, and nothing else changed."""
    before, after = parse(text), parse(changed)
    ours = [entry.password for entry in after if entry.machine == machine]
    others = [(entry.machine, entry.password) for entry in after if entry.machine != machine]
    count = max(1, sum(entry.machine == machine for entry in before))
    return ours == [secret] * count and others == [(entry.machine, entry.password) for entry in before if entry.machine != machine]


def _undone(text: str, machine: str, undo: dict[str, Any]) -> str:
    """Give the text as it was before the entry was put in."""
    ours = [
        each for each in parse(text) if each.machine == machine and each.password and _fingerprint(each.password) == undo.get("written")
    ]
    olds, (before, after) = undo.get("olds") or [], undo.get("around") or ("", "")
    for number, entry in reversed(list(enumerate(ours))):
        # Our entries end with the password: what follows belongs to others, however it is read.
        start, end = entry.start, entry.password_end
        old = olds[min(number, len(olds) - 1)] if olds else ""
        if not olds:
            start -= len(before) if text[:start].endswith(before) else 0
            end += len(after) if text[end:].startswith(after) else 0
        text = text[:start] + old + text[end:]
    return text


def _words(text: str) -> list[tuple[str, int, int]]:
    """Split into words with their offsets, without comments and macros."""
    words: list[tuple[str, int, int]] = []
    offset, in_macro = 0, False
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if in_macro:
            in_macro = bool(bare)
        elif bare.startswith("macdef"):
            in_macro = True
        elif not bare.startswith("#"):
            for found in _WORD.finditer(line):
                word = found.group()
                if word.startswith("#"):
                    break
                if len(word) >= 2 and word[0] == word[-1] == '"':
                    word = re.sub(r"\\(.)", r"\1", word[1:-1])
                words.append((word, offset + found.start(), offset + found.end()))
        offset += len(line)
    return words


def _fingerprint(secret: str) -> str:
    """Know a password again, without keeping it: where the store is the keyring, no file of ours holds the key."""
    # slow import: what only writing needs
    import hashlib

    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()[:32]


def default_path(home: str) -> str:
    """Name the file that a new entry goes to when there is none yet."""
    return os.path.join(home, "_netrc" if os.name == "nt" else ".netrc")
