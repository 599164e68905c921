"""What a value is carried by in these tests: files and words, as they would go up."""

from pathlib import Path
from typing import Any


class Carried:
    """Keeps them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.said: dict[str, Any] = {}

    def upload(self, name: str, path: str | None = None, *, data: bytes | None = None) -> None:
        self.files[name] = Path(path).read_bytes() if path is not None else data or b""

    def describe(self, **members: Any) -> None:
        self.said.update(members)
