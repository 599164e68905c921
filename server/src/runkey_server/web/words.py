"""Turns values into words for a page: moments, durations, numbers, browsers."""

import json
import math
import re
from datetime import datetime, timedelta
from typing import Any

_MAX_VALUE = 500
_MEDIA = {
    "image-file": "picture",
    "images/separated": "pictures",
    "table-file": "table",
    "audio-file": "sound",
    "video-file": "film",
    "html-file": "page",
}
# What a browser calls itself holds the names of those it is compatible with: the first that fits is the right one.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrom|CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux|X11", "Linux"),
)

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def duration(length: timedelta) -> str:
    """Write a length of time with its largest unit: `3 minutes`."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in _UNITS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "a moment"


def ago(moment: datetime | None, now: datetime) -> str:
    """Write how long ago something was."""
    return "never" if moment is None else f"{duration(now - moment)} ago"


def until(moment: datetime, now: datetime) -> str:
    """Write how long it is until something."""
    return f"in {duration(moment - now)}" if moment > now else "very soon"


def moment(value: datetime) -> str:
    """Write a moment in full."""
    return value.strftime("%Y-%m-%d %H:%M:%S UTC")


def day(value: datetime) -> str:
    """Write the day of a moment."""
    return value.strftime("%Y-%m-%d")


def browser(user_agent: str) -> str:
    """Name a browser and its system by what it calls itself; what is none as it is, cut short."""
    found = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), None)
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, user_agent)), None)
    if found is None:
        return user_agent[:60] or "unknown"
    return f"{found} on {system}" if system else found


def number(value: Any) -> str:
    """Write a number briefly: at most five significant digits; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**12 else f"{float(value):.4g}" if abs(value) < 1e300 else "a very large number"
    if not math.isfinite(value):
        return str(value)
    return f"{value:.5g}"


def size(count: int) -> str:
    """Write a number of bytes with its largest unit: `1.2 MB`."""
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    # What would be rounded up to 1000 is 1 of the next.
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.1f} {units[0]}" if 0 < amount < 9.95 and units[0] != "B" else f"{amount:.0f} {units[0]}"


def value(found: Any) -> str:
    """Write a value of a config or a summary: numbers briefly, media in words and where their file is, the rest as JSON, cut when long."""
    if isinstance(found, str | int | float) and not isinstance(found, bool):
        return number(found)
    if isinstance(found, dict) and isinstance(found.get("_type"), str):
        return _media(found)
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]} … {len(text) - _MAX_VALUE} more characters"


def _media(found: dict[str, Any]) -> str:
    kind = str(found["_type"])
    words = _MEDIA.get(kind, kind)
    if "width" in found and "height" in found:
        words += f", {number(found['width'])} × {number(found['height'])}"
    if "nrows" in found and "ncols" in found:
        words += f", {number(found['nrows'])} rows × {number(found['ncols'])} columns"
    if kind == "images/separated" and "count" in found:
        words = f"{number(found['count'])} {words}"
    bins = found.get("values")
    if kind == "histogram" and isinstance(bins, list):
        words += f" of {len(bins)} bins"
    path = found.get("path")
    return f"{words}: {path}" if isinstance(path, str) else words


FILTERS = {
    "ago": ago,
    "browser": browser,
    "day": day,
    "duration": duration,
    "moment": moment,
    "number": number,
    "size": size,
    "until": until,
    "value": value,
}
