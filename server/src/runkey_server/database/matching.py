"""Regular expressions that mean the same in both databases, and whose cost grows with the text and not beyond it.

The part of RE2's language that nothing needs to be tried again for: literals, `.`, classes (`[a-z]`, `\\d`, `\\w`, `\\s` and their
opposites), groups, `|`, `* + ? {m,n}` up to 255, `^`, `$`, `\\A`, `\\z`, `\\b`, `\\B`, and `(?i)`, `(?s)`, `(?m)` at the beginning. A
pattern is read once; PostgreSQL gets it written anew in its own language, character by character, and SQLite calls the automaton that is
here. Texts are looked at up to `MAX_CHARACTERS`.
"""

import re
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from runkey_server.errors import Error

MAX_CHARACTERS = 1_000
"""Of a text that is looked at."""

MAX_PATTERN = 500
MAX_SECONDS = 5.0
"""For all texts of one question."""

_MAX_STATES = 2_000
_MAX_REPEATS = 255
_MAX_GROUPS = 50
_MAX_KEPT = 5_000
_LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]

_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "digit": _DIGIT,
    "lower": ((97, 122),),
    "upper": ((65, 90),),
    "space": ((9, 13), (32, 32)),
    "word": _WORD,
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}


# --- a pattern, read --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Set:
    """One character of these, or none of them."""

    ranges: Ranges
    is_negated: bool = False

    def has(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges) != self.is_negated


@dataclass(frozen=True)
class _Place:
    """A place between characters: `^`, `$`, `b`, `B`; `<` and `>` are the ends of a line."""

    kind: str


@dataclass(frozen=True)
class _Row:
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class _Choice:
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class _Repeat:
    part: Any
    least: int
    most: int | None


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.depth = 0
        self.flags: set[str] = set()

    def read(self) -> Any:
        found = re.match(r"\(\?([a-z]+)\)", self.text)
        if found:
            self.flags = set(found[1])
            if not self.flags <= {"i", "s", "m"}:
                self.fail(f"the flags {found[1]!r} are not known here: i, s and m are")
            self.at = found.end()
        whole = self.choice()
        if self.at < len(self.text):
            self.fail("a bracket is closed that was not opened")
        return whole

    def fail(self, why: str) -> Any:
        raise Error("invalid", f"The regular expression {self.text[:80]!r} cannot be used: {why}.")

    @property
    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def choice(self) -> Any:
        parts = [self.row()]
        while self.take("|"):
            parts.append(self.row())
        return parts[0] if len(parts) == 1 else _Choice(tuple(parts))

    def row(self) -> Any:
        parts = []
        while self.next and self.next not in "|)":
            parts.append(self.repeated(self.atom()))
        return _Row(tuple(parts))

    def repeated(self, part: Any) -> Any:
        found = re.compile(r"[*+?]|\{(\d{1,4})(,(\d{1,4})?)?\}").match(self.text, self.at)
        if not found:
            return part
        self.at = found.end()
        # Whether it would rather take more or less makes no difference to whether it matches.
        self.take("?")
        if found[0] in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[0]]
        else:
            least = int(found[1])
            most = least if found[2] is None else None if found[3] is None else int(found[3])
        if least > _MAX_REPEATS or (most is not None and (most > _MAX_REPEATS or most < least)):
            self.fail(f"a part is repeated at most {_MAX_REPEATS} times, and from fewer to more")
        if re.compile(r"[*+?]|\{\d").match(self.text, self.at):
            self.fail("what is repeated cannot be repeated without a group around it")
        return _Repeat(part, least, most)

    def atom(self) -> Any:
        if self.take("("):
            return self.group()
        if self.take("["):
            return self.bracket()
        if self.take("\\"):
            return self.escape()
        if self.next in "*+?":
            self.fail("there is nothing to repeat")
        char = self.next
        self.at += 1
        if char == ".":
            return _Set((), True) if "s" in self.flags else _Set(((10, 10),), True)
        if char in "^$":
            return _Place({"^": "<", "$": ">"}[char] if "m" in self.flags else char)
        return self.of(((ord(char), ord(char)),))

    def group(self) -> Any:
        named = re.compile(r"\?(?::|P?<[A-Za-z_]\w*>)").match(self.text, self.at)
        if named:
            self.at = named.end()
        elif self.next == "?":
            self.fail("groups that look around, and flags in the middle, are not known here")
        self.depth += 1
        if self.depth > _MAX_GROUPS:
            self.fail(f"groups stand in one another more than {_MAX_GROUPS} deep")
        inner = self.choice()
        if not self.take(")"):
            self.fail("a bracket is not closed")
        self.depth -= 1
        return inner

    def escape(self) -> Any:
        if not self.next:
            self.fail("it ends in the middle of an escape")
        if self.next in "AzbB":
            kind = {"A": "^", "z": "$", "b": "b", "B": "B"}[self.next]
            self.at += 1
            return _Place(kind)
        if self.next.lower() in _CLASSES:
            return self.class_()
        code = self.code()
        return self.of(((code, code),))

    def class_(self) -> _Set:
        name = self.next
        self.at += 1
        return _Set(_CLASSES[name.lower()], name.isupper())

    def code(self) -> int:
        """Read the rest of an escape that stands for one character."""
        found = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}").match(self.text, self.at)
        if found:
            self.at = found.end()
            code = int(found[1] or found[2], 16)
            return code if 0 < code <= _LAST and not 0xD800 <= code <= 0xDFFF else self.fail("there is no such character")
        char = self.next
        self.at += 1
        if char in _ESCAPED:
            return ord(_ESCAPED[char])
        if char.isalnum() or char == "":
            self.fail(f"\\{char} is not known here")
        return ord(char)

    def bracket(self) -> _Set:
        is_negated, is_first = self.take("^"), True
        ranges: list[tuple[int, int]] = []
        while is_first or self.next != "]":
            if not self.next:
                self.fail("a class is not closed")
            is_first = False
            posix = re.compile(r"\[:([a-z]+):\]").match(self.text, self.at)
            if posix:
                self.at = posix.end()
                ranges.extend(_POSIX.get(posix[1]) or self.fail(f"the class {posix[0]} is not known here"))
                continue
            if self.next == "\\" and self.text[self.at + 1 : self.at + 2].lower() in _CLASSES and self.at + 1 < len(self.text):
                self.at += 1
                inner = self.class_()
                ranges.extend(_outside(inner.ranges) if inner.is_negated else inner.ranges)
                continue
            low = high = self.one()
            if self.next == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.one()
                if high < low:
                    self.fail("a range goes backwards")
            ranges.append((low, high))
        self.at += 1
        return self.of(tuple(ranges), is_negated)

    def one(self) -> int:
        if self.take("\\"):
            return self.code()
        char = self.next
        self.at += 1
        return ord(char) if char else self.fail("a class is not closed")

    def of(self, ranges: Ranges, is_negated: bool = False) -> _Set:
        if "i" in self.flags:
            ranges = _in_either_case(ranges)
        return _Set(ranges, is_negated)


