"""A mapping with attributes that tells what changed: what `run.config` and `run.summary` are."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from runkey.runs.encoding import snapshot

Changed = Callable[[dict[str, Any], list[str]], None]


def _untold(_: dict[str, Any], __: list[str]) -> None:
    pass


class Watched(MutableMapping[str, Any]):
    """`values["lr"]`, `values.lr`, `values.update(…)`. changed(set, removed) is called after every change.

    What is held is as it was when it was set: an array or a list that changes afterwards does not change here.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, changed: Changed = _untold) -> None:
        """Begin with a copy of values."""
        object.__setattr__(self, "_values", {str(key): snapshot(value) for key, value in (values or {}).items()})
        object.__setattr__(self, "_changed", changed)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._set({key: value})

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._changed({}, [key])

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_values":
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r} here") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, *others: Any, **named: Any) -> None:
        """Take over values: of mappings, pairs, or what has attributes, as an argparse.Namespace."""
        given: dict[str, Any] = {}
        for other in (*others, named):
            given.update(as_mapping(other))
        self._set(given)

    def as_dict(self) -> dict[str, Any]:
        """Give a copy, W&B's word for it."""
        return self.copy()

    def copy(self) -> dict[str, Any]:
        """Give what is held, for another thread: values set meanwhile are in it or not, and never half."""
        copied: dict[str, Any] = self._values.copy()
        return copied

    def _set(self, given: Mapping[str, Any]) -> None:
        held = {str(key): snapshot(value) for key, value in given.items()}
        self._values.update(held)
        self._changed(held, [])

    def __repr__(self) -> str:
        return repr(self._values)


def as_mapping(given: Any) -> dict[str, Any]:
    """Give the values in what a script hands over as a config. Raises TypeError for what has none."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return dict(given)
    if hasattr(given, "__dict__") and not isinstance(given, type):
        return dict(vars(given))
    return dict(given)
