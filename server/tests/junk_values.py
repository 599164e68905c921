"""Values that nobody should send, for every type of the schema, those that the schema gets tomorrow included."""

import base64
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
)
from hypothesis import strategies as st

from runkey_server.graphql import executing

DEEP = 100_000
"""So many lists in lists: far beyond where a parser that calls itself ends."""

MEGABYTE = 1_000_000
MANY = 100_000


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


def any_text() -> st.SearchStrategy[str]:
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
            return st.one_of(any_text(), st.sampled_from([*junk_ids(), *land.ids]))
        case "ID":
            return st.one_of(
                st.sampled_from([*land.ids, *junk_ids()]), st.sampled_from([*land.ids, *junk_ids()]), any_text(), st.integers()
            )
        case "Int" | "Int64" | "Float":
            return st.one_of(st.sampled_from(NUMBERS), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
        case "Boolean":
            return st.sampled_from([True, False, 1, "true"])
        case "DateTime":
            return st.sampled_from(MOMENTS)
        case "JSONString":
            return st.one_of(st.sampled_from(JSON_TEXTS), st.sampled_from(JSON_TEXTS), any_text())
    return st.one_of(st.sampled_from(JSON_TEXTS), st.sampled_from(ODD), any_text())


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
            given[draw(any_text())] = draw(st.sampled_from(ODD))
        return given

    return build()