def _outside(ranges: Ranges) -> Ranges:
    found, start = [], 1
    for low, high in sorted(ranges):
        if start < low:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return (*found, (start, _LAST))


def _in_either_case(ranges: Ranges) -> Ranges:
    found = list(ranges)
    for low, high in ranges:
        if high - low < 256:
            for code in range(low, high + 1):
                for other in (chr(code).lower(), chr(code).upper()):
                    if len(other) == 1 and ord(other) != code:
                        found.append((ord(other), ord(other)))
        else:
            found.extend(((65, 90), (97, 122)) if low <= 122 and high >= 65 else ())
    return tuple(found)


# --- written for PostgreSQL -------------------------------------------------------------------------------------------


def _char(code: int) -> str:
    return chr(code) if chr(code).isascii() and chr(code).isalnum() else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _set(node: _Set) -> str:
    if not node.ranges:
        return "[\\u0001-\\U0010ffff]"
    inner = "".join(_char(low) if low == high else f"{_char(low)}-{_char(high)}" for low, high in node.ranges)
    return f"[{'^' if node.is_negated else ''}{inner}]"


_WORD_SET = _set(_Set(_WORD))
_PLACES = {
    "^": "\\A",
    "$": "\\Z",
    "<": "(?:\\A|(?<=\\u000a))",
    ">": "(?:\\Z|(?=\\u000a))",
    "b": f"(?:(?<={_WORD_SET})(?!{_WORD_SET})|(?<!{_WORD_SET})(?={_WORD_SET}))",
    "B": f"(?:(?<={_WORD_SET})(?={_WORD_SET})|(?<!{_WORD_SET})(?!{_WORD_SET}))",
}


def _write(node: Any) -> str:
    if isinstance(node, _Set):
        return _set(node)
    if isinstance(node, _Place):
        return _PLACES[node.kind]
    if isinstance(node, _Row):
        return "".join(map(_write, node.parts))
    if isinstance(node, _Choice):
        return f"(?:{'|'.join(map(_write, node.parts))})"
    most = "" if node.most is None else node.most
    return f"(?:{_write(node.part)}){{{node.least},{most}}}"


# --- run for SQLite ---------------------------------------------------------------------------------------------------


@dataclass
class _State:
    """Where an automaton may stand. is_at: only at such a place; takes: goes on by one character."""

    takes: _Set | None = None
    is_at: str | None = None
    then: list[int] = field(default_factory=list)


