"""Html: a page as a value of a row (`html-file`, `html`)."""

import os
from collections.abc import Sequence
from typing import Any

from runkey.media import files
from runkey.media.files import Carrier, FileValue

# Links of a page that is shown in a frame open beside it. W&B adds a style sheet of its own address too; ours has none.
_HEAD = '<base target="_blank">'


class Html(FileValue):
    """A page: its text, the path of an `.html` file, or an open file. inject=False, or a path, leaves it as it is. Raises ValueError."""

    folder = "media/html"
    kind = "html-file"

    def __init__(self, data: Any, inject: bool = True, data_is_not_path: bool = False) -> None:
        """Read it now."""
        is_path = (
            not data_is_not_path and isinstance(data, str | os.PathLike) and os.fspath(data).endswith(".html") and os.path.isfile(data)
        )
        if is_path:
            with open(data, encoding="utf-8") as file:
                self.html = file.read()
        elif isinstance(data, str):
            self.html = data
        elif hasattr(data, "read"):
            self.html = files.read_text_or_bytes(data).decode()
        else:
            raise ValueError(f"A {type(data).__name__} is no page: its text, a path or an open file is.")
        if inject:
            self.html = _with_head(self.html)
        super().__init__("html", data=self.html.encode())

    @staticmethod
    def _runkey_media_list(items: "Sequence[Html]", run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        items = items[: files.MAX_ITEMS]
        return {"_type": "html", "count": len(items), "html": [item._runkey_media(run, key, step) for item in items]}


def _with_head(page: str) -> str:
    if "<head>" in page:
        return page.replace("<head>", f"<head>{_HEAD}", 1).strip()
    if "<html>" in page:
        return page.replace("<html>", f"<html><head>{_HEAD}</head>", 1).strip()
    return (_HEAD + page).strip()
