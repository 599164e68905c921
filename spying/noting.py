"""What an exchange means: which operation it was, with what, and what was answered. A note is JSON, and holds no secret."""

import json
import re
import urllib.parse
import zlib
from datetime import datetime
from functools import cache
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, parse, validate
from relaying import Exchange

from runkey_server.graphql import executing

Note = dict[str, Any]
"""at, method, path, status, ms, name; of GraphQL: operation, fields, variables, answer, errors, missing; of file_stream: files, said."""

_NAMED_SECRET = re.compile(
    r"password|secret|authorization|device_code|refresh|(?<!code_)verifier|^token$|access_token|id_token", re.IGNORECASE
)
# A key of ours or of W&B's, a signed address's token, the code of a link or of a login: whatever is long and has no space.
_SECRET = re.compile(
    r"(?<=/storage/)[^\s\"']+|(?<!\w)rk[a-z]_[\w-]+|[\w-]{40,}|(?<!\w)[B-DF-HJ-NP-TV-XZ]{4,5}-[B-DF-HJ-NP-TV-XZ]{4,5}(?!\w)", re.ASCII
)
_FILE_STREAM = re.compile(r"/file_stream$")
# How graphql-core says that a name of the document is none of the schema's.
_NOT_THERE = (
    (re.compile(r"Cannot query field '(\w+)' on type '(\w+)'"), "{1}.{0}"),
    (re.compile(r"Unknown argument '(\w+)' on field '([\w.]+)'"), "{1}({0}:)"),
    (re.compile(r"Field '(\w+)' is not defined by type '(\w+)'"), "{1}.{0}"),
    (re.compile(r"Unknown type '(\w+)'"), "type {0}"),
)


def note_of(exchange: Exchange) -> Note:
    """Say what an exchange was."""
    path, _, query = exchange.target.partition("?")
    note: Note = {
        "at": datetime.fromtimestamp(exchange.began).isoformat(timespec="milliseconds"),
        "method": exchange.method,
        "path": without_secrets(urllib.parse.unquote(path)),
        "status": exchange.status,
        "ms": round(exchange.seconds * 1000, 1),
        "name": "",
        "sent": exchange.body_size,
        "got": exchange.answer_size,
    }
    if query:
        note["query"] = without_secrets(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
    if exchange.fault:
        note["fault"] = without_secrets(exchange.fault)
    body, answer = _json_of(_plain(exchange)), _json_of(exchange.answer)
    if path == "/graphql" and isinstance(body, dict):
        note |= _of_graphql(body, answer)
    elif _FILE_STREAM.search(path) and isinstance(body, dict):
        note |= _of_file_stream(body)
    else:
        note["name"] = f"{exchange.method} {_shape(path)}"
    if "errors" not in note and exchange.status >= 400:
        note["errors"] = without_secrets(_errors_in(answer)) or [f"status {exchange.status}"]
    if "answer" not in note and answer is not None:
        note["answer"] = without_secrets(answer)
    return note


def without_secrets(value: Any) -> Any:
    """Put `…` in the place of what may be a secret."""
    if isinstance(value, str):
        return _SECRET.sub("…", value)
    if isinstance(value, dict):
        return {str(name): "…" if _NAMED_SECRET.search(str(name)) else without_secrets(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    return value


def _of_graphql(body: dict[str, Any], answer: Any) -> Note:
    text = body.get("query")
    operation, fields, missing = _read_document(text if isinstance(text, str) else "", body.get("operationName"))
    data = answer.get("data") if isinstance(answer, dict) else None
    errors = _errors_in(answer)
    missing = list(missing)
    for message in errors:
        missing += [name for name in _names_not_there(message) if name not in missing]
    variables = body.get("variables")
    variables = variables if isinstance(variables, dict) else {}
    if isinstance(data, dict) and "__type" in data and data["__type"] is None:
        missing.append(f"type {variables.get('name') or _asked_type(str(text))}")
    note: Note = {"name": operation, "fields": list(fields), "variables": without_secrets(variables), "answer": without_secrets(data)}
    if errors:
        note["errors"] = without_secrets(errors)
    if missing:
        note["missing"] = missing
    return note


@cache
def _schema() -> GraphQLSchema:
    return executing.build()


@cache
def _read_document(text: str, name: str | None) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Give what a document is called, its fields at the root, and the names in it that the schema of this checkout does not have."""
    try:
        document = parse(text)
    except (GraphQLError, RecursionError):
        return "a document that cannot be read", (), ()
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    # The official client sends an empty name with some documents.
    chosen = [node for node in operations if not name or (node.name and node.name.value == name)]
    if not chosen:
        return "a document without its operation", (), ()
    fields = tuple(node.name.value for node in chosen[0].selection_set.selections if isinstance(node, FieldNode))
    called = chosen[0].name.value if chosen[0].name else ", ".join(fields)
    problems = validate(_schema(), document, max_errors=1_000)
    missing: dict[str, None] = {}
    for problem in problems:
        missing |= dict.fromkeys(_names_not_there(problem.message))
    return f"{chosen[0].operation.value} {called}", fields, tuple(missing)


def _names_not_there(message: str) -> list[str]:
    return [form.format(*found) for pattern, form in _NOT_THERE for found in (match.groups() for match in pattern.finditer(message))]


def _asked_type(text: str) -> str:
    found = re.search(r'__type\(name:\s*"(\w+)"', text)
    return found[1] if found else "?"


def _errors_in(answer: Any) -> list[str]:
    if not isinstance(answer, dict):
        return []
    given = answer.get("errors")
    if isinstance(given, list):
        return [str(each.get("message", each)) if isinstance(each, dict) else str(each) for each in given]
    return [str(answer["error"])] if "error" in answer else []


def _of_file_stream(body: dict[str, Any]) -> Note:
    files = body.get("files") if isinstance(body.get("files"), dict) else {}
    told = {
        str(name): {"offset": chunk.get("offset"), "lines": len(chunk.get("content") or ())} if isinstance(chunk, dict) else None
        for name, chunk in (files or {}).items()
    }
    said = {name: value for name, value in body.items() if name != "files"}
    return {"name": "file_stream", "files": told, "said": without_secrets(said)}


def _plain(exchange: Exchange) -> bytes:
    if exchange.headers.get("content-encoding", "").lower() != "gzip":
        return exchange.body
    try:
        return zlib.decompressobj(wbits=31).decompress(exchange.body, 256 * 1024 * 1024)
    except zlib.error:
        return b""


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _shape(path: str) -> str:
    """Give a path without what is different each time, to count by."""
    return re.sub(r"^/storage/.*", "/storage/…", without_secrets(path))
