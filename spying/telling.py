"""Prints a note as a person reads it, and what all of them come to."""

import json
from collections import Counter
from typing import IO, Any

from noting import Note

_LONG = 240
_LONG_TEXT = 100
_RED, _YELLOW, _DIM, _BOLD, _PLAIN = "\033[31m", "\033[33m", "\033[2m", "\033[1m", "\033[0m"


class Teller:
    """Writes to one place."""

    def __init__(self, out: IO[str], *, in_colour: bool, is_quiet: bool) -> None:
        """is_quiet: print nothing of single exchanges."""
        self._out = out
        self._in_colour = in_colour
        self._is_quiet = is_quiet

    def tell(self, note: Note) -> None:
        """Print one exchange, in two lines or three."""
        if self._is_quiet:
            return
        is_bad = bool(note.get("errors") or note.get("fault") or note["status"] >= 400)
        status = str(note["status"] or "no answer")
        lines = [
            f"{note['at'][11:]} {self._paint(status, _RED if is_bad else _DIM)} {self._paint(note['name'], _BOLD)} {note['ms']:.0f} ms"
        ]
        lines += [f"    {self._paint(name, _DIM)} {text}" for name, text in _details_of(note)]
        lines += [f"    {self._paint('! ' + _short(each), _RED)}" for each in [note.get("fault"), *note.get("errors", ())] if each]
        lines += [f"    {self._paint('not there: ' + ', '.join(note['missing']), _YELLOW)}"] if note.get("missing") else []
        # A terminal obeys what a script or a server may have put into its words.
        print("\n".join("".join(c if c.isprintable() or c == "\033" else "?" for c in line) for line in lines), file=self._out, flush=True)

    def _paint(self, text: str, colour: str) -> str:
        text = text.replace("\033", "?")
        return f"{colour}{text}{_PLAIN}" if self._in_colour else text


def _details_of(note: Note) -> list[tuple[str, str]]:
    if "files" in note:
        files = ", ".join(f"{name} {each['lines']} from {each['offset']}" if each else name for name, each in note["files"].items())
        said = [("said", _short(note["said"]))] if note["said"] else []
        return [("files", _short(files)), *said, ("<-", _short(note.get("answer")))]
    if "fields" in note:
        given = {name: each for name, each in note["variables"].items() if each is not None}
        return [*([("->", _short(given))] if given else []), ("<-", _short(note["answer"]))]
    details = [("query", _short(note["query"]))] if "query" in note else []
    if note["sent"]:
        details.append(("->", f"{note['sent']:,} bytes"))
    if note.get("answer") is not None:
        details.append(("<-", _short(note["answer"])))
    elif note["got"]:
        details.append(("<-", f"{note['got']:,} bytes"))
    return details


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(_shortened(value), ensure_ascii=False)
    text = text.replace("\033", "?")
    return text if len(text) <= _LONG else text[:_LONG] + "…"


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONG_TEXT else f"{value[:_LONG_TEXT]}…"
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value[:5]] + ([f"… {len(value)} of them"] if len(value) > 5 else [])
    return value


def sum_up(notes: list[Note]) -> str:
    """Write what was asked how often, what was refused and with which words, and what was asked for and is not there."""
    counted = Counter(note["name"] for note in notes)
    refused = Counter(note["name"] for note in notes if note.get("errors") or note.get("fault"))
    words: dict[str, Counter[str]] = {}
    missing: dict[str, dict[str, None]] = {}
    for note in notes:
        for each in [note.get("fault"), *note.get("errors", ())]:
            if each:
                words.setdefault(note["name"], Counter())[each.replace("\n", " ")] += 1
        for name in note.get("missing", ()):
            missing.setdefault(name, {})[note["name"]] = None
    lines = [f"{len(notes)} requests, {sum(refused.values())} of them answered with errors."]
    for name, count in counted.most_common():
        mark = f"   {refused[name]} with errors" if refused[name] else ""
        lines.append(f"  {count:>5}  {name}{mark}")
        lines += [
            f"           ! {_short(text)}" + (f"  ({times} times)" if times > 1 else "")
            for text, times in words.get(name, Counter()).most_common(5)
        ]
    if missing:
        lines.append("Asked for, and not there:")
        lines += [f"  {name}   ({', '.join(askers)})" for name, askers in sorted(missing.items())]
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in "\n".join(lines).split("\n"))
