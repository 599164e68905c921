"""Requests that nobody should send, to every address of the route table: out of the source of the doors, so that new ones are covered."""

import base64
import gzip
import inspect
import json
import re
import string
import urllib.parse
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from junk_values import DEEP, MEGABYTE, NUMBERS, ODD, TEXTS, Land, any_text

import runkey_server


@dataclass(frozen=True)
class Request:
    """One request as it stands on the wire. pieces: its body; None ends the connection in the middle of it."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    pieces: tuple[bytes | None, ...] = ()


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "x" * 50]
PATH_PIECES = [
    b"%2F",
    b"%00",
    b"..",
    b"%2e%2e",
    b".",
    b"%ff",
    b"%f0%9f%92%a9",
    b"%ed%a0%80",
    b"a%0d%0ab",
    b"%5c",
    b"%25",
    b"%",
    b"%zz",
    b"a%3Fb",
    b"-1",
    b"999999999999999999999",
    b"x" * 4_000,
    b"%e2%80%ae",
    b"~",
    b"'",
    b"*",
    b"",
    b"A",
]
CONTENT_TYPES = [
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"text/plain",
    b"application/json; charset=utf-7",
    b"application/octet-stream",
    b";",
    b"\xff",
    b"",
]
ODD_HEADERS = [
    (b"accept", b"text/html"),
    (b"accept", b"*/*;q=x"),
    (b"accept-encoding", b"gzip;q=1e400, br"),
    (b"accept-language", b"x" * 3_000),
    (b"authorization", b"Bearer"),
    (b"authorization", b"Bearer " + b"x" * 3_000),
    (b"authorization", b"Basic \xff"),
    (b"authorization", b"Basic " + base64.b64encode(b"\xff\xfe:\xff")),
    (b"authorization", b"Digest x"),
    (b"cookie", b'runkey-session=; ;;; =; runkey-form="; runkey-device=:::'),
    (b"cookie", b"runkey-session=" + b"x" * 4_000),
    (b"content-encoding", b"gzip"),
    (b"content-encoding", b"br"),
    (b"content-encoding", b"gzip, gzip"),
    (b"content-length", b"99999999999999999999999"),
    (b"content-length", b"-1"),
    (b"content-length", b"1e3"),
    (b"if-none-match", b"*"),
    (b"if-modified-since", b"yesterday"),
    (b"range", b"bytes=0-,5-1,-99999999999999999999"),
    (b"last-event-id", b"9" * 100),
    (b"origin", b"null"),
    (b"sec-fetch-site", b"cross-site"),
    (b"sec-fetch-site", b"same-origin"),
    (b"x-form-token", b"\xff"),
    (b"x-forwarded-for", b"1.2.3.4, evil"),
    (b"forwarded", b"for=;host=evil"),
    (b"expect", b"100-continue"),
    (b"upgrade", b"websocket"),
    (b"transfer-encoding", b"gzip, chunked"),
]


@cache
def bomb() -> bytes:
    """A hundred megabytes, zipped to a hundred thousand bytes."""
    return gzip.compress(b"\0" * 100 * MEGABYTE)


@cache
def odd_bodies() -> list[tuple[bytes | None, ...]]:
    """Bodies that fit nowhere, in one piece or several."""
    whole = gzip.compress(b'{"files": {}}')
    return [
        (),
        (b"",),
        (b"{}",),
        (b"[]",),
        (b"null",),
        (b"\0",),
        (b"\xff\xfejunk",),
        (b"[" * DEEP,),
        (b"[" * DEEP + b"]" * DEEP,),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP,),
        (b"x" * MEGABYTE,),
        (b"x=" + b"%" * 1_000,),
        (b"&".join(b"a=b" for _ in range(1_000)),),
        (b"a=%ff&b=%00&c=%ed%a0%80",),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',),
        (whole,),
        (whole[:-3],),
        (whole + b"x",),
        (whole + whole,),
        (whole[:10] + b"\xff" * 10,),
        (zlib.compress(b"{}"),),
        (bomb(),),
        (b"{", b"", b"", b"}"),
        tuple(bytes([each]) for each in b'{"files": {}}'),
        (b'{"files":', None),
        (None,),
    ]


_ROOM = Path(runkey_server.__file__).parent


@cache
def words_of_doors() -> list[str]:
    """Read out of the source which names the doors look for in queries and forms."""
    text = "\n".join(path.read_text() for room in ("web", "oauth", "ingest") for path in (_ROOM / room).glob("*.py"))
    return sorted(set(re.findall(r"""(?:query|form|fields)(?:\.get\(|\.pop\(|\[)"(\w+)\"""", text)))


