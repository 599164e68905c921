"""What a run's file may be called. The name is never a path on the server's disk; the client that downloads it makes one of it."""

import mimetypes
import re
import unicodedata

MAX_NAME_BYTES = 1_024
_PLAIN = re.compile(r"[ -.0-\[\]-~]+(?:/[ -.0-\[\]-~]+)*")


def plain_name(name: str) -> str:
    """Write a name without what leads nowhere: `./a//b` is `a/b`, as the official client asks for what it saved from `./a`.

    Nothing else is made alike: NFC and NFD, upper and lower case are names of their own, as on the disk that they came from.
    """
    return "/".join(part for part in name.split("/") if part not in ("", ".")) if not name.startswith("/") else name


def file_name_fault(name: str) -> str | None:
    """Say what is wrong with a file's name, as the end of a sentence that begins with it; None when nothing is."""
    # Nearly all are so, and a manifest may have a hundred thousand.
    if len(name) <= MAX_NAME_BYTES and _PLAIN.fullmatch(name) and ".." not in name:
        return None
    if not name or len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        return f"is no file name: 1 to {MAX_NAME_BYTES} bytes are allowed"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "is no file name: control characters are not allowed"
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts:
        return "is no file name: it must stay inside the run's folder"
    return None


def type_of(name: str) -> str:
    """Guess a file's media type from its name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
