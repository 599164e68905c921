"""The files that pages load: our style, icon and script, and the workspace as it was built (`server/workspace`).

What is built bears a hash of its bytes in its name, so a browser may keep it for a year. It is sent compressed to whoever takes it so.
"""

import gzip
import json
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.types import Receive, Scope, Send

from runkey_server.asgi.requests import header
from runkey_server.asgi.responses import send_bytes
from runkey_server.errors import Error

_HERE = Path(__file__).parent
_BUILT = _HERE / "workspace_built"
_ENTRY = "src/main.ts"

# What the table of the machine says differs from one to the next.
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_COMPRESSED = {".css", ".js", ".svg"}


@dataclass(frozen=True)
class _Asset:
    body: bytes
    suffix: str
    media_type: str
    cache_control: bytes

    @cached_property
    def compressed(self) -> bytes | None:
        # At the first request: it is no work for a server's start.
        return gzip.compress(self.body, mtime=0) if self.suffix in _COMPRESSED else None


@dataclass(frozen=True)
class Entry:
    """What a page of the workspace loads: addresses of one script and of style sheets."""

    script: str
    styles: list[str]


class Assets:
    """Holds the files of one worker in memory: they are few and small."""

    def __init__(self, built: Path = _BUILT) -> None:
        """Read them. Raises RuntimeError when the workspace was not built."""
        self._files = {path.name: _read(path, b"public, max-age=300") for path in (_HERE / "static").iterdir() if path.is_file()}
        try:
            manifest = json.loads((built / "manifest.json").read_text())
        except OSError:
            raise RuntimeError("The pages of the workspace are not built. Run: python server/workspace/build.py") from None
        for path in (built / "assets").iterdir():
            self._files[f"workspace/assets/{path.name}"] = _read(path, b"public, max-age=31536000, immutable")
        entry = manifest[_ENTRY]
        base = "/static/workspace/"
        self.entry = Entry(base + entry["file"], [base + style for style in entry.get("css", ())])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one, by its name."""
        found = self._files.get(scope["path_params"]["name"])
        if found is None:
            raise Error("not_found", "There is no such file.")
        headers = [(b"content-type", found.media_type.encode()), (b"cache-control", found.cache_control), (b"vary", b"accept-encoding")]
        body = found.body
        if "gzip" in (header(scope, b"accept-encoding") or "") and found.compressed is not None:
            headers.append((b"content-encoding", b"gzip"))
            body = found.compressed
        await send_bytes(send, 200, body, headers)


def _read(path: Path, cache_control: bytes) -> _Asset:
    body = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _Asset(body, path.suffix, media_type, cache_control)
