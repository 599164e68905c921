"""The file_stream request: parse, build, and merge two into one.

One request carries lines of several files of a run, each from an offset on, and tells what else became of the run. The offset makes
a repeated request harmless: a line is written at its place, never appended blindly.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runkey_wire.errors import Malformed

HISTORY = "wandb-history.jsonl"
EVENTS = "wandb-events.jsonl"
SUMMARY = "wandb-summary.json"
CONSOLE = "output.log"

# No file has more lines: they are counted in GraphQL's Int, which ends here.
_MAX_LINES = 2**31 - 1
_LINES_AT_ONCE = 256


@dataclass(frozen=True)
class Chunk:
    """Lines of one file. offset: line number of the first, counted from 0."""

    offset: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class FileStreamRequest:
    """One request, as both sides see it; the empty one is a heartbeat.

    files: file name to chunk. uploaded: names of files whose bytes have arrived. complete, exit_code: the run's last word.
    """

    files: Mapping[str, Chunk] = field(default_factory=dict)
    uploaded: tuple[str, ...] = ()
    preempting: bool = False
    complete: bool = False
    exit_code: int | None = None


def parse(body: Any) -> FileStreamRequest:
    """Read a decoded JSON body. Members that are not part of the contract are passed over. Raises Malformed."""
    if not isinstance(body, dict):
        raise Malformed("the body", "is not a JSON object")
    files = _given(body, "files", {})
    if not isinstance(files, dict):
        raise Malformed("files", "is not an object of file name to chunk")
    uploaded = _given(body, "uploaded", [])
    if not _is_list_of_text(uploaded):
        raise Malformed("uploaded", "is not a list of file names")
    exit_code = body.get("exitcode")
    if exit_code is not None and (not _is_int(exit_code) or not -(2**31) <= exit_code < 2**31):
        raise Malformed("exitcode", "is not a whole number of 32 bits")
    return FileStreamRequest(
        files={name: _parse_chunk(name, chunk) for name, chunk in files.items()},
        uploaded=tuple(uploaded),
        preempting=body.get("preempting") is True,
        complete=body.get("complete") is True,
        exit_code=exit_code,
    )


def build(request: FileStreamRequest) -> dict[str, Any]:
    """Write a request as the JSON object that goes on the wire; what is empty is left out."""
    body: dict[str, Any] = {}
    if request.files:
        body["files"] = {name: {"offset": chunk.offset, "content": list(chunk.lines)} for name, chunk in request.files.items()}
    if request.uploaded:
        body["uploaded"] = list(request.uploaded)
    if request.preempting:
        body["preempting"] = True
    if request.complete:
        body["complete"] = True
        body["exitcode"] = request.exit_code or 0
    return body


def encode(request: FileStreamRequest) -> bytes:
    """Write a request as the bytes that go on the wire.

    Piece by piece: the standard library writes JSON in one go that no other thread can interrupt, and a training waits for it.
    """
    files = []
    for name, chunk in request.files.items():
        groups = [chunk.lines[first : first + _LINES_AT_ONCE] for first in range(0, len(chunk.lines), _LINES_AT_ONCE)]
        content = ",".join([_dumps(group)[1:-1] for group in groups])
        files.append(f'{_dumps(name)}:{{"offset":{chunk.offset},"content":[{content}]}}')
    members = [f'"files":{{{",".join(files)}}}'] if files else []
    rest = _dumps(build(replace(request, files={})))[1:-1]
    # Half of a surrogate pair has no UTF-8: it becomes a question mark.
    return ("{" + ",".join([*members, rest] if rest else members) + "}").encode("utf-8", "replace")


def merge(first: Chunk, second: Chunk) -> Chunk | None:
    """Give one chunk that does what two do one after the other; None when no one chunk can: there are lines between them.

    Lines of the second replace those of the first, as console lines do that are written again.
    """
    start, end = first.offset, first.offset + len(first.lines)
    if not start <= second.offset <= end:
        return None
    if second.offset == end:
        return Chunk(start, first.lines + second.lines)
    kept = first.lines[: second.offset - start]
    return Chunk(start, kept + second.lines + first.lines[len(kept) + len(second.lines) :])


def _parse_chunk(name: str, chunk: Any) -> Chunk:
    where = f"files.{name[:80]}"
    if not isinstance(chunk, dict):
        raise Malformed(where, "is not an object with offset and content")
    offset = chunk.get("offset", 0)
    if not _is_int(offset) or not 0 <= offset <= _MAX_LINES:
        raise Malformed(f"{where}.offset", "is not a line number: a whole number from 0 on is expected")
    content = _given(chunk, "content", [])
    # Clients of 2020 to 2022 send the summary's content as one string.
    if isinstance(content, str):
        content = [content]
    if not _is_list_of_text(content):
        raise Malformed(f"{where}.content", "is not a list of lines")
    if offset + len(content) > _MAX_LINES:
        raise Malformed(where, f"has lines beyond number {_MAX_LINES}")
    return Chunk(offset, tuple(content))


def _given(body: Mapping[str, Any], name: str, absent: Any) -> Any:
    """Give a member, or what stands for one that is absent or null."""
    value = body.get(name)
    return absent if value is None else value


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
