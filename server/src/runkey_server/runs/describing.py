"""A run's config and summary as values: out of the JSON that they are kept as, and flat, by dotted names. Pure."""

import json
from typing import Any

from runkey_server.runs.model import Run


def config_of(run: Run) -> dict[str, Any]:
    """Give the config as its author wrote it: on the wire every value stands in `{"value": …}`, and `_wandb` is the client's own."""
    return {
        key: entry["value"] if isinstance(entry, dict) and "value" in entry else entry
        for key, entry in _object(run.config).items()
        if not key.startswith("_")
    }


def summary_of(run: Run) -> dict[str, Any]:
    """Give the summary, `_step`, `_runtime` and the like among it."""
    return _object(run.summary)


def flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Give values by dotted names, sorted level by level; media and empty dicts are values."""
    rows: list[tuple[str, Any]] = []
    for key in sorted(values):
        value = values[key]
        if isinstance(value, dict) and value and "_type" not in value:
            rows.extend(flat(value, f"{prefix}{key}."))
        else:
            rows.append((f"{prefix}{key}", value))
    return rows


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {}
