"""What nobody should send: values, documents, requests.

Generated from the schema, the route table and the source of the doors, so that what is new there is covered by itself.
"""

import base64
import gzip
import inspect
import json
import re
import string
import urllib.parse
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
)
from hypothesis import strategies as st

import runkey_server
from runkey_server.graphql import executing
from runkey_server.graphql.planning import MAX_FIELDS

DEEP = 100_000
"""So many lists in lists: far beyond where a parser that calls itself ends."""

MEGABYTE = 1_000_000
MANY = 100_000

# --- values -----------------------------------------------------------------------------------------------------------

TEXTS = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "a\udfffb",
    "\ufffe\uffff",
    "\U0010ffff",
    "\r\nSet-Cookie: x=y",
    "\x1b[31m",
    "\u202egpj.exe",
    "İıſß" * 20,
    "e\u0301" * 200,
    ".",
    "..",
    "../../../etc/passwd",
    "..\\..\\x",
    "/etc/passwd",
    "C:\\x",
    "a/b",
    "a//b/",
    "%2e%2e%2f",
    "%",
    "%%%_%",
    "\\",
    "'; DROP TABLE runs; --",
    '" OR 1=1 --',
    "*",
    "[",
    "?",
    "{{7*7}}",
    "${x}",
    "<script>alert(1)</script>",
    "null",
    "true",
    "NaN",
    "-0",
    "1e400",
    "9" * 30,
    "9" * 5_000,
    "x" * 129,
    "x" * 5_000,
    "x" * MEGABYTE,
    "💩" * 300,
    "2027-01-31T12:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
]

JSON_TEXTS = [
    "",
    "{",
    "[]",
    "{}",
    "null",
    "0",
    '"x"',
    "[" * DEEP,
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    '{"$or":[' * 2_000 + "{}" + "]}" * 2_000,
    '{"a":' * 500 + "1" + "}" * 500,
    '{"a": NaN}',
    '{"a": 1e400}',
    '{"a": -1e400, "b": ' + "9" * 400 + "}",
    '{"a": ' + "9" * 5_000 + "}",
    '{"a": "\\ud800"}',
    '{"\\u0000": "\\u0000"}',
    '{"a": 1, "a": 2}',
    '{"": {"": {"": []}}}',
    '{"_wandb": 1}',
    '{"_wandb": {"value": []}}',
    '{"a": {"value": 1}, "b": null}',
    '{"__proto__": {"x": 1}, "constructor": 1}',
    '{"keys": ["loss"], "samples": 10}',
    '{"keys": [], "samples": -1, "minStep": -9223372036854775809}',
    '{"keys": ["_step"], "samples": 1e300, "maxStep": 1e300}',
    '{"keys": {"a": 1}, "samples": "9"}',
    '{"keys": [{"a": 1}, null, 3], "samples": null}',
    '{"$and": [{"state": {"$in": []}}, {"config.a.value": {"$gt": "x"}}]}',
    '{"$or": [{"name": {"$regex": "(a+)+$"}}]}',
    '{"$not": {"$nor": 1}, "$where": "1"}',
    '{"createdAt": {"$gte": "yesterday"}}',
    '{"tags": {"$in": ["\\u0000", 1, null, {}]}}',
    json.dumps({f"k{i}": i for i in range(20_000)}),
    json.dumps(list(range(MANY))),
    json.dumps({"a": "x" * MEGABYTE}),
]

NUMBERS = [
    0,
    1,
    -1,
    2,
    50,
    1_000,
    10_001,
    2**31 - 1,
    2**31,
    -(2**31),
    2**32,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**30,
    1.5,
    1e308,
    -0.0,
]
MOMENTS = [
    "",
    "yesterday",
    "2027-01-31T12:00:00Z",
    "2027-01-31",
    "2027-02-30T12:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "9998-01-01T00:00:00Z",
    "2027-W05-1",
    "x" * 10_000,
    0,
    1e30,
]
ODD = [None, True, 0, 1.5, "", "x", [], {}, [[]], {"a": 1}, [None], "x" * 1_000]
"""Values of every kind, of which most are wrong wherever they stand."""


