"""What a client says beside its media, in its own part of the config: custom charts of tables, and what the numbers in masks mean. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from runkey_server.runs.model import Run

_MAX_CHARTS = 500
# Between the key of an image and the name of its mask: so the official client spells it.
_BETWEEN = "_wandb_delimeter_"


@dataclass(frozen=True)
class CustomChart:
    """One chart of a table. kind: the specification that it is drawn by, such as `wandb/line/v0`. table: the key of the table.

    columns: which column is which part of it. words: its title, and what its axes are called.
    """

    kind: str
    table: str
    columns: dict[str, str]
    words: dict[str, str]


def charts_of(run: Run) -> dict[str, CustomChart]:
    """Give the charts that `wandb.plot` made, by their key: `_wandb.visualize` of the config."""
    found = {}
    for key, told in list(_own(run, "visualize").items())[:_MAX_CHARTS]:
        config = _dict(_dict(told).get("panel_config"))
        table, kind = _table_of(config), config.get("panelDefId")
        if table and isinstance(kind, str):
            found[key] = CustomChart(kind, table, _texts(config.get("fieldSettings")), _texts(config.get("stringSettings")))
    return found


def classes_of(run: Run) -> dict[str, dict[str, dict[str, str]]]:
    """Give what the numbers in masks mean: by key of the image, by name of the mask, by number."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, told in _own(run, "mask/class_labels").items():
        key, between, mask = name.partition(_BETWEEN)
        if between:
            found.setdefault(key, {})[mask] = _texts(_dict(told).get("value"))
    return found


def _own(run: Run, part: str) -> dict[str, Any]:
    try:
        config = _dict(json.loads(run.config or "{}"))
    except ValueError:
        return {}
    return _dict(_dict(_dict(config.get("_wandb")).get("value")).get(part))


def _table_of(config: dict[str, Any]) -> str | None:
    """Find the key of the table in the query that the chart is drawn from, however it is nested."""
    waiting: list[Any] = [_dict(config.get("userQuery")).get("queryFields")]
    while waiting:
        told = waiting.pop()
        if isinstance(told, list):
            waiting += told
        elif isinstance(told, dict):
            if told.get("name") == "tableKey" and isinstance(told.get("value"), str):
                return str(told["value"])
            waiting += [told.get("fields"), told.get("args")]
    return None


def _dict(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _texts(told: Any) -> dict[str, str]:
    return {key: value for key, value in _dict(told).items() if isinstance(value, str)}
