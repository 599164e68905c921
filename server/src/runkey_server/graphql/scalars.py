"""The scalars of the schema, both ways."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError, GraphQLScalarType

from runkey_server import clock

_MAX_INT64 = 2**63 - 1


def bind(types: dict[str, Any]) -> None:
    """Give the schema's scalars their meaning."""
    _bind(types["JSONString"], _json_text, _any_text)
    _bind(types["JSON"], _strict, lambda value: value)
    _bind(types["DateTime"], _moment_out, _moment_in)
    _bind(types["Int64"], int, _int64)


def _bind(scalar: GraphQLScalarType, coerce_out: Any, coerce_in: Any) -> None:
    # A schema that is read from text has no other place to say so; a literal goes through the same function as a variable.
    scalar.coerce_output_value = coerce_out
    scalar.coerce_input_value = coerce_in


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _any_text(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("A JSONString is a string that holds JSON.")
    return value


def _strict(value: Any) -> Any:
    """Replace what strict JSON has no form for."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value


def _moment_out(value: Any) -> str:
    return clock.on_the_wire(value)


def _moment_in(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise GraphQLError("A DateTime is written as in 2027-01-31T12:00:00Z.") from None
    return moment


def _int64(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise GraphQLError("An Int64 is a whole number.")
    return max(-_MAX_INT64, min(int(value), _MAX_INT64))
