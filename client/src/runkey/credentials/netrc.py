"""One host's entry in netrc, a file that other programs share: all else in it stays byte for byte.

The official client's versions disagree about the port in the machine name, so both forms are looked for. An entry without a port is read by
curl and others for every port of that host, which is why it is written only for the default port, or when asked for by name.
The grammar is netrc's: words between white space, `machine NAME login USER password SECRET account A`, `default`, `macdef` until an empty
line, and comments; the standard library's reader cannot say where an entry stands, and gives the whole file up for one odd line.
"""

import os
import re

from runkey.credentials.writing import replace_file
from runkey.errors import UsageError

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]\S*')
_ENTRY_WORDS = ("login", "user", "password", "account")


class Entry:
    """Where one machine's entry stands in the text, and the password in it."""

    __slots__ = ("end", "machine", "password", "start")

    def __init__(self, machine: str, start: int) -> None:
        """Begin at an offset of the text."""
        self.machine = machine
        self.start = start
        self.end = start
        self.password: str | None = None


def names_of(host: str) -> list[str]:
    """Give the machine names under which a host's entry may stand: with its port, as typed, and without."""
    place = host.partition("://")[2]
    name = place.rpartition(":")[0] if re.search(r":\d+$", place) else place
    return [place] if place == name else [place, name]


def find(path: str, host: str) -> str | None:
    """Give the password of a host's entry; None when there is no file or no entry. Raises UsageError for a file that cannot be read."""
    text = _read(path)
    entries = parse(text)
    for machine in names_of(host):
        for entry in entries:
            if entry.machine == machine and entry.password:
                return entry.password
    return None


def write(path: str, machine: str, secret: str) -> str | None:
    """Put one machine's entry in, replacing the one there was; give the old entry's text, None when there was none. Raises CannotStore."""
    try:
        text = _read(path)
    except FileNotFoundError:
        text = ""
    old, text = _cut(text, machine)
    if text and not text.endswith("\n"):
        text += "\n"
    replace_file(path, f"{text}machine {machine}\n  login user\n  password {secret}\n".encode(errors="surrogateescape"))
    return old


def restore(path: str, machine: str, old: str | None) -> None:
    """Take one machine's entry out, and put the text back that stood there before. Raises CannotStore."""
    try:
        text = _read(path)
    except FileNotFoundError:
        text = ""
    _, text = _cut(text, machine)
    if old:
        if text and not text.endswith("\n"):
            text += "\n"
        text += old if old.endswith("\n") else old + "\n"
    replace_file(path, text.encode(errors="surrogateescape"))


def parse(text: str) -> list[Entry]:
    """Find the entries of a text, in order; `default` is an entry without a name."""
    entries: list[Entry] = []
    words = _words(text)
    index = 0
    while index < len(words):
        word, start, _ = words[index]
        if word in ("machine", "default"):
            named = word == "machine" and index + 1 < len(words)
            entries.append(Entry(words[index + 1][0] if named else "", start))
            index += 1 + named
            entries[-1].end = words[index - 1][2]
            continue
        if word in _ENTRY_WORDS and entries and index + 1 < len(words):
            if word == "password":
                entries[-1].password = words[index + 1][0]
            entries[-1].end = words[index + 1][2]
            index += 2
            continue
        index += 1
    return entries


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


def _cut(text: str, machine: str) -> tuple[str | None, str]:
    """Take a machine's entries out of a text: what the first one was, and the text without them."""
    old = None
    for entry in reversed(parse(text)):
        if entry.machine == machine:
            end = entry.end
            rest = text[end:]
            # With the entry goes the end of its last line, when nothing else stands there.
            blank = re.match(r"[ \t]*(\r?\n|$)", rest)
            if blank:
                end += blank.end()
            old = text[entry.start : end]
            text = text[: entry.start] + text[end:]
    return old, text


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Make it readable for you, or remove it.") from None


def default_path(home: str) -> str:
    """Name the file that a new entry goes to when there is none yet."""
    return os.path.join(home, "_netrc" if os.name == "nt" else ".netrc")