@dataclass
class Land:
    """What is there to be named: by the name of an argument, with as much of the way to it as it takes (`Project.run.name`)."""

    good: dict[str, list[Any]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    form_token: str = ""

    def of(self, path: str) -> list[Any]:
        """Give what an argument may well be."""
        while path not in self.good and "." in path:
            path = path.partition(".")[2]
        return self.good.get(path) or []


@cache
def schema() -> GraphQLSchema:
    """The whole query language."""
    return executing.build()


@cache
def junk_ids() -> list[str]:
    """Ids of every kind that the schema has, of numbers that are there and that are not, and what only looks like one."""
    kinds = [name for name, kind in schema().type_map.items() if isinstance(kind, GraphQLObjectType) and not name.startswith("__")]
    found = [base64.b64encode(f"{kind}:{number}".encode()).decode() for kind in [*kinds, "Page"] for number in (1, 2, 10**17)]
    odd = ["Run:", "Run:-1", "Run:١", "Run:9999999999999999999999", "Run:1:x", "Run:1:../x", ":1", "run:1", "Run:1\0", "Run:1.0"]
    return (
        found
        + [base64.b64encode(text.encode()).decode() for text in odd]
        + ["", "====", "UnVuOjE", "Run:7:name", "1", "x" * MEGABYTE, "\ud800"]
    )


def _any_text() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(TEXTS), st.text(max_size=20), st.sampled_from(JSON_TEXTS))


def values(kind: GraphQLInputType, land: Land, path: str, depth: int = 0) -> st.SearchStrategy[Any]:
    """Give a strategy for values of a type: most of its type and odd, some good, some of another type."""
    good = land.of(path)
    strategies = [_typed(kind, land, path, depth)] * 3
    if good:
        strategies.append(st.sampled_from(good))
    strategies.append(st.sampled_from(ODD) if depth else st.just(None))
    return st.one_of(strategies)


