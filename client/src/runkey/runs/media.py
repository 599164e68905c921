"""Values that know how to become JSON themselves (`_runkey_media`): images, tables, histograms.

One is asked once, in the caller's thread, when it is logged; what it gives is what is kept. It may send a file of the run's on the way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from runkey.runs.encoding import UNCHANGING, snapshot


def settled(data: Mapping[str, Any], run: Any, step: int | str, complain: Callable[[str, str], None], prefix: str = "") -> dict[str, Any]:
    """Give values as they are now: media as what they give, anything that may change later as a copy. One that fails is left out."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if type(value) in UNCHANGING:
            found[key] = value
            continue
        name = f"{prefix}{key}"
        try:
            found[key] = _settle(value, run, name, step, complain)
        except Exception as fault:  # whatever a value's own code raises must not reach the training
            complain(name, f"it cannot be kept ({type(fault).__name__}: {fault})")
    return found


def _settle(value: Any, run: Any, name: str, step: int | str, complain: Callable[[str, str], None]) -> Any:
    if _is_media(value):
        return value._runkey_media(run, name, step)
    if isinstance(value, list | tuple) and value and all(map(_is_media, value)):
        together = getattr(type(value[0]), "_runkey_media_list", None)
        return together(value, run, name, step) if callable(together) else [each._runkey_media(run, name, step) for each in value]
    if isinstance(value, list | tuple) and any(map(_is_media, value)):
        raise TypeError("a list holds media of one kind, or none")
    if isinstance(value, Mapping):
        return settled(value, run, step, complain, f"{name}.")
    # Scalars are most of what comes here, and config, whose arrays are kept as lists, has no run.
    if run is not None and not isinstance(value, list | tuple | float | type) and getattr(value, "shape", None) != ():
        from runkey.media.wrapping import wrapped  # slow import

        found = wrapped(value)
        if _is_media(found):
            return found._runkey_media(run, name, step)
        value = found
    return snapshot(value)


def _is_media(value: Any) -> bool:
    return callable(getattr(value, "_runkey_media", None))
