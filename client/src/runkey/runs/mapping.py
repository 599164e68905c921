"""A mapping with attributes that tells when it changed: what `run.config` and `run.summary` are."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from runkey.runs.encoding import snapshot


class Watched(MutableMapping[str, Any]):
    """`values["lr"]`, `values.lr`, `values.update(…)`. changed() is called after every change.

    What is held is as it was when it was set: an array or a list that changes afterwards does not change here.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, changed: Callable[[], None] = lambda: None) -> None:
        """Begin with a copy of values."""
        object.__setattr__(self, "_values", {str(key): snapshot(value) for key, value in (values or {}).items()})
        object.__setattr__(self, "_changed", changed)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[str(key)] = snapshot(value)
        self._changed()

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._changed()

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r} here") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, *others: Any, **named: Any) -> None:
        """Take over values; `allow_val_change`, which W&B has, is accepted and changes nothing."""
        named.pop("allow_val_change", None)
        for other in (*others, named):
            self.set_quietly(dict(other))
        self._changed()

    def set_quietly(self, values: Mapping[str, Any]) -> None:
        """Take over values without telling: for the run itself."""
        self._values.update({str(key): snapshot(value) for key, value in values.items()})

    def copy(self) -> dict[str, Any]:
        """Give what is held, for another thread: values set meanwhile are in it or not, and never half."""
        copied: dict[str, Any] = self._values.copy()
        return copied

    def __repr__(self) -> str:
        return repr(self._values)
