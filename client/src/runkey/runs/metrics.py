"""What `define_metric()` says of a metric, and how it goes on the wire.

The official client keeps definitions in the config, `_wandb.value.m`, a list of objects whose members are numbers (observed with 0.31.0):
1 name, 2 name that ends in `*`, 5 the place of its step metric in the list, counted from 1, 6 options, 7 summaries, 8 goal.
"""

from typing import Any

from runkey.errors import UsageError

SUMMARIES = {"min": 1, "max": 2, "mean": 3, "best": 4, "last": 5, "none": 6, "copy": 7, "first": 8}
GOALS = {"minimize": 1, "maximize": 2}
_NOT_SENT = ("copy",)
_STEP_SYNC, _HIDDEN, _DEFINED = 1, 2, 3


class Metric:
    """One definition. What is None was not said."""

    __slots__ = ("goal", "hidden", "name", "step_metric", "step_sync", "summary")

    def __init__(
        self,
        name: str,
        step_metric: str | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: tuple[str, ...] | None = None,
        goal: str | None = None,
    ) -> None:
        """Hold what was said."""
        self.name = name
        self.step_metric = step_metric
        self.step_sync = step_sync
        self.hidden = hidden
        self.summary = summary
        self.goal = goal

    @property
    def is_glob(self) -> bool:
        """Whether it stands for every metric whose name begins so."""
        return self.name.endswith("*")

    @property
    def fills_step(self) -> bool:
        """Whether a row with it is given the last value of its step metric: by default where it has one."""
        return self.step_metric is not None and self.step_sync is not False

    def __repr__(self) -> str:
        return f"<Metric {self.name!r}>"


class Metrics:
    """The definitions of one run."""

    def __init__(self) -> None:
        """Begin without any."""
        self._all: dict[str, Metric] = {}
        self._found: dict[str, Metric | None] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    def define(
        self,
        name: str,
        step_metric: Any = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> Metric:
        """Add to what is said of a metric, or with overwrite put this in its place. Raises UsageError for what cannot be meant."""
        step_metric = getattr(step_metric, "name", step_metric)
        if not isinstance(name, str) or not name or "*" in name[:-1]:
            raise UsageError(f"define_metric() takes a metric's name, which may end in *, not {name!r}.")
        if step_metric is not None and not isinstance(step_metric, str):
            raise UsageError(f"step_metric is the name of a metric, not {step_metric!r}.")
        before = Metric(name) if overwrite else self._all.get(name, Metric(name))
        defined = Metric(
            name,
            step_metric or before.step_metric,
            before.step_sync if step_sync is None else bool(step_sync),
            before.hidden if hidden is None else bool(hidden),
            _words(summary) or before.summary,
            _goal(goal) or before.goal,
        )
        if defined.summary == ("best",) and defined.goal is None:
            raise UsageError('summary="best" needs goal="minimize" or goal="maximize".')
        self._all[name] = defined
        self._found.clear()
        return defined

    def find(self, name: str) -> Metric | None:
        """Give what is said of a metric: by its own name, else by the longest beginning."""
        try:
            return self._found[name]
        except KeyError:
            pass
        found = self._all.get(name)
        if found is None:
            globs = [metric for metric in self._all.values() if metric.is_glob and name.startswith(metric.name[:-1])]
            found = max(globs, key=lambda metric: len(metric.name), default=None)
        if len(self._found) < 100_000:
            self._found[name] = found
        return found

    def as_list(self) -> list[dict[str, Any]]:
        """Give the definitions as arguments of `define`, for a journal."""
        names = ("name", "step_metric", "step_sync", "hidden", "goal")
        return [
            {name: getattr(metric, name) for name in names} | {"summary": ",".join(metric.summary) if metric.summary else None}
            for metric in self._all.values()
        ]

    def as_wire(self) -> list[dict[str, Any]]:
        """Give the definitions as the official client writes them. A step metric that was not defined gets a place without options."""
        names = list(self._all)
        steps = [metric.step_metric for metric in self._all.values() if metric.step_metric]
        places = {name: number for number, name in enumerate(dict.fromkeys([*names, *steps]), 1)}
        return [_wire(self._all.get(name), name, places) for name in places]


def _wire(metric: Metric | None, name: str, places: dict[str, int]) -> dict[str, Any]:
    if metric is None:
        return {"1": name, "6": [], "7": []}
    options = [_STEP_SYNC] if metric.fills_step else []
    options += [_HIDDEN] if metric.hidden else []
    options += [] if metric.is_glob else [_DEFINED]
    wire: dict[str, Any] = {"2" if metric.is_glob else "1": name, "6": options}
    wire["7"] = [SUMMARIES[word] for word in metric.summary or () if word not in _NOT_SENT]
    if metric.step_metric:
        wire["5"] = places[metric.step_metric]
    if metric.goal:
        wire["8"] = GOALS[metric.goal]
    return wire


def _words(summary: str | None) -> tuple[str, ...] | None:
    if not summary:
        return None
    words = tuple(word.strip().lower() for word in str(summary).split(","))
    unknown = [word for word in words if word not in SUMMARIES]
    if unknown:
        raise UsageError(f"summary is one or several of {', '.join(SUMMARIES)}, not {unknown[0]!r}.")
    return words


def _goal(goal: str | None) -> str | None:
    if not goal:
        return None
    word = str(goal).lower()
    if word not in GOALS:
        raise UsageError(f"goal is {' or '.join(GOALS)}, not {goal!r}.")
    return word
