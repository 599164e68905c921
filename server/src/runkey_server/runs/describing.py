"""A run's config and summary as values: out of the JSON that they are kept as, and flat, by dotted names. Pure."""

import json
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Definition:
    """What define_metric() said of a metric. is_hidden: its author wants no chart of it. step_metric: what its x is, None for the step."""

    is_hidden: bool = False
    step_metric: str | None = None


def definitions(run: Run) -> Callable[[str], Definition]:
    """Give what tells of a metric how it was defined.

    The clients keep definitions in their own part of the config: `m`, of which each has a name ("1") or a pattern that ends in `*` ("2"),
    a step metric by its name ("4") or its place in the list, counted from 1 ("5"), and options ("6"), of which 2 is hidden. The name's own
    definition wins over a pattern's, and the longest pattern over others.
    """
    private = _object(run.config).get("_wandb")
    private = private.get("value") if isinstance(private, dict) else None
    told = private.get("m") if isinstance(private, dict) else None
    metrics = [metric if isinstance(metric, dict) else {} for metric in told] if isinstance(told, list) else []
    names: dict[str, Definition] = {}
    patterns: dict[str, Definition] = {}
    for metric in metrics:
        options = metric.get("6")
        definition = Definition(isinstance(options, list) and _HIDDEN in options, _step_metric(metric, metrics))
        for key, found in (("1", names), ("2", patterns)):
            if isinstance(metric.get(key), str):
                found[metric[key]] = definition

    def tell(name: str) -> Definition:
        if name in names:
            return names[name]
        fitting = [pattern for pattern in patterns if pattern.endswith("*") and name.startswith(pattern[:-1])]
        return patterns[max(fitting, key=len)] if fitting else Definition()

    return tell


def _step_metric(metric: dict[str, Any], metrics: list[dict[str, Any]]) -> str | None:
    name, place = metric.get("4"), metric.get("5")
    if isinstance(place, int) and 1 <= place <= len(metrics):
        name = metrics[place - 1].get("1")
    return name if isinstance(name, str) else None


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