def _typed(kind: GraphQLInputType, land: Land, path: str, depth: int) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLNonNull):
        return _typed(kind.of_type, land, path, depth)
    if isinstance(kind, GraphQLList):
        one = values(kind.of_type, land, path, depth + 1)
        many = st.builds(lambda value: [value] * MANY, st.sampled_from([None, "x", 1, "\0", "", {}, *land.of(path)[:1]]))
        return st.one_of(st.lists(one, max_size=3), st.lists(one, max_size=3), many)
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from([*kind.values, "NO_SUCH_VALUE", "", "\0", 1])
    if isinstance(kind, GraphQLInputObjectType):
        return _objects(kind, land, path, depth)
    match kind.name:
        case "String":
            return st.one_of(_any_text(), st.sampled_from([*junk_ids(), *land.ids]))
        case "ID":
            return st.one_of(
                st.sampled_from([*land.ids, *junk_ids()]), st.sampled_from([*land.ids, *junk_ids()]), _any_text(), st.integers()
            )
        case "Int" | "Int64" | "Float":
            return st.one_of(st.sampled_from(NUMBERS), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
        case "Boolean":
            return st.sampled_from([True, False, 1, "true"])
        case "DateTime":
            return st.sampled_from(MOMENTS)
        case "JSONString":
            return st.one_of(st.sampled_from(JSON_TEXTS), st.sampled_from(JSON_TEXTS), _any_text())
    return st.one_of(st.sampled_from(JSON_TEXTS), st.sampled_from(ODD), _any_text())


def _objects(kind: GraphQLInputObjectType, land: Land, path: str, depth: int) -> st.SearchStrategy[Any]:
    if depth > 6:
        return st.just({})

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        given = {}
        # Most fields stay good or away, so that the one that is bad is reached.
        bad = draw(st.sets(st.sampled_from(sorted(kind.fields)), min_size=0, max_size=3))
        for name, each in kind.fields.items():
            inner = f"{path}.{name}"
            if name in bad:
                given[name] = draw(values(each.type, land, inner, depth + 1))
            elif land.of(inner) and (isinstance(each.type, GraphQLNonNull) or draw(st.booleans())):
                value = draw(st.sampled_from(land.of(inner)))
                is_list = isinstance(each.type.of_type if isinstance(each.type, GraphQLNonNull) else each.type, GraphQLList)
                given[name] = [value] if is_list and not isinstance(value, list) else value
            elif isinstance(each.type, GraphQLNonNull):
                given[name] = draw(_typed(each.type, land, inner, depth + 1))
        if draw(st.integers(0, 15)) == 0:
            given[draw(_any_text())] = draw(st.sampled_from(ODD))
        return given

    return build()


# --- documents --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spot:
    """A field of the schema, and by which fields it is reached from a root. operation: query or mutation."""

    operation: str
    steps: tuple[tuple[str, str], ...]
    """(type, field), the last of which is meant."""

    @property
    def name(self) -> str:
        """How a test is called after it."""
        return ".".join(self.steps[-1])

    @property
    def field(self) -> GraphQLField:
        """What the schema says of it."""
        type_name, field_name = self.steps[-1]
        return schema().type_map[type_name].fields[field_name]  # type: ignore[attr-defined,no-any-return]


def spots() -> list[Spot]:
    """Give every field of the roots, and every field below that takes arguments or is a list, by its shortest way."""
    found: list[Spot] = []
    query, mutation = schema().query_type, schema().mutation_type
    assert query is not None and mutation is not None
    found += [Spot("mutation", (("Mutation", name),)) for name in mutation.fields]
    seen = {"Query"}
    waiting: list[tuple[GraphQLObjectType | GraphQLInterfaceType, tuple[tuple[str, str], ...]]] = [(query, ())]
    while waiting:
        kind, steps = waiting.pop(0)
        for name, each in kind.fields.items():
            here = (*steps, (kind.name, name))
            if each.args or not steps:
                found.append(Spot("query", here))
            below = get_named_type(each.type)
            if isinstance(below, GraphQLObjectType | GraphQLInterfaceType) and below.name not in seen:
                seen.add(below.name)
                waiting.append((below, here))
    return found


def _selection(kind: Any, depth: int, seen: tuple[str, ...] = ()) -> str:
    below = get_named_type(kind)
    if not is_composite_type(below):
        return ""
    words = ["__typename"]
    for name, each in getattr(below, "fields", {}).items():
        inner = get_named_type(each.type)
        if any(is_required_argument(argument) for argument in each.args.values()):
            continue
        if is_leaf_type(inner):
            words.append(name)
        elif depth > 0 and inner.name not in seen:
            words.append(name + _selection(inner, depth - 1, (*seen, below.name)))
    return " { " + " ".join(words) + " }"


def _fitting_selection(kind: Any, depth: int) -> str:
    """Select as deep as that, or as an operation may."""
    while depth and _selection(kind, depth).count(" ") > MAX_FIELDS:
        depth -= 1
    return _selection(kind, depth)


@st.composite
def documents(draw: st.DrawFn, spot: Spot, land: Land) -> tuple[str, dict[str, Any]]:
    """Draw a document that asks a field, and its variables."""
    declared: list[str] = []
    variables: dict[str, Any] = {}
    text, closing = "", ""
    for index, (type_name, field_name) in enumerate(spot.steps):
        each: GraphQLField = schema().type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
        is_last = index == len(spot.steps) - 1
        given = []
        for name, argument in each.args.items():
            path = f"{type_name}.{field_name}.{name}"
            if is_last:
                if not isinstance(argument.type, GraphQLNonNull) and draw(st.integers(0, 3)) == 0:
                    continue
                value = draw(values(argument.type, land, path))
            elif land.of(path):
                value = draw(st.sampled_from(land.of(path)[:2]))
            elif is_required_argument(argument):
                value = draw(values(argument.type, land, path))
            else:
                continue
            variable = f"v{len(declared)}"
            declared.append(f"${variable}: {argument.type}")
            variables[variable] = value
            given.append(f"{name}: ${variable}")
        called = field_name + (f"({', '.join(given)})" if given else "")
        if is_last:
            text += " { " + called + _fitting_selection(each.type, draw(st.sampled_from([0, 1, 2, 3])))
        else:
            text += " { " + called
        closing += " }"
    head = f"{spot.operation} Q" + (f"({', '.join(declared)})" if declared else "")
    return head + text + closing, variables


@st.composite
def bodies(draw: st.DrawFn, spot: Spot, land: Land) -> bytes:
    """Draw what is posted to /graphql for a field."""
    text, variables = draw(documents(spot, land))
    body: dict[str, Any] = {"query": text, "variables": variables}
    if draw(st.integers(0, 20)) == 0:
        body["operationName"] = draw(st.sampled_from(["Q", "P", "", "\0", 1, None]))
    return json.dumps(body).encode()


def odd_graphql_bodies() -> list[bytes]:
    """Give what is no question at all, or one too many."""
    deep_list, deep_object = "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP
    query = '{"query": "query Q($v: JSONString) { project { runs(filters: $v) { edges { cursor } } } }", "variables": %s}'
    return [
        *(text.encode("utf-8", "surrogatepass") for text in JSON_TEXTS),
        (query % deep_list).encode(),
        (query % deep_object).encode(),
        (query % f'{{"v": {deep_list}}}').encode(),
        (query % '{"v": 1e400}').encode(),
        (query % ('{"v": ' + "9" * 5_000 + "}")).encode(),
        (query % '{"v": "\\ud800"}').encode(),
        json.dumps({"query": "{ " + "a { " * DEEP + "}" * (DEEP + 1)}).encode(),
        json.dumps({"query": "query Q($v: " + "[" * 5_000 + "Int" + "]" * 5_000 + ") { viewer { id } }"}).encode(),
        json.dumps({"query": "{ project(name: " + "[" * 3_000 + "]" * 3_000 + ") { id } }"}).encode(),
        json.dumps({"query": "{ project(name: " + "{a: " * 3_000 + "1" + "}" * 3_000 + ") { id } }"}).encode(),
        json.dumps({"query": "{ viewer { id } }" * 1_000}).encode(),
        json.dumps({"query": "fragment F on User { ...F } { viewer { ...F } }"}).encode(),
        json.dumps({"query": "{ viewer { " + "id " * 20_000 + "} }"}).encode(),
        json.dumps({"query": "{ viewer " + "@include(if: true) " * 500 + "{ id } }"}).encode(),
        json.dumps({"query": "query Q($a: Int = 99999999999999999999) { project { runs(first: $a) { edges { cursor } } } }"}).encode(),
        json.dumps({"query": '{ project(name: "\ud800") { id } }'}).encode(),
        json.dumps({"query": '{ project(name: "\\u0000\\uD800") { id } }'}).encode(),
        json.dumps({"query": '{ project(name: """' + "\n " * 5_000 + '""") { id } }'}).encode(),
        json.dumps({"query": "subscription { x }"}).encode(),
        json.dumps({"query": "\ufeff{ viewer { id } }"}).encode(),
        json.dumps({"query": "{ __schema { types { fields { type { ofType { ofType { ofType { name } } } } } } } }"}).encode(),
        json.dumps({"query": "x" * MEGABYTE}).encode(),
        json.dumps({"query": "{ viewer { id } }", "variables": {f"v{i}": i for i in range(MANY)}}).encode(),
        b'{"query": "{ viewer { id } }", "operationName": {}}',
        b'{"query": "{ viewer { id } }", "query": 1}',
        b'{"query": "\\ud800"}',
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf{}",
    ]


# --- requests ---------------------------------------------------------------------------------------------------------


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
            return st.one_of(some, _any_text())
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
        any_value = st.one_of(st.sampled_from(ODD), _any_text(), st.sampled_from(NUMBERS))
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
