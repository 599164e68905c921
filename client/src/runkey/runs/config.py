"""`run.config`: a run's settings, which stay as they are unless it is said that they may change, as W&B has it."""

import json
import platform
from collections.abc import Callable, Mapping
from typing import Any

from runkey.errors import UsageError
from runkey.runs.encoding import plain_or_text
from runkey.runs.mapping import Changed, Watched, as_mapping
from runkey.runs.metrics import Metrics
from runkey_wire.version import __version__

PRIVATE = "_wandb"
"""The key under which W&B's clients keep what is theirs; hidden by every reader."""


def _untold(_: str, __: str) -> None:
    pass


class Config(Watched):
    """Values by name. may_change: whether one that is there may be set to something else without saying so (in a notebook)."""

    def __init__(
        self, values: Mapping[str, Any] | None, changed: Changed, *, may_change: bool = False, tell: Callable[[str, str], None] = _untold
    ) -> None:
        """Begin with a copy of values. tell(name, reason) is called for a value that is kept as text, for want of another form."""
        super().__init__(values, changed)
        object.__setattr__(self, "_tell", tell)
        object.__setattr__(self, "_may_change", may_change)

    def update(self, *others: Any, **named: Any) -> None:
        """Take over values: see Watched. allow_val_change: values that are there may change too; else that raises UsageError."""
        allowed = named.pop("allow_val_change", None)
        given: dict[str, Any] = {}
        for other in (*others, named):
            given.update(as_mapping(other))
        self._set(given, is_allowed=bool(allowed))

    def setdefaults(self, given: Any) -> None:
        """Take over what is not there yet."""
        self._set({key: value for key, value in as_mapping(given).items() if str(key) not in self._values})

    def _set(self, given: Mapping[str, Any], *, is_allowed: bool = False) -> None:
        held = plain_or_text({str(key): value for key, value in given.items()}, self._tell)
        if not is_allowed and not self._may_change:
            for key, value in held.items():
                if key in self._values and self._values[key] != value:
                    raise UsageError(
                        f"config[{key!r}] is {self._values[key]!r} and would become {value!r}. If that is meant: "
                        "config.update(…, allow_val_change=True)."
                    )
        self._values.update(held)
        self._changed(held, [])


def config_text(
    config: Mapping[str, Any], private: Mapping[str, Any] | None, metrics: Metrics | None, scrub: Callable[[str, str], str]
) -> str:
    """Write a config as it goes on the wire: every value in `{"value": …}` (W&B's shape), W&B's own part last, keys taken out."""
    return scrub(json.dumps(wire_config(config, private, metrics)), "the config")


def wire_config(config: Mapping[str, Any], private: Mapping[str, Any] | None, metrics: Metrics | None) -> dict[str, Any]:
    """Give a config in W&B's shape."""
    wire: dict[str, Any] = {key: {"value": value} for key, value in config.items() if key != PRIVATE}
    if private is not None:
        wire[PRIVATE] = {"value": {**private, **({"m": metrics.as_wire()} if metrics else {})}}
    return wire


def first_private() -> dict[str, Any]:
    """Give what stands in W&B's own part from the start. Without `t` the official client takes a run for one that was never begun."""
    python = platform.python_version()
    return {"cli_version": __version__, "python_version": python, "t": {"4": python, "5": __version__, "12": __version__}}


def read_config(text: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a config off the wire: the values, and W&B's own part."""
    try:
        wire = json.loads(text or "{}")
    except (ValueError, RecursionError):
        wire = {}
    wire = wire if isinstance(wire, dict) else {}
    values = {key: each.get("value") if isinstance(each, dict) else each for key, each in wire.items()}
    private = values.pop(PRIVATE, None)
    return values, private if isinstance(private, dict) else {}
