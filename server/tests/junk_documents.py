"""GraphQL documents, and bodies around them, that nobody should send: a document for each field of the schema."""

import json
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
)
from hypothesis import strategies as st
from junk_values import DEEP, JSON_TEXTS, MANY, MEGABYTE, Land, schema, values

from runkey_server.graphql.planning import MAX_FIELDS


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
