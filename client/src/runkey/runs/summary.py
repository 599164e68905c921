"""`run.summary`: of each metric the last value, or what `define_metric` asked for; and what the script sets itself.

Whatever came last stands. Where a minimum, maximum, mean, first or last value was asked for, W&B's clients keep it under that word
(`summary["loss"]["min"]`), and what a script sets in its place stays. A None in a row leaves what stood before, as W&B has it.
"""

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Any

from runkey.runs.mapping import Changed, Watched
from runkey.runs.metrics import Metric, Metrics

PRIVATE = "_wandb"
_STATE = "runkey_state"


def off_wire(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a summary off the wire: the values, and the state to go on counting from, empty where another client wrote it."""
    held = {key: value for key, value in values.items() if key != PRIVATE}
    state: dict[str, Any] = {"means": {}, "own": []}
    with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, OverflowError):
        told = values[PRIVATE][_STATE]
        state["means"] = {str(name): [int(count), float(total)] for name, (count, total) in told["means"].items()}
        state["own"] = [str(name) for name in told["own"]]
    return held, state


class Summary(Watched):
    """Values by name, growing with the rows."""

    def __init__(
        self,
        metrics: Metrics,
        values: Mapping[str, Any] | None,
        changed: Changed,
        settle: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    ) -> None:
        """Begin with a copy of values. settle: gives what a script sets as it is kept, media among it."""
        super().__init__(values, changed)
        for name, value in (("_metrics", metrics), ("_means", {}), ("_own", set()), ("_settle", settle)):
            object.__setattr__(self, name, value)

    def take_row(self, row: dict[str, Any], *, is_flat: bool = False) -> None:
        """Let a row count. is_flat: it has neither nested mappings, nor None, nor what could change later."""
        if is_flat and not self._metrics:
            self._values.update(row)
        else:
            self._take("", row, self._values)

    def apply(self, set_: Mapping[str, Any], removed: list[str]) -> None:
        """Do what a script did, as a journal tells it."""
        self._note_own(set_)
        self._values.update(set_)
        for key in removed:
            self._values.pop(key, None)

    def on_wire(self) -> dict[str, Any]:
        """Give the values with W&B's own part: for how long the run ran, and what whoever goes on with it needs to go on counting."""
        values = self.copy()
        own: dict[str, Any] = {}
        runtime = values.get("_runtime")
        if isinstance(runtime, int | float) and math.isfinite(runtime):
            own["runtime"] = int(runtime)
        if self._means or self._own:
            own[_STATE] = self.state()
        return {**values, PRIVATE: own} if own else values

    def state(self) -> dict[str, Any]:
        """Give what is needed beside the values to go on counting."""
        return {"means": {name: list(each) for name, each in self._means.items()}, "own": sorted(self._own)}

    def restore(self, values: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Go on from values, and from the state that belongs to them."""
        self._values.update(values)
        self._means.update({name: (each[0], each[1]) for name, each in (state.get("means") or {}).items()})
        self._own.update(state.get("own") or ())

    def _set(self, given: Mapping[str, Any]) -> None:
        given = self._settle(given)
        self._note_own(given)
        super()._set(given)

    def _note_own(self, given: Mapping[str, Any]) -> None:
        self._own.update(str(key) for key in given if self._metrics and _is_counted(self._metrics.find(str(key))))

    def _take(self, prefix: str, row: Mapping[str, Any], target: dict[str, Any]) -> None:
        for key, value in row.items():
            if isinstance(value, dict) and "_type" not in value:
                inner = target.get(key)
                # A copy: whoever was given the old one keeps it as it was.
                inner = dict(inner) if isinstance(inner, dict) else {}
                self._take(f"{prefix}{key}.", value, inner)
                if inner or not value:
                    target[key] = inner
                continue
            if value is None:
                continue
            name = f"{prefix}{key}"
            metric = self._metrics.find(name) if self._metrics and not name.startswith("_") else None
            if metric is None or not _is_counted(metric):
                target[key] = value
            elif "none" not in (metric.summary or ()) and name not in self._own:
                target[key] = self._counted(name, metric, value, target.get(key))

    def _counted(self, name: str, metric: Metric, value: Any, before: Any) -> Any:
        """Give what stands for a metric after one more value; one that is no number stands itself."""
        if not isinstance(value, int | float):
            return value
        known = dict(before) if isinstance(before, dict) else {}
        known.setdefault("first", value) if "first" in (metric.summary or ()) else None
        for word in metric.summary or ():
            if word == "last":
                known[word] = value
            elif word == "mean" and not math.isnan(value):
                count, total = self._means.get(name, (0, 0.0))
                self._means[name] = count + 1, total + value
                known[word] = (total + value) / (count + 1)
            elif word in ("min", "max", "best") and not math.isnan(value):
                choose = max if word == "max" or (word == "best" and metric.goal == "maximize") else min
                known[word] = choose(known.get(word, value), value)
        return known


def _is_counted(metric: Metric | None) -> bool:
    return metric is not None and bool(metric.summary) and metric.summary != ("copy",)
