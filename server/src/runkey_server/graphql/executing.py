"""Runs a plan, and gives errors GraphQL's own shape: the only place that knows it.

One transaction an operation: reading for a query, writing for a mutation, committed before the answer leaves. A fault that will pass
("unavailable"), and a credential that is refused, are the whole answer's business and raised out of here: a 200 with `errors` is final for
the official client. A field that fails for good is null, with an entry in `errors`, and what it had written is undone.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, build_schema, execute

from runkey_server import errors
from runkey_server.database import Database
from runkey_server.errors import Error
from runkey_server.graphql import (
    absent,
    artifact_acts,
    artifacts,
    claiming,
    files,
    keys,
    machines,
    projects,
    runs,
    scalars,
    server_info,
    viewer,
)
from runkey_server.graphql.context import Context
from runkey_server.graphql.planning import PUBLIC_FIELDS, Plan

# Faults of the whole answer: the request is to be made again, or with another credential.
_WHOLE = frozenset({"unavailable", "too_many", "unauthenticated"})


def build() -> GraphQLSchema:
    """Read the schema and bind every resolver to it."""
    schema = build_schema("\n".join(path.read_text() for path in sorted((Path(__file__).parent / "schema").glob("*.graphql"))))
    scalars.bind(schema.type_map)
    for room in (viewer, server_info, projects, runs, files, artifacts, artifact_acts, keys, machines, claiming, absent):
        for type_name, resolvers in room.RESOLVERS.items():
            for field_name, resolver in resolvers.items():
                field = schema.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
                field.resolve = _undone_on_failure(resolver) if type_name == "Mutation" else resolver
    return schema


def run(schema: GraphQLSchema, database: Database, plan: Plan, variables: Mapping[str, Any] | None, context: Context) -> dict[str, Any]:
    """Run one operation; give the answer's JSON object.

    Raises Error `unavailable` or `unauthenticated` for the whole of it, `invalid` for variables that do not fit, and whatever a fault of
    ours raises.
    """
    with _transaction(database, plan) as transaction:
        result = execute(
            schema,
            plan.document,
            context_value=replace(context, open_transaction=transaction, remembered=None if plan.is_mutation else {}),
            variable_values=dict(variables or {}),
            operation_name=plan.operation_name,
        )
        assert isinstance(result, ExecutionResult)  # no resolver is asynchronous
        if not result.errors:
            return {"data": result.data}
        return _with_errors(result)


def error_entry(message: str, code: str, path: list[str | int] | None = None) -> dict[str, Any]:
    """Write one entry of `errors`."""
    entry: dict[str, Any] = {"message": message, "extensions": {"code": code.upper()}}
    return entry if path is None else {**entry, "path": path}


def _transaction(database: Database, plan: Plan) -> AbstractContextManager[sa.Connection | None]:
    if plan.from_memory:
        return nullcontext()
    return database.writing() if plan.is_mutation else database.reading()


def _with_errors(result: ExecutionResult) -> dict[str, Any]:
    entries = []
    for problem in result.errors or ():
        cause = problem.original_error
        if isinstance(cause, Error):
            if cause.code in _WHOLE:
                raise cause
            entries.append(error_entry(cause.message, cause.code, problem.path))
        elif cause is None or isinstance(cause, GraphQLError):
            # Only variables that do not fit their type end here: everything else was validated.
            entries.append(error_entry(problem.message, "invalid", problem.path))
        else:
            raise cause
    if result.data is None and all(entry.get("path") is None for entry in entries):
        raise Error("invalid", "; ".join(entry["message"] for entry in entries))
    return {"data": result.data, "errors": entries}


def _undone_on_failure(resolver: Any) -> Any:
    """Wrap a mutation's field so that its own writes are undone when it fails, and those of its neighbours are not."""

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        context: Context = info.context
        if context.actor is None and info.field_name not in PUBLIC_FIELDS:
            raise errors.unauthenticated()
        with context.transaction.begin_nested():
            return resolver(source, info, **arguments)

    return resolve