class Pattern:
    """A regular expression, ready to be used."""

    def __init__(self, pattern: str) -> None:
        """Read it. Raises Error `invalid`, naming what is wrong."""
        if len(pattern) > MAX_PATTERN:
            raise Error("invalid", f"A regular expression has at most {MAX_PATTERN} characters.")
        if "\0" in pattern:
            raise Error("invalid", "A regular expression has no NUL character.")
        tree = _Reader(pattern).read()
        self._states: list[_State] = []
        self._end = self._add(_State())
        self._start = self._build(tree, self._end)
        self._closed: dict[tuple[frozenset[int], tuple[bool, bool, bool, bool, bool, bool]], tuple[frozenset[int], bool]] = {}
        self._stepped: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self.for_postgresql = f"(?:{_write(tree)})"

    def is_in(self, text: str) -> bool:
        """Tell whether a text has a part that it matches."""
        start = frozenset((self._start,))
        held, before = start, ""
        for index in range(len(text) + 1):
            after = text[index : index + 1]
            where = (index == 0, not after, before == "\n", after == "\n", _is_word(before), _is_word(after))
            open_, has_ended = self._close(held, where)
            if has_ended:
                return True
            held = self._step(open_, after) | start
            before = after
        return False

    def _close(self, held: frozenset[int], where: tuple[bool, bool, bool, bool, bool, bool]) -> tuple[frozenset[int], bool]:
        found = self._closed.get((held, where))
        if found is None:
            found = self._go(held, where)
            if len(self._closed) >= _MAX_KEPT:
                self._closed.clear()
            self._closed[held, where] = found
        return found

    def _go(self, held: frozenset[int], where: tuple[bool, bool, bool, bool, bool, bool]) -> tuple[frozenset[int], bool]:
        begins, ends, follows_line, ends_line, word_before, word_after = where
        is_there = {
            "^": begins,
            "$": ends,
            "<": begins or follows_line,
            ">": ends or ends_line,
            "b": word_before != word_after,
            "B": word_before == word_after,
        }
        seen, waiting, open_ = set(held), list(held), set()
        while waiting:
            number = waiting.pop()
            state = self._states[number]
            if state.takes is not None:
                open_.add(number)
            elif state.is_at is None or is_there[state.is_at]:
                for then in state.then:
                    if then not in seen:
                        seen.add(then)
                        waiting.append(then)
        return frozenset(open_), self._end in seen

    def _step(self, open_: frozenset[int], char: str) -> frozenset[int]:
        if not char:
            return frozenset()
        found = self._stepped.get((open_, char))
        if found is None:
            code = ord(char)
            states = (self._states[number] for number in open_)
            found = frozenset(state.then[0] for state in states if state.takes is not None and state.takes.has(code))
            if len(self._stepped) >= _MAX_KEPT:
                self._stepped.clear()
            self._stepped[open_, char] = found
        return found

    def _add(self, state: _State) -> int:
        if len(self._states) >= _MAX_STATES:
            raise Error("invalid", "The regular expression comes to too much when its repetitions are written out.")
        self._states.append(state)
        return len(self._states) - 1

    def _build(self, node: Any, then: int) -> int:
        """Build what matches a node and goes on at `then`; give where it begins."""
        if isinstance(node, _Set):
            return self._add(_State(takes=node, then=[then]))
        if isinstance(node, _Place):
            return self._add(_State(is_at=node.kind, then=[then]))
        if isinstance(node, _Row):
            for part in reversed(node.parts):
                then = self._build(part, then)
            return then
        if isinstance(node, _Choice):
            return self._add(_State(then=[self._build(part, then) for part in node.parts]))
        if node.most is None:
            loop = self._add(_State(then=[then]))
            self._states[loop].then.append(self._build(node.part, loop))
            then = loop
        else:
            for _ in range(node.most - node.least):
                then = self._add(_State(then=[then, self._build(node.part, then)]))
        for _ in range(node.least):
            then = self._build(node.part, then)
        return then


def _is_word(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalnum())


@lru_cache(maxsize=64)
def read_pattern(pattern: str) -> Pattern:
    """Read a regular expression, once. Raises Error `invalid`."""
    return Pattern(pattern)


# --- in a statement ---------------------------------------------------------------------------------------------------


class _matches(FunctionElement[bool]):  # noqa: N801 - used as a function
    type = sa.Boolean()
    inherit_cache = True


def matches(text: "sa.ColumnElement[str]", pattern: str) -> "sa.ColumnElement[bool]":
    """Whether a part of a text matches a regular expression. Raises Error `invalid` for one that cannot be used."""
    read = read_pattern(pattern)
    by = time.monotonic() + MAX_SECONDS
    return _matches(sa.func.substr(text, 1, MAX_CHARACTERS), sa.literal(pattern), sa.literal(read.for_postgresql), sa.literal(by))


@compiles(_matches, "sqlite")
def _matches_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    text, pattern, _, by = (clause for clause in element.clauses)
    return f"runkey_matches({', '.join(compiler.process(clause, **more) for clause in (text, pattern, by))})"


@compiles(_matches, "postgresql")
def _matches_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    text, _, pattern, _ = (clause for clause in element.clauses)
    return f'(({compiler.process(text, **more)} COLLATE "C") ~ CAST({compiler.process(pattern, **more)} AS text))'


TOO_LONG = "runkey: the regular expression takes too long"


def register(connection: Any) -> None:
    """Teach a connection of SQLite what `matches` needs."""
    connection.create_function("runkey_matches", 3, _is_match, deterministic=True)


def _is_match(text: str | None, pattern: str, by: float) -> bool | None:
    if text is None:
        return None
    if time.monotonic() > by:
        raise TimeoutError(TOO_LONG)
    return read_pattern(pattern).is_in(text)
