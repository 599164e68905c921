"""The report card: what was found, in docs/compatibility.json, and the page that is made of it, docs/compatibility.md."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clients.features import FEATURES, Outcome, order_of

_DOCS = Path(__file__).parents[2] / "docs"
RESULTS = _DOCS / "compatibility.json"
PAGE = _DOCS / "compatibility.md"

_HEAD = """# What works with which official client

Each version of W&B's client below was installed in an environment of its own, on Python 3.11, and ran the same scripts
(`tests/clients/scripts`) against a server of this project; what it logged was read back with its own `wandb.Api()`. Every version's words
are its own: nothing is patched, and only what its documentation offers is called. One exception is *artifacts: in parts*, where the size
from which on a file goes in parts (2 GiB) is lowered in the versions that let it be.

**This page is made by `./dev matrix`, never edited.** `./dev matrix 0.19.11 --features image table` tries a part and brings that part up to
date. The results are in [compatibility.json](compatibility.json); a test compares the two, and the suite tries the oldest, a middle and the
newest version anew each time it is run.
"""
_LEGEND = """✓ works. A letter leads to what is missing, below: *partly* where the rest of the feature works, *no* where nothing of it does.
An empty cell: it was not tried with this version.
"""


def read() -> dict[str, dict[str, Any]]:
    """Give the results: for each version, for each feature, its outcome."""
    return json.loads(RESULTS.read_text())["versions"] if RESULTS.exists() else {}


def as_kept(outcome: Outcome) -> dict[str, Any]:
    """Give an outcome as the results hold it."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(outcome).items() if value}


def write(found: Mapping[str, Mapping[str, Outcome]]) -> None:
    """Put what was found in the place of what was known, and make the page anew."""
    results = read()
    for version, outcomes in found.items():
        known = results.setdefault(version, {})
        known.update({name: as_kept(outcome) for name, outcome in outcomes.items()})
    names = [feature.name for feature in FEATURES]
    ordered = {
        version: {name: results[version][name] for name in names if name in results[version]} for version in sorted(results, key=order_of)
    }
    groups = [{"name": feature.name, "group": feature.group} for feature in FEATURES]
    RESULTS.write_text(json.dumps({"features": groups, "versions": ordered}, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(render(json.loads(RESULTS.read_text())))


def render(results: Mapping[str, Any]) -> str:
    """Make the page of the results."""
    versions = results["versions"]
    notes: dict[str, str] = {}
    lines = [_HEAD, _LEGEND, _row("", versions), _row("---", (":-:" for _ in versions))]
    group = ""
    for feature in results["features"]:
        if feature["group"] != group:
            group = feature["group"]
            lines.append(_row(f"**{group}**", ("" for _ in versions)))
        lines.append(_row(feature["name"], (_cell(notes, feature["name"], found.get(feature["name"])) for found in versions.values())))
    lines += ["", "## What is missing, and why", ""]
    lines += [f"- **{letter}** {text}" for text, letter in notes.items()]
    return "\n".join(lines) + "\n"


def _row(first: str, rest: Any) -> str:
    return "| " + " | ".join([first, *rest]) + " |"


def _cell(notes: dict[str, str], name: str, found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    if found["outcome"] == "works":
        return "✓"
    missing = f"{name}: {', '.join(found['missing'])}. " if found.get("missing") else ""
    letter = notes.setdefault(missing + " ".join(found["why"]), _letter(len(notes)))
    return f"{found['outcome']} {letter}"


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else _letter(number // 26 - 1) + chr(ord("a") + number % 26)
