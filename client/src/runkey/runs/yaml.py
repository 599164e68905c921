"""Writes plain values as YAML 1.2 (yaml.org/spec/1.2.2) that readers of 1.1, such as PyYAML, read as the same. Only writes."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

# What needs no quotes: begins with a letter, has nothing that means something, and is not a word that 1.1 or 1.2 takes for another type.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*")
# Neither printable in a document (section 5.1) nor escaped by JSON. What needs two of JSON's escapes stands as it is: YAML knows no pairs.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_WORDS = frozenset("null true false yes no on off y n nan inf".split())


def write(values: Mapping[str, Any]) -> str:
    """Write a mapping of what JSON knows, its keys sorted."""
    return "".join(f"{line}\n" for line in _lines(values, ""))


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, item in sorted(value.items(), key=lambda pair: str(pair[0])):
            yield from _entry(f"{indent}{_text(str(key))}:", item, indent + "    ")
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from _entry(f"{indent}-", item, indent + "    ")
    else:
        yield f"{indent}{_scalar(value)}"


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping | list | tuple) and value:
        yield head
        yield from _lines(value, indent)
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value) if not isinstance(value, Mapping | list | tuple) else ("{}" if isinstance(value, Mapping) else "[]")


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    # 1.1 takes 1e-05 for text: its numbers have a point.
    return text.replace("e", ".0e", 1) if "e" in text and "." not in text else text


def _text(text: str) -> str:
    """Write text, in double quotes where it could mean something else: a JSON string is one of YAML's."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