def _structs() -> list[type]:
    import importlib

    import msgspec

    found = []
    for room in ("web", "ingest"):
        for path in sorted((_ROOM / room).glob("*.py")):
            module = importlib.import_module(f"runkey_server.{room}.{path.stem}")
            found += [
                each
                for _, each in inspect.getmembers(module, inspect.isclass)
                if issubclass(each, msgspec.Struct) and each.__module__ == module.__name__
            ]
    return found


@cache
def shapes() -> list[dict[str, Any]]:
    """Give what the doors read as JSON: name of a member to what is said of it."""
    import msgspec

    return [{each.encode_name: each for each in msgspec.inspect.type_info(kind).fields} for kind in _structs()]  # type: ignore[attr-defined]


def _fitting(kind: Any, land: Land, name: str) -> st.SearchStrategy[Any]:
    import msgspec.inspect as msgs

    good = land.of(name)
    some = st.sampled_from(good) if good else st.sampled_from(ODD)
    match kind:
        case msgs.ListType() | msgs.VarTupleType() | msgs.SetType():
            return st.lists(_fitting(kind.item_type, land, name), max_size=3)
        case msgs.LiteralType():
            return st.sampled_from([*kind.values, "nothing"])
        case msgs.IntType() | msgs.FloatType():
            return st.sampled_from(NUMBERS)
        case msgs.StrType():
            return st.one_of(some, any_text())
        case msgs.BoolType():
            return st.sampled_from([True, False, None])
        case msgs.UnionType():
            return st.one_of([_fitting(each, land, name) for each in kind.types])
        case msgs.NoneType():
            return st.none()
        case msgs.StructType():
            return st.fixed_dictionaries(
                {}, optional={each.encode_name: _fitting(each.type, land, each.encode_name) for each in kind.fields}
            )
        case msgs.DictType():
            return st.dictionaries(st.sampled_from(["a", "", "\0"]), _fitting(kind.value_type, land, name), max_size=2)
    return st.sampled_from(ODD)


def _json_bodies(land: Land) -> st.SearchStrategy[bytes]:
    fitting, odd = [], []
    for shape in filter(None, shapes()):
        each = {name: _fitting(member.type, land, name) for name, member in shape.items()}
        needed = {name: strategy for name, strategy in each.items() if shape[name].required}
        fitting.append(st.fixed_dictionaries(needed, optional={name: each[name] for name in each if name not in needed}))
        any_value = st.one_of(st.sampled_from(ODD), any_text(), st.sampled_from(NUMBERS))
        odd.append(st.fixed_dictionaries({}, optional=dict.fromkeys(shape, any_value)))
    return st.builds(lambda value: json.dumps(value).encode(), st.one_of([*fitting, *fitting, *odd]))


def _encoded(pairs: list[tuple[str, str]]) -> bytes:
    return urllib.parse.urlencode(pairs, errors="surrogatepass").encode()


@st.composite
def _pairs(draw: st.DrawFn, land: Land) -> bytes:
    pairs = []
    for name in draw(st.lists(st.sampled_from(words_of_doors()), max_size=5)):
        good = [str(value) for value in land.of(name)]
        odd = st.one_of(st.sampled_from([text for text in TEXTS if len(text) < 10_000]), st.sampled_from(list(map(str, NUMBERS))))
        pairs.append((name, draw(st.one_of(odd, st.sampled_from(good)) if good else odd)))
    if land.form_token and draw(st.booleans()):
        pairs.append(("form_token", land.form_token))
    return _encoded(pairs)


def _queries(land: Land) -> st.SearchStrategy[bytes]:
    odd = [b"", b"&&&", b"=", b"%", b"%ff=%00", b"a" * 5_000, b"&".join(b"x" for _ in range(200)), b"%ed%a0%80=1"]
    return st.one_of(_pairs(land), _pairs(land), st.sampled_from(odd))


