"""One JSON line and one history row, each made from the other.

A row is a dict of key to value; `_step` (int), `_timestamp` (seconds since 1970) and `_runtime` (seconds since the run began)
ride along. The official client writes bare `NaN`, `Infinity` and `-Infinity`, which strict JSON does not know (observed with
0.31.0); the standard library reads and writes them, so both sides use it here.
"""

import json
from collections.abc import Mapping
from typing import Any

from runkey_wire.errors import Malformed


def parse(line: str) -> dict[str, Any]:
    """Read one line. Raises Malformed when it is not one JSON object."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise Malformed("the line", "is not JSON") from None
    if not isinstance(row, dict):
        raise Malformed("the line", "is not a JSON object")
    return row


def build(row: Mapping[str, Any]) -> str:
    """Write one row as one line. Raises TypeError for a value that JSON has no form for."""
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False)
