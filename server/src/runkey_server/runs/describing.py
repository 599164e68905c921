"""A run's config and summary as values: out of the JSON that they are kept as, and flat, by dotted names. Pure."""

import json
from collections.abc import Callable
from typing import Any

from runkey_server.runs.model import Run

_HIDDEN = 2


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


def hidden_metrics(run: Run) -> Callable[[str], bool]:
    """Give what tells of a metric whether its author wants no chart of it: define_metric(…, hidden=True).

    The clients keep definitions in their own part of the config: `m`, of which each has a name ("1") or a pattern that ends in `*` ("2"),
    and options ("6"), of which 2 is hidden. The name's own definition wins over a pattern's, and the longest pattern over others.
    """
    private = _object(run.config).get("_wandb")
    private = private.get("value") if isinstance(private, dict) else None
    defined = private.get("m") if isinstance(private, dict) else None
    names: dict[str, bool] = {}
    patterns: dict[str, bool] = {}
    for metric in defined if isinstance(defined, list) else ():
        if isinstance(metric, dict):
            options = metric.get("6")
            is_hidden = isinstance(options, list) and _HIDDEN in options
            for key, found in (("1", names), ("2", patterns)):
                if isinstance(metric.get(key), str):
                    found[metric[key]] = is_hidden

    def tell(name: str) -> bool:
        if name in names:
            return names[name]
        fitting = [pattern for pattern in patterns if pattern.endswith("*") and name.startswith(pattern[:-1])]
        return bool(fitting) and patterns[max(fitting, key=len)]

    return tell


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