@st.composite
def requests(draw: st.DrawFn, path: str, methods: list[str], land: Land, identities: list[tuple[tuple[bytes, bytes], ...]]) -> Request:
    """Draw a request for a route. identities: header fields by which somebody is known."""
    target = b""
    for piece in re.split(r"(\{[^}]*\})", path):
        if not piece.startswith("{"):
            target += piece.encode()
            continue
        name = piece[1:-1].partition(":")[0]
        good = [urllib.parse.quote(str(value), safe="").encode() for value in land.of(f"route.{name}")]
        if good and draw(st.integers(0, 7)):
            target += draw(st.one_of(st.just(good[0]), st.sampled_from(good)))
        else:
            target += draw(st.one_of(st.sampled_from(PATH_PIECES), st.text(string.printable, min_size=1, max_size=8).map(_quoted)))
    if draw(st.integers(0, 15)) == 0:
        target += draw(st.sampled_from([b"/", b"//", b"/..", b"/%2e%2e", b";x", b"%00"]))
    if draw(st.booleans()):
        target += b"?" + draw(_queries(land))
    method = draw(st.one_of(st.sampled_from(methods), st.sampled_from(methods), st.sampled_from(METHODS)))
    headers = [*draw(st.sampled_from(identities)), *draw(st.lists(st.sampled_from(ODD_HEADERS), max_size=2))]
    pieces: tuple[bytes | None, ...] = ()
    if method not in ("GET", "HEAD"):
        body = draw(st.integers(0, 3))
        if body == 0:
            pieces = draw(st.sampled_from(odd_bodies()))
            headers.append((b"content-type", draw(st.sampled_from(CONTENT_TYPES))))
        elif body == 1 and path.endswith("file_stream"):
            pieces = (draw(streams(land)),)
            headers.append((b"content-type", b"application/json"))
        elif body in (1, 2):
            pieces = (draw(_json_bodies(land)),)
            headers.append((b"content-type", b"application/json"))
        else:
            pieces = (draw(_pairs(land)),)
            headers.append((b"content-type", b"application/x-www-form-urlencoded"))
    return Request(method, target, tuple(headers), pieces)


def _quoted(text: str) -> bytes:
    return urllib.parse.quote(text, safe="").encode()


LINES = [
    "",
    "{}",
    "[]",
    "null",
    "{",
    '{"_step": 1}',
    '{"_step": -1, "loss": 1}',
    '{"_step": 1e400}',
    '{"_step": "1", "loss": {}}',
    '{"_step": 9223372036854775808}',
    '{"loss": NaN, "b": Infinity, "c": -Infinity}',
    '{"loss": ' + "9" * 5_000 + "}",
    '{"a": "\\ud800", "\\u0000": 1}',
    '{"a.b": 1, "a": {"b": 2}}',
    '{"": 1, "_runtime": null, "_timestamp": "x"}',
    "[" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    '{"a": ' + "[" * 500 + "]" * 500 + "}",
    json.dumps({f"k{i}": i for i in range(3_000)}),
    json.dumps({"k" * 5_000: 1}),
    json.dumps({"a": "x" * MEGABYTE}),
    '{"h": {"_type": "histogram", "bins": [1], "values": {}}, "i": {"_type": 1}}',
    "ERROR 2026-01-01T00:00:00.000000 x",
    "2026-99-99T00:00:00 x\r\ry",
    "\0\ud800\x1b[2J",
    "x" * MEGABYTE,
]


@st.composite
def streams(draw: st.DrawFn, land: Land) -> bytes:
    """Draw the body of a file_stream request."""
    names = ["wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log", "", "\0", "../x", "x"]
    line = st.one_of(st.sampled_from(LINES), st.sampled_from(LINES), st.sampled_from(ODD), st.text(max_size=10))
    chunk = st.one_of(
        st.fixed_dictionaries(
            {
                "offset": st.sampled_from([0, 1, 5, *NUMBERS]),
                "content": st.one_of(st.lists(line, max_size=4), st.lists(st.sampled_from(LINES[:13]), max_size=4)),
            }
        ),
        st.sampled_from(ODD),
    )
    files = st.dictionaries(st.sampled_from(names), chunk, max_size=3)
    body = draw(
        st.fixed_dictionaries(
            {"files": st.one_of(files, files, st.sampled_from(ODD))},
            optional={
                "complete": st.sampled_from([True, False, *ODD]),
                "exitcode": st.sampled_from([*NUMBERS, *ODD]),
                "preempting": st.sampled_from([True, *ODD]),
                "uploaded": st.sampled_from([["x"], ["\0"], *ODD]),
                "dropped": st.sampled_from(ODD),
            },
        )
    )
    return json.dumps(body).encode()
