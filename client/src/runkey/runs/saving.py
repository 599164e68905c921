"""`run.save()`: files of the script's that go up with the run, and the folder for those that it makes for the purpose."""

import contextlib
import glob as patterns
import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runkey.runs.run import Run


def files_folder(run: "Run") -> str:
    """Give the folder whose files bear the names that they will have on the server; made on first use."""
    folder = os.path.join(run.folder or os.path.join(tempfile.gettempdir(), f"runkey-{run.id}"), "files")
    with contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def save(run: "Run", glob_str: Any, base_path: Any, policy: str, *, glob: bool) -> list[str]:
    """Send the files that a pattern finds; give the paths of their copies.

    base_path: what their names are relative to: by default the folder that the pattern stands in. policy: "now", "live" and "end" are
    taken, and all mean now: a file is sent as it is at this call. Nothing is raised: a pattern that finds nothing is said.
    """
    if glob_str is None:
        return []
    pattern = os.path.abspath(os.path.expanduser(os.fspath(glob_str)))
    base = os.path.abspath(os.fspath(base_path)) if base_path is not None else os.path.dirname(pattern)
    if base_path is None and not os.path.isabs(os.fspath(glob_str)):
        # W&B keeps what a relative path says.
        base = os.getcwd()
    found = [path for path in (sorted(patterns.glob(pattern, recursive=True)) if glob else [pattern]) if os.path.isfile(path)]
    if not found:
        run._warn_once(f"save {pattern}", f"save() found no file for {os.fspath(glob_str)}.")
    saved = []
    for path in found:
        name = os.path.relpath(path, base)
        name = os.path.basename(path) if name.startswith("..") else name
        if run.upload(name.replace(os.sep, "/"), path):
            saved.append(os.path.join(files_folder(run), name))
    return saved
