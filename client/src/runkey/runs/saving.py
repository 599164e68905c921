"""`run.save()`: files of the script's that go up with the run, and the folder for those that it makes for the purpose."""

import contextlib
import glob as patterns
import os
import tempfile
from typing import TYPE_CHECKING, Any

from runkey.runs.copying import mark

if TYPE_CHECKING:
    from runkey.runs.run import Run

POLICIES = ("live", "now", "end")


def files_folder(run: "Run") -> str:
    """Give the folder whose files bear the names that they will have on the server; made on first use."""
    folder = os.path.join(run.folder or os.path.join(tempfile.gettempdir(), f"runkey-{run.id}"), "files")
    with contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def save(run: "Run", glob_str: Any, base_path: Any, policy: str, *, glob: bool) -> list[str]:
    """Send the files that a pattern finds now; give the paths of their copies.

    base_path: what their names are relative to; by default the current folder, and for an absolute pattern the one above its own, as W&B
    has it. policy: "now" sends a file as it is, "end" as it is at the end of the run, "live" now and whenever it changed. Nothing is
    raised: a pattern that finds nothing, or cannot be meant, is said.
    """
    if glob_str is None:
        return []
    pattern_text = os.fsdecode(glob_str)
    fault = _fault(pattern_text, base_path, policy)
    if fault:
        run._warn_once(f"save {pattern_text}", f"save({pattern_text!r}) sends nothing: {fault}.")
        return []
    pattern = os.path.abspath(os.path.expanduser(pattern_text))
    base = _base(pattern_text, pattern, base_path)
    found = [path for path in (sorted(patterns.glob(pattern, recursive=True)) if glob else [pattern]) if os.path.isfile(path)]
    if not found:
        run._warn_once(f"save {pattern}", f"save() found no file for {pattern_text}.")
    saved = []
    for path in found:
        name = os.path.relpath(path, base)
        name = (os.path.basename(path) if name.startswith(os.pardir) else name).replace(os.sep, "/")
        if _send(run, name, path, policy):
            saved.append(os.path.join(files_folder(run), name))
    return saved


def _send(run: "Run", name: str, path: str, policy: str) -> bool:
    if run.disabled:
        return False
    # Before it is copied: what changes meanwhile is sent again.
    sent = mark(path)
    if policy != "end" and not run.upload(name, path):
        return False
    if policy != "now" and run.follower is not None:
        run.follower.follow(name, path, is_live=policy == "live", sent=sent)
    return True


def _base(pattern_text: str, pattern: str, base_path: Any) -> str:
    if base_path is not None:
        return os.path.abspath(os.path.expanduser(os.fsdecode(base_path)))
    if os.path.isabs(os.path.expanduser(pattern_text)):
        return os.path.dirname(os.path.dirname(pattern))
    return os.getcwd()


def _fault(pattern: str, base_path: Any, policy: str) -> str | None:
    if policy not in POLICIES:
        return f"policy is one of {', '.join(POLICIES)}"
    if pattern.startswith(("gs://", "s3://")):
        return "files in a store of somebody's are not fetched"
    if base_path is not None:
        whole = os.path.abspath(os.path.expanduser(pattern))
        base = os.path.join(_base(pattern, whole, base_path), "")
        if not whole.startswith(base) or whole == base:
            return f"it does not lie below {os.fsdecode(base_path)}"
    return None
